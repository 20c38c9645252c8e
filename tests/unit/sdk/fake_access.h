// Files and processes of one machine in memory: a test brings what the process's streams say, and sees what was sent,
// uploaded and killed.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plugins/sdk/place/place.h"

namespace osiris::sdk {

// What one stream says, in order; it stays silent afterwards. [any thread]
class FakeStream {
 public:
  void bring(Result<ProcessEvent> event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    changed_.notify_all();
  }
  void start(int64_t pid) {
    ProcessEvent event;
    event.pid = pid;
    bring(event);
  }
  void output(std::string bytes) { bring(said(ProcessEvent::Kind::kOutput, std::move(bytes))); }
  void log(std::string bytes) { bring(said(ProcessEvent::Kind::kLog, std::move(bytes))); }
  void end(ExitInfo::Kind kind, int status) {
    ProcessEvent event;
    event.kind = ProcessEvent::Kind::kEnd;
    event.exit.kind = kind;
    event.exit.status = status;
    bring(event);
  }
  // Events that were not taken yet.
  size_t left() const {
    const std::lock_guard lock(mutex_);
    return events_.size();
  }

  Result<ProcessEvent> next(Milliseconds wait) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, wait, [this] { return cancelled_ || !events_.empty(); });
    if (cancelled_) return Error(Code::kCancelled, "cancelled");
    if (events_.empty()) return Error(Code::kDeadline, "nothing came");
    Result<ProcessEvent> event = std::move(events_.front());
    events_.pop_front();
    return event;
  }
  void cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

 private:
  static ProcessEvent said(ProcessEvent::Kind kind, std::string bytes) {
    ProcessEvent event;
    event.kind = kind;
    event.bytes = std::move(bytes);
    return event;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Result<ProcessEvent>> events_;
  bool cancelled_ = false;
};

// A file's bytes in the given pieces; a piece may be an error.
class FakeBytes : public ByteStream {
 public:
  explicit FakeBytes(std::deque<Result<std::string>> pieces) : pieces_(std::move(pieces)) {}
  Result<std::string> read(Milliseconds) override {
    if (pieces_.empty()) return std::string();
    Result<std::string> piece = std::move(pieces_.front());
    pieces_.pop_front();
    return piece;
  }

 private:
  std::deque<Result<std::string>> pieces_;
};

// [any thread], but what is public is set before the calls.
class FakeAccess : public MachineAccess {
 public:
  // Of start() and of each connect(), in order: the last one is used again. The streams are the test's to feed.
  std::vector<std::shared_ptr<FakeStream>> streams{std::make_shared<FakeStream>()};
  Result<std::vector<int64_t>> listed = std::vector<int64_t>{7};
  Result<bool> alive = true;
  Status killed;
  std::optional<Error> refuses_input;  // every input, for this reason
  std::optional<Error> refuses_upload;
  // Called for what is sent to the process, from the sender's thread.
  std::function<void(std::string_view)> on_input;
  std::function<std::unique_ptr<ByteStream>(const std::string& path, uint64_t offset)> on_download;

  std::string sent() const {
    const std::lock_guard lock(mutex_);
    return sent_;
  }
  size_t kills() const {
    const std::lock_guard lock(mutex_);
    return kills_;
  }
  std::optional<StartSpec> started() const {
    const std::lock_guard lock(mutex_);
    return started_;
  }
  // By path.
  std::map<std::string, std::string> uploaded() const {
    const std::lock_guard lock(mutex_);
    return uploaded_;
  }

  std::unique_ptr<ProcessStream> start(const StartSpec& spec) override {
    {
      const std::lock_guard lock(mutex_);
      started_ = spec;
    }
    return next_stream();
  }
  std::unique_ptr<ProcessStream> connect(int64_t) override { return next_stream(); }
  Status send_input(int64_t, std::string_view bytes, const std::atomic<bool>&) override {
    if (refuses_input) return *refuses_input;
    {
      const std::lock_guard lock(mutex_);
      sent_ += bytes;
    }
    if (on_input) on_input(bytes);
    return {};
  }
  // The stream that is listened to says so, unless the kill fails.
  Status kill(int64_t) override {
    const std::lock_guard lock(mutex_);
    ++kills_;
    if (killed)
      streams.at(std::min(std::max<size_t>(opened_, 1), streams.size()) - 1)->end(ExitInfo::Kind::kSignaled, 9);
    return killed;
  }
  Result<std::vector<int64_t>> list() override { return listed; }
  Result<bool> is_alive() override { return alive; }
  bool is_unknown_process(const Error& error) const override { return error.code == Code::kNotFound; }
  bool is_input_closed(const Error& error) const override { return error.code == Code::kInvalidState; }

  Result<uint64_t> upload(std::vector<UploadPart> parts, const std::atomic<bool>&,
                          std::function<void()> opened) override {
    opened();
    uint64_t size = 0;
    for (const UploadPart& part : parts) {
      std::string bytes;
      OSIRIS_TRY(part.write([&bytes](std::string_view piece) {
        bytes += piece;
        return true;
      }));
      size += bytes.size();
      const std::lock_guard lock(mutex_);
      uploaded_[part.path] = std::move(bytes);
    }
    if (refuses_upload) return *refuses_upload;
    return size;
  }
  std::unique_ptr<ByteStream> download(const std::string& path, uint64_t offset, std::string) override {
    return on_download(path, offset);
  }

 private:
  class Listener : public ProcessStream {
   public:
    explicit Listener(std::shared_ptr<FakeStream> stream) : stream_(std::move(stream)) {}
    Result<ProcessEvent> next(Milliseconds wait) override { return stream_->next(wait); }
    void cancel() override { stream_->cancel(); }

   private:
    const std::shared_ptr<FakeStream> stream_;
  };

  std::unique_ptr<ProcessStream> next_stream() {
    const std::lock_guard lock(mutex_);
    return std::make_unique<Listener>(streams.at(std::min(opened_++, streams.size() - 1)));
  }

  mutable std::mutex mutex_;
  size_t opened_ = 0, kills_ = 0;
  std::string sent_;
  std::optional<StartSpec> started_;
  std::map<std::string, std::string> uploaded_;
};

}  // namespace osiris::sdk

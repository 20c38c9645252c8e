#include "worker/records/record_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/thread.h"
#include "protocol/rpc/frames.h"

namespace osiris::worker {
namespace {

// Never hidden, whatever a secret happens to be: what programs follow.
constexpr std::array<std::string_view, 19> kStructural = {
    "event",         "metric",        "step_id",    "driver",         "from_step", "key",        "family",
    "alias",         "sha256",        "error_type", "cause",          "category",  "session_id", "output_dir",
    "artifact_type", "relative_path", "status",     "drivers_loaded", "tags"};
// In results also where files are: the adapter fetches them there.
constexpr std::array<std::string_view, 8> kStructuralInResults = {"status", "step_id", "sha256",     "path",
                                                                  "target", "outputs", "session_id", "drivers_loaded"};

constexpr std::chrono::milliseconds kGather{1};
constexpr size_t kGatherBytesMax = size_t{64} << 10;
// What a pipe that has room takes without blocking.
constexpr size_t kHereBytesMax = 4096;

Status send_all(int fd, std::string_view bytes) {
  if (write_all(fd, bytes)) return {};
  return errno_error(errno, "cannot write to", fd == 1 ? "stdout" : "the stream");
}

void hide(rpc::Record& record, const Redactor& redactor) {
  if (auto* event = std::get_if<rpc::Event>(&record)) redactor.redact(event->data, kStructural);
  if (auto* metric = std::get_if<rpc::Metric>(&record)) redactor.redact(metric->data, kStructural);
  if (auto* response = std::get_if<rpc::Response>(&record)) {
    if (auto* result = std::get_if<Json>(&response->outcome)) redactor.redact(*result, kStructuralInResults);
    if (auto* error = std::get_if<Error>(&response->outcome)) {
      error->message = redactor.redact(error->message);
      error->hint = redactor.redact(error->hint);
      redactor.redact(error->detail, kStructural);
    }
  }
}

// What stands for a record that is longer than a message may be.
rpc::Record oversize(rpc::Record record) {
  const std::string note = "the record was longer than " + std::to_string(rpc::kMessageBytesMax) + " bytes";
  if (auto* response = std::get_if<rpc::Response>(&record)) {
    response->outcome = Error(Code::kExhausted, note);
  } else if (auto* event = std::get_if<rpc::Event>(&record)) {
    event->data =
        Json::object({{"event", event->data["event"]}, {"step_id", event->data["step_id"]}, {"omitted", note}});
  }
  return record;
}

void number(rpc::Record& record, uint64_t seq, int64_t time_ns) {
  if (auto* response = std::get_if<rpc::Response>(&record)) response->seq = seq, response->time_ns = time_ns;
  // One that was held has its time.
  const auto stamp = [&](auto* held) {
    held->seq = seq;
    if (held->time_ns == 0) held->time_ns = time_ns;
  };
  if (auto* event = std::get_if<rpc::Event>(&record)) stamp(event);
  if (auto* metric = std::get_if<rpc::Metric>(&record)) stamp(metric);
}

}  // namespace

RecordStream::RecordStream(int fd, const Clock& clock, std::function<void(const Error&)> on_failure,
                           size_t queue_bytes_max)
    : fd_(fd), clock_(clock), on_failure_(std::move(on_failure)), queue_bytes_max_(queue_bytes_max) {
  if (begin_thread(writer_, [this] { write_loop(); })) return;
  failed_ = true;
  if (on_failure_) on_failure_(no_more_threads("the worker cannot write its records"));
}

RecordStream::~RecordStream() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  work_.notify_all();
  room_.notify_all();
  if (writer_.joinable()) writer_.join();
}

void RecordStream::set_redactor(std::shared_ptr<const Redactor> redactor) {
  const std::lock_guard lock(mutex_);
  redactor_ = std::move(redactor);
}

Status RecordStream::open_log(const std::filesystem::path& path) {
  FileDescriptor log = FileDescriptor::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
  if (!log.is_open()) return errno_error(errno, "cannot make the record log", path);
  std::unique_lock lock(mutex_);
  hurry();
  // What was queued before belongs to no run and is not kept.
  room_.wait(lock, [this] { return queued_bytes_ == 0 || failed_ || abandoned_; });
  log_file_ = std::move(log);
  log_path_ = path;
  first_kept_seq_ = last_seq_ + 1;
  return {};
}

bool RecordStream::has_log() const {
  const std::lock_guard lock(mutex_);
  return log_file_.is_open();
}

uint64_t RecordStream::last_seq() const {
  const std::lock_guard lock(mutex_);
  return last_seq_;
}

size_t RecordStream::queued_bytes() const {
  const std::lock_guard lock(mutex_);
  return queued_bytes_;
}

void RecordStream::push(Item item, std::unique_lock<std::mutex>&) {
  queued_bytes_ += item.line.size();
  queue_.push_back(std::move(item));
  if (queued_bytes_ >= std::min(kGatherBytesMax, queue_bytes_max_)) return hurry();
  if (queue_.size() == 1 && !is_gathering_) work_.notify_one();
}

void RecordStream::hurry() {
  hurry_ = true;
  work_.notify_one();
}

bool RecordStream::can_write_here() const {
  if (is_writing_ || queue_.empty() || queued_bytes_ > kHereBytesMax) return false;
  for (const Item& item : queue_)
    if (item.is_replay || !item.blobs.empty()) return false;
  pollfd room{fd_, POLLOUT, 0};
  return ::poll(&room, 1, 0) == 1 && room.revents == POLLOUT;
}

void RecordStream::write_now(std::unique_lock<std::mutex>& lock) {
  if (queue_.empty() || failed_ || abandoned_) return;
  if (!can_write_here()) return hurry();
  if (const Status status = write_queue(lock); !status.ok()) {
    written_ = status;
    hurry();
  }
}

Status RecordStream::write_queue(std::unique_lock<std::mutex>& lock) {
  std::deque<Item> batch;
  batch.swap(queue_);
  size_t bytes = 0;
  for (const Item& item : batch) bytes += item.line.size();
  is_writing_ = true;
  lock.unlock();
  Status status = write_batch(batch);
  lock.lock();
  is_writing_ = false;
  queued_bytes_ -= bytes;
  if (!status.ok()) failed_ = true;
  room_.notify_all();
  if (!queue_.empty() || closing_) work_.notify_one();
  return status;
}

void RecordStream::emit(rpc::Record record) {
  std::unique_lock lock(mutex_);
  const auto redactor = redactor_;
  lock.unlock();
  if (redactor) hide(record, *redactor);
  lock.lock();
  room_.wait(lock, [this] { return queued_bytes_ < queue_bytes_max_ || abandoned_ || failed_ || closing_; });
  if (failed_) return;
  // Numbering and queueing are one step: the order of numbers is the order on the wire.
  number(record, ++last_seq_, clock_.unix_ns());
  const bool is_answer = std::holds_alternative<rpc::Response>(record);
  auto line = rpc::encode_message(rpc::to_json(record));
  if (!line.ok()) line = rpc::encode_message(rpc::to_json(oversize(std::move(record))));
  if (line.ok()) push({.line = *std::move(line), .numbered = true, .blobs = {}}, lock);
  if (is_answer) write_now(lock);
}

void RecordStream::send(const rpc::Record& record) { send_with_blobs(record, {}); }

void RecordStream::send_with_blobs(const rpc::Record& record, std::filesystem::path file) {
  rpc::Record copy = record;
  std::unique_lock lock(mutex_);
  if (redactor_) hide(copy, *redactor_);
  auto line = rpc::encode_message(rpc::to_json(copy));
  if (!line.ok() || failed_) return;
  push({.line = *std::move(line), .numbered = false, .blobs = std::move(file)}, lock);
  hurry();  // never waits
}

void RecordStream::replay(const std::string& id, uint64_t from_seq) {
  std::unique_lock lock(mutex_);
  if (!failed_) push({.line = id, .numbered = false, .blobs = {}, .is_replay = true, .from_seq = from_seq}, lock);
  hurry();
}

void RecordStream::flush(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  write_now(lock);
  room_.wait_for(lock, limit, [this] { return queued_bytes_ == 0 || failed_ || abandoned_; });
}

void RecordStream::abandon() {
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
  room_.notify_all();
}

void RecordStream::write_loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return !queue_.empty() || closing_ || hurry_; });
    is_gathering_ = true;
    work_.wait_for(lock, kGather, [this] { return hurry_ || closing_; });
    is_gathering_ = false;
    work_.wait(lock, [this] { return !is_writing_; });
    hurry_ = false;
    Status status = std::exchange(written_, Status());
    if (status.ok() && queue_.empty()) {
      if (closing_) return;
      continue;
    }
    if (status.ok()) status = write_queue(lock);
    if (status.ok()) continue;
    lock.unlock();
    if (on_failure_) on_failure_(status.error());
    return;
  }
}

Status RecordStream::write_lines(std::string& numbered, std::string& all) {
  if (log_file_.is_open()) {
    if (const Status kept = send_all(log_file_.get(), numbered); !kept.ok()) {
      Error error = kept.error().within("the record log");
      if (error.code == Code::kUnavailable) error.code = Code::kInternal;
      return error;
    }
  }
  numbered.clear();
  if (const Status sent = send_all(fd_, all); !sent.ok()) return Error(Code::kUnavailable, sent.error().message);
  all.clear();
  return {};
}

Status RecordStream::write_batch(std::deque<Item>& batch) {
  std::string numbered, all;
  for (Item& item : batch) {
    if (item.is_replay) {
      OSIRIS_TRY(write_lines(numbered, all));
      OSIRIS_TRY(write_replay(item));
      continue;
    }
    if (item.numbered) numbered += item.line;
    all += item.line;
    if (!item.blobs.empty()) {
      OSIRIS_TRY(write_lines(numbered, all));
      OSIRIS_TRY(write_blobs(item.blobs));
    }
  }
  return write_lines(numbered, all);
}

Status RecordStream::write_blobs(const std::filesystem::path& file) {
  const FileDescriptor source = FileDescriptor::open(file, O_RDONLY);
  if (!source.is_open()) return errno_error(errno, "cannot open", file);
  std::string block(rpc::kRelationBlobBytes, '\0');
  Status status;
  while (status.ok()) {
    size_t have = 0;
    int64_t got = 0;
    while (have < block.size() && (got = read_some(source.get(), block.data() + have, block.size() - have)) > 0)
      have += static_cast<size_t>(got);
    if (got < 0) status = errno_error(errno, "cannot read", file);
    if (have == 0 || !status.ok()) break;
    status = send_all(fd_, rpc::blob_header(have));
    if (status.ok()) status = send_all(fd_, std::string_view(block).substr(0, have));
    if (status.ok()) status = send_all(fd_, "\n");
    if (!status.ok()) status = Error(Code::kUnavailable, status.error().message);
  }
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  return status;
}

// Line n of the log is record first_kept_seq_ + n.
Status RecordStream::write_replay(const Item& item) {
  const FileDescriptor log = FileDescriptor::open(log_path_, O_RDONLY);
  if (!log.is_open()) return errno_error(errno, "cannot open the record log", log_path_);
  std::string block(size_t{1} << 20, '\0');
  uint64_t lines = 0;
  // Two passes: the answer, which names the last record, goes before the records.
  for (int64_t got; (got = read_some(log.get(), block.data(), block.size())) > 0;) {
    for (int64_t i = 0; i < got; ++i) lines += block[static_cast<size_t>(i)] == '\n';
  }
  rpc::Response answer;
  answer.id = item.line;
  answer.outcome = Json::object({{"status", "replaying"}, {"last_seq", first_kept_seq_ + lines - 1}});
  auto line = rpc::encode_message(rpc::to_json(answer));
  Status status = line.ok() ? send_all(fd_, *line) : Status(line.error());
  uint64_t skip = item.from_seq > first_kept_seq_ ? item.from_seq - first_kept_seq_ : 0;
  ::lseek(log.get(), 0, SEEK_SET);
  for (int64_t got; status.ok() && (got = read_some(log.get(), block.data(), block.size())) > 0;) {
    std::string_view bytes(block.data(), static_cast<size_t>(got));
    while (skip > 0 && !bytes.empty()) {
      const size_t end = bytes.find('\n');
      if (end == std::string_view::npos) {
        bytes = {};
      } else {
        bytes.remove_prefix(end + 1);
        --skip;
      }
    }
    status = send_all(fd_, bytes);
  }
  if (!status.ok()) return Error(Code::kUnavailable, status.error().message);
  return {};
}

}  // namespace osiris::worker

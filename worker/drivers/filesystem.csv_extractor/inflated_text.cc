#include "worker/drivers/filesystem.csv_extractor/inflated_text.h"

#include <duckdb.hpp>
#include <duckdb/common/file_system.hpp>
#include <duckdb/main/client_context.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "protocol/base/random.h"
#include "protocol/base/text.h"
#include "protocol/base/thread.h"
#include "worker/drivers/files/byte_source.h"

namespace osiris::worker::csv {
namespace {

constexpr const char* kPrefix = "osiris-inflated-";
constexpr const char* kName = "OsirisInflatedText";
constexpr size_t kBlockBytes = size_t{1} << 20;
constexpr size_t kBlocksAhead = 8;

// What may be opened, by its path.
struct Offers {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<InflatedText>> texts;
};
Offers& offers() {
  static Offers all;
  return all;
}

std::shared_ptr<InflatedText> find(const std::string& path) {
  const std::lock_guard lock(offers().mutex);
  const auto found = offers().texts.find(path);
  return found == offers().texts.end() ? nullptr : found->second.lock();
}

// One reading of the file.
class Inflating : public duckdb::FileHandle {
 public:
  Inflating(duckdb::FileSystem& system, const std::string& name, duckdb::FileOpenFlags how,
            std::shared_ptr<InflatedText> text)
      : FileHandle(system, name, how), text_(std::move(text)) {
    if (begin_thread(thread_, [this] { inflate(); })) return;
    failure_ = no_more_threads("inflating the file");
    ended_ = true;
  }
  ~Inflating() override { stop(); }

  void Close() override { stop(); }

  int64_t read(char* out, size_t size) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !blocks_.empty() || ended_; });
    if (blocks_.empty()) {
      if (!failure_.ok()) throw duckdb::IOException("%s", failure_.error().message);
      return 0;
    }
    const std::string& block = blocks_.front();
    const size_t taken = std::min(size, block.size() - at_);
    std::memcpy(out, block.data() + at_, taken);
    at_ += taken;
    if (at_ == block.size()) {
      blocks_.pop_front();
      at_ = 0;
      changed_.notify_all();
    }
    return static_cast<int64_t>(taken);
  }

 private:
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  void inflate() {
    const Status status = inflate_all();
    const std::lock_guard lock(mutex_);
    failure_ = status;
    ended_ = true;
    changed_.notify_all();
  }

  Status inflate_all() {
    OSIRIS_ASSIGN(const auto bytes, open_bytes(text_->options().file, text_->options().compression));
    for (;;) {
      std::string block(kBlockBytes, '\0');
      size_t filled = 0, got = 1;
      while (filled < block.size() && got > 0) {
        OSIRIS_ASSIGN(got, bytes->read(block.data() + filled, block.size() - filled));
        filled += got;
      }
      block.resize(filled);
      if (filled > 0) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return blocks_.size() < kBlocksAhead || stopping_; });
        if (stopping_) return {};
        blocks_.push_back(std::move(block));
        changed_.notify_all();
      }
      if (got == 0) return {};
    }
  }

  std::shared_ptr<InflatedText> text_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> blocks_;
  size_t at_ = 0;  // in the first block
  bool ended_ = false, stopping_ = false;
  Status failure_;
  std::thread thread_;  // last: it uses the rest
};

class InflatedFiles : public duckdb::FileSystem {
 public:
  std::string GetName() const override { return kName; }
  bool CanHandleFile(const std::string& path) override { return path.starts_with(kPrefix); }
  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(const std::string& path, duckdb::FileOpenFlags flags,
                                                  duckdb::optional_ptr<duckdb::FileOpener>) override {
    auto text = find(path);
    if (!text) throw duckdb::IOException("no such text");
    return duckdb::make_uniq<Inflating>(*this, path, flags, std::move(text));
  }
  int64_t Read(duckdb::FileHandle& handle, void* buffer, int64_t size) override {
    return handle.Cast<Inflating>().read(static_cast<char*>(buffer), static_cast<size_t>(size));
  }
  // About: text is some times as long, and the reader asks how many threads are worth it.
  int64_t GetFileSize(duckdb::FileHandle& handle) override {
    const auto text = find(handle.path);
    std::error_code code;
    const auto size = text ? std::filesystem::file_size(text->options().file, code) : 0;
    return code ? 0 : static_cast<int64_t>(4 * size);
  }
  duckdb::FileType GetFileType(duckdb::FileHandle&) override { return duckdb::FileType::FILE_TYPE_REGULAR; }
  bool FileExists(const std::string& path, duckdb::optional_ptr<duckdb::FileOpener>) override {
    return find(path) != nullptr;
  }
  bool IsPipe(const std::string&, duckdb::optional_ptr<duckdb::FileOpener>) override { return true; }
  duckdb::vector<duckdb::OpenFileInfo> Glob(const std::string& path, duckdb::FileOpener*) override {
    return {duckdb::OpenFileInfo(path)};
  }
  bool CanSeek() override { return false; }
  bool OnDiskFile(duckdb::FileHandle&) override { return false; }
};

void register_files(duckdb_connection connection) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  auto& context = *reinterpret_cast<duckdb::Connection*>(connection)->context;
  auto& files = duckdb::FileSystem::GetFileSystem(*context.db);
  const auto names = files.ListSubSystems();
  if (std::find(names.begin(), names.end(), kName) == names.end())
    files.RegisterSubSystem(duckdb::make_uniq<InflatedFiles>());
}

}  // namespace

InflatedText::InflatedText(Options options) : options_(std::move(options)), path_(kPrefix + to_hex(random_bytes(16))) {}

InflatedText::~InflatedText() {
  const std::lock_guard lock(offers().mutex);
  offers().texts.erase(path_);
}

Result<std::shared_ptr<InflatedText>> InflatedText::offer(duckdb_connection connection, const Options& options) {
  std::shared_ptr<InflatedText> text(new InflatedText(options));
  try {
    register_files(connection);
  } catch (const std::exception& failure) {
    return Error(Code::kInternal, "DuckDB refused inflated files: " + duckdb::ErrorData(failure).Message());
  }
  const std::lock_guard lock(offers().mutex);
  offers().texts[text->path()] = text;
  return text;
}

}  // namespace osiris::worker::csv

#include "worker/drivers/remote/inputs.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/file_pattern.h"
#include "protocol/base/sha256.h"
#include "protocol/base/side_by_side.h"
#include "worker/drivers/files/places.h"

namespace osiris::worker::remote {
namespace {

constexpr size_t kNameBytesMax = 100;
constexpr size_t kHeadBytes = 4;  // that tell what kind of file it is
constexpr size_t kSideBySide = 16;

// The engine's reader of Parquet begins with a thousandth of the file, at its end. Of many files less is kept.
uint64_t tail_bytes(uint64_t size, size_t files) {
  constexpr uint64_t kLeast = uint64_t{64} << 10, kMost = uint64_t{256} << 10;
  constexpr size_t kFilesMax = 128;
  return files > kFilesMax ? kLeast : std::bit_ceil(std::clamp(size / 1000, kLeast, kMost));
}

// The end of a path as a file's name of plain characters.
std::string plain_name(const std::string& shown) {
  std::string name = shown.substr(shown.rfind('/') + 1);
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-' && c != '_') c = '_';
  if (name.size() > kNameBytesMax) name.erase(0, name.size() - kNameBytesMax);
  while (name.starts_with('.')) name[0] = '_';
  return name.empty() ? "file" : name;
}

class Finder {
 public:
  Finder(StepContext& step, std::string_view kind, Use use) : step_(step), kind_(kind), use_(use) {}

  Result<Inputs> run(const std::string& path) {
    OSIRIS_ASSIGN(const Location location, read_location(path));
    OSIRIS_ASSIGN(store_, Store::open(step_, location));
    std::vector<std::pair<std::string, Object>> objects;
    if (location.is_s3() && is_file_pattern(location.key)) {
      OSIRIS_ASSIGN(objects, store_->list(location));
      if (objects.empty())
        return Error(Code::kNotFound,
                     "Step " + step_.step_id() + ": no " + std::string(kind_) + " file matches '" + path + "'",
                     "* stays within a directory, ** goes below", category::kExtractNoData);
    } else {
      OSIRIS_ASSIGN(Object object, store_->look_up(location));
      objects.emplace_back(location.shown, std::move(object));
    }
    if (use_ == Use::kRanges) {
      OSIRIS_ASSIGN(inputs_.ahead, Store::open(step_, location));
      for (const auto& [name, object] : objects)
        files_.push_back(object.size
                             ? std::make_shared<RemoteFile>(store_, object, tail_bytes(*object.size, objects.size()))
                             : nullptr);
      fetch_ends();
    }
    for (size_t i = 0; i < objects.size(); ++i)
      OSIRIS_TRY(take(objects[i].first, objects[i].second, use_ == Use::kRanges ? files_[i] : nullptr));
    return std::move(inputs_);
  }

 private:
  // Of several objects, a store's; an address is that of one, and its server may not serve parts.
  void fetch_ends() {
    if (files_.size() < 2) return;
    std::atomic<size_t> next = 0;
    side_by_side(std::min(files_.size(), kSideBySide), [&](size_t) {
      try {
        for (size_t i = next++; i < files_.size() && !step_.is_cancelled(); i = next++)
          if (files_[i]) files_[i]->fetch_ends();
      } catch (const std::bad_alloc&) {  // who reads them finds it out
      }
    });
  }

  Status take(const std::string& name, const Object& object, const std::shared_ptr<RemoteFile>& file) {
    if (file) {
      // The first bytes tell whether the server serves parts; of a Parquet file they are wanted anyway.
      char first = 0;
      const Status served = *object.size == 0 ? Status() : file->read(*object.size - 1, &first, 1);
      if (served.ok()) {
        OSIRIS_ASSIGN(const std::string path, define_virtual_file(step_.connection_handle(), file, plain_name(name)));
        inputs_.remote.push_back(file);
        inputs_.files.push_back({name, path});
        return {};
      }
      if (served.error().code != Code::kUnsupported) return served.error();
    }
    OSIRIS_ASSIGN(const std::filesystem::path copy, copy_of(name, object));
    inputs_.files.push_back({name, copy});
    return {};
  }

  // A step may be tried in two ways, and reads a version of an object once.
  Result<std::filesystem::path> copy_of(const std::string& name, const Object& object) {
    const std::string version = object.url + "\n" + object.etag + object.modified;
    const std::filesystem::path directory = step_.scratch_dir() / ("remote-" + sha256_hex(version).substr(0, 32));
    const std::filesystem::path file = directory / plain_name(name), part = directory / "part";
    std::error_code ignored;
    if (object.etag.size() > 0 && std::filesystem::exists(file, ignored)) return file;
    std::filesystem::remove_all(directory, ignored);
    OSIRIS_TRY(make_directories(directory));
    step_.log("copying " + object.shown + (object.size ? " (" + std::to_string(*object.size) + " bytes)" : "") +
              " to this machine");
    OSIRIS_TRY(store_->copy(object, part));
    std::error_code failed;
    std::filesystem::rename(part, file, failed);
    if (failed) return errno_error(failed.value(), "cannot rename", part);
    return file;
  }

  StepContext& step_;
  const std::string_view kind_;
  const Use use_;
  std::shared_ptr<Store> store_;
  std::vector<std::shared_ptr<RemoteFile>> files_;  // of the objects; null: one whose size is not known
  Inputs inputs_;
};

}  // namespace

Result<RemoteFile::Bytes> RemoteFile::tail() {
  {
    const std::lock_guard lock(mutex_);
    if (tail_) return tail_;
    OSIRIS_TRY(tail_failure_);
  }
  auto bytes = std::make_shared<std::string>(size_bytes() - tail_at_, '\0');
  OSIRIS_TRY(store_->read(object_, tail_at_, bytes->data(), bytes->size()));
  const std::lock_guard lock(mutex_);
  tail_ = std::move(bytes);
  return tail_;
}

void RemoteFile::fetch_ends() {
  const auto last = tail();
  std::string head(kHeadBytes, '\0');
  const bool has_head = last.ok() && tail_at_ >= kHeadBytes && store_->read(object_, 0, head.data(), head.size()).ok();
  const std::lock_guard lock(mutex_);
  if (!last.ok()) tail_failure_ = last.error();
  if (has_head) head_ = std::move(head);
}

Status RemoteFile::fetch(uint64_t at, char* buffer, size_t size) {
  if (at >= tail_at_) {
    OSIRIS_ASSIGN(const Bytes bytes, tail());
    std::memcpy(buffer, bytes->data() + (at - tail_at_), size);
    return {};
  }
  {
    const std::lock_guard lock(mutex_);
    if (at + size <= head_.size()) {
      std::memcpy(buffer, head_.data() + at, size);
      return {};
    }
  }
  if (ahead_) {
    OSIRIS_ASSIGN(const bool is_there, ahead_->take(place_, at, buffer, size));
    if (is_there) return {};
  }
  return store_->read(object_, at, buffer, size);
}

Status RemoteFile::read(uint64_t at, char* buffer, size_t size) {
  if (size == 0) return {};
  Status status = fetch(at, buffer, size);
  if (!status.ok()) {
    const std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = status;
  }
  return status;
}

Status RemoteFile::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

Error Inputs::cause_of(const Error& error) const {
  for (const std::shared_ptr<RemoteFile>& file : remote)
    if (const Status failure = file->failure(); !failure.ok()) return failure.error();
  return error;
}

void Inputs::read_ahead(std::vector<FileLayout> layouts) const {
  if (!ahead) return;
  const auto reads = std::make_shared<ReadAhead>(ahead);
  for (size_t i = 0; i < remote.size(); ++i)
    remote[i]->use(reads, reads->add(remote[i]->object(), std::move(layouts[i]), remote[i]->tail_at()));
}

Result<Inputs> input_files(StepContext& step, const std::string& path, std::string_view kind, Use use) {
  if (is_remote(path)) return Finder(step, kind, use).run(path);
  Inputs inputs;
  OSIRIS_ASSIGN(inputs.files, files::input_files(step, path, kind));
  return inputs;
}

Status stays_here(const StepContext& step) {
  if (!is_remote(step.config()["path"].as_string())) return {};
  return Error(Code::kUnsupported, "the columns of a file that is not here are not asked for");
}

}  // namespace osiris::worker::remote

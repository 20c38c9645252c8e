#include "host/cache/file_hashes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/read_block.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr int kFormat = 1;
constexpr uint64_t kMemoryBytesMax = 64u << 20;
constexpr size_t kBlockBytes = size_t{256} << 10;  // what is read is still near when it is hashed
constexpr size_t kRecordsMax = 20'000;
// File systems write times in steps, of up to 2 s; a change within one of them leaves no trace.
constexpr int64_t kTimeStepNs = 2'000'000'000;

// Of the memory, a kind each.
constexpr const char* kMembers[] = {"files", "contents"};
constexpr const char* kHashNames[] = {"sha256", "hash"};

int64_t nanoseconds(const timespec& time) { return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

}  // namespace

Result<FileIdentity> FileIdentity::of(const fs::path& file) {
  struct stat info{};
  if (::stat(file.c_str(), &info) != 0) return errno_error(errno, "cannot read", file);
  if (!S_ISREG(info.st_mode)) return Error(Code::kInvalidArgument, file.string() + " is not a regular file");
  return FileIdentity{uint64_t{info.st_dev}, uint64_t{info.st_ino}, static_cast<uint64_t>(info.st_size),
                      nanoseconds(info.st_mtim), nanoseconds(info.st_ctim)};
}

Json to_json(const FileIdentity& identity) {
  return Json::array({identity.device, identity.inode, identity.size_bytes, identity.mtime_ns, identity.ctime_ns});
}

FileIdentity file_identity_from_json(const Json& json) {
  const Json::Array& numbers = json.items();
  if (numbers.size() != 5) return {};
  return {numbers[0].as_uint(), numbers[1].as_uint(), numbers[2].as_uint(), numbers[3].as_int(), numbers[4].as_int()};
}

FileHashes::FileHashes(fs::path memory, const Clock& clock) : memory_(std::move(memory)), clock_(clock) {
  const auto text = read_file(memory_, kMemoryBytesMax);
  if (!text.ok()) return;
  const auto json = parse_json(*text);
  if (!json.ok() || (*json)["format"].as_int() != kFormat) return;
  for (size_t kind = 0; kind < std::size(kMembers); ++kind)
    for (const auto& [path, entry] : (*json)[kMembers[kind]].members())
      records_[kind][path] = {{file_identity_from_json(entry["identity"]), entry[kHashNames[kind]].as_string()},
                              entry["read_unix_ns"].as_int(),
                              false};
}

bool FileHashes::is_trusted(const Record& record, const FileIdentity& now) const {
  return record.file.identity == now && record.file.hash.size() == 64 && record.read_unix_ns <= clock_.unix_ns() &&
         std::max(now.mtime_ns, now.ctime_ns) + kTimeStepNs < record.read_unix_ns;
}

// In blocks, so that a file of many gigabytes holds up no stop.
Result<std::string> FileHashes::read(const fs::path& file, Kind kind, uint64_t& size_bytes) {
  const FileDescriptor input = FileDescriptor::open(file, O_RDONLY);
  if (!input.is_open()) return errno_error(errno, "cannot read", file);
  ReadBlock block(kBlockBytes);
  if (kind == Kind::kContent && !key_) key_.emplace("");
  std::optional<Sha256> sha256;
  std::optional<ContentHash> content;
  if (kind == Kind::kSha256)
    sha256.emplace();
  else
    content.emplace(*key_);
  for (size_bytes = 0;;) {
    if (stopping_) return Error(Code::kCancelled, "stopped");
    const int64_t got = read_some(input.get(), block.data(), block.size());
    if (got < 0) return errno_error(errno, "cannot read", file);
    if (got == 0) return sha256 ? sha256->hex() : content->hex();
    const std::string_view bytes = block.first(static_cast<size_t>(got));
    sha256 ? sha256->update(bytes) : content->update(bytes);
    size_bytes += bytes.size();
  }
}

Result<HashedFile> FileHashes::look_up(const fs::path& file, Kind kind) {
  OSIRIS_ASSIGN(const FileIdentity before, FileIdentity::of(file));
  if (defers_) return HashedFile{before, kNotHashed};
  Record& record = records_[static_cast<size_t>(kind)][file.string()];
  record.is_used = true;
  if (is_trusted(record, before)) return record.file;
  ++reads_;
  changed_ = true;
  record.read_unix_ns = clock_.unix_ns();
  record.file = {};
  uint64_t size_bytes = 0;
  OSIRIS_ASSIGN(std::string hash, read(file, kind, size_bytes));
  OSIRIS_ASSIGN(const FileIdentity after, FileIdentity::of(file));
  if (before != after || size_bytes != after.size_bytes)
    return Error(Code::kUnavailable, file.string() + " was written to while it was read",
                 "Run again when nothing writes to it.");
  record.file = {after, std::move(hash)};
  return record.file;
}

void FileHashes::save() {
  if (!changed_) return;
  changed_ = false;
  Json document = Json::object({{"format", kFormat}});
  for (size_t kind = 0; kind < std::size(kMembers); ++kind) {
    Json files = Json::object();
    for (const auto& [path, record] : records_[kind]) {
      if (record.file.hash.empty() || (records_[kind].size() > kRecordsMax && !record.is_used)) continue;
      files.members().emplace_back(path, Json::object({{"identity", to_json(record.file.identity)},
                                                       {kHashNames[kind], record.file.hash},
                                                       {"read_unix_ns", record.read_unix_ns}}));
    }
    document.set(kMembers[kind], std::move(files));
  }
  if (!make_directories(memory_.parent_path()).ok()) return;
  static_cast<void>(write_file_atomically(memory_, document.dump()));
}

}  // namespace osiris

#include "worker/package/package.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "protocol/archive/archive.h"
#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"

namespace osiris::worker {
namespace {

namespace fs = std::filesystem;

// A file of an earlier run, or one that came before the package, is as good as one that travelled with it, if it still
// is what it was.
Status check_present(const rpc::PackageFile& file) {
  const auto digest = sha256_file(file.to);
  if (digest.ok() && digest->size_bytes == file.size_bytes && digest->sha256 == file.sha256) return {};
  return Error(Code::kNotFound,
               file.to + " is not what was left there before" + (digest.ok() ? "" : ": " + digest.error().message));
}

// Removes what is below `directory` and is no file of the package. Links are removed, not followed.
Status prune(const fs::path& directory, const rpc::Package& package) {
  std::set<fs::path> wanted;  // the files and every directory above them
  for (const rpc::PackageFile& file : package.files)
    for (fs::path path = file.to; path.has_relative_path() && wanted.insert(path).second; path = path.parent_path()) {
    }
  std::error_code code;
  std::vector<fs::path> unwanted;
  for (fs::recursive_directory_iterator it(directory, code), end; !code && it != end; it.increment(code))
    if (it->is_symlink() || wanted.count(it->path()) == 0) {
      unwanted.push_back(it->path());
      it.disable_recursion_pending();
    }
  if (code && code != std::errc::no_such_file_or_directory) return errno_error(code.value(), "cannot list", directory);
  for (const fs::path& path : unwanted) {
    fs::remove_all(path, code);
    if (code) return errno_error(code.value(), "cannot remove", path);
  }
  return {};
}

constexpr const char* kPartSuffix = ".part";

class Unpacker {
 public:
  explicit Unpacker(const rpc::Package& package) {
    for (const rpc::PackageFile& file : package.files)
      if (!file.present) expected_[file.number] = &file;
  }

  Result<archive::MemberSink> open(uint32_t number, uint64_t size_bytes) {
    const auto found = expected_.find(number);
    if (found == expected_.end() || found->second->size_bytes != size_bytes)
      return Error(Code::kInvalidArgument,
                   "the run package holds member " + std::to_string(number) + ", which was not announced");
    const fs::path part = found->second->to + kPartSuffix;
    OSIRIS_TRY(make_directories(part.parent_path()));
    output_ = FileDescriptor::open(part, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (!output_.is_open()) return errno_error(errno, "cannot write", part);
    return archive::MemberSink([this, part](std::string_view bytes) -> Status {
      if (write_all(output_.get(), bytes)) return {};
      return errno_error(errno, "cannot write", part);
    });
  }

  Status close(uint32_t number, const FileDigest& digest) {
    const rpc::PackageFile& file = *expected_.at(number);
    if (!output_.close()) return errno_error(errno, "cannot write", file.to);
    if (digest.sha256 != file.sha256)
      return Error(Code::kUnavailable,
                   "member " + std::to_string(number) + " of the run package was damaged on its way", "Run again.");
    if (::rename((file.to + kPartSuffix).c_str(), file.to.c_str()) != 0)
      return errno_error(errno, "cannot write", file.to);
    expected_.erase(number);
    return {};
  }

  Status finish() const {
    if (expected_.empty()) return {};
    return Error(Code::kUnavailable,
                 "the run package lacks member " + std::to_string(expected_.begin()->first) + ": it was cut on its way",
                 "Run again.");
  }

 private:
  std::map<uint32_t, const rpc::PackageFile*> expected_;
  FileDescriptor output_;
};

}  // namespace

Status unpack_package(const rpc::Package& package) {
  if (!package.prune.empty()) OSIRIS_TRY(prune(package.prune, package));
  for (const std::string& directory : package.directories) OSIRIS_TRY(make_directories(directory));
  for (const rpc::PackageFile& file : package.files)
    if (file.present) OSIRIS_TRY(check_present(file));
  const FileDescriptor input = FileDescriptor::open(package.path, O_RDONLY);
  if (!input.is_open()) return errno_error(errno, "cannot open the run package", package.path);
  const archive::Source source = [&]() -> Result<std::string> {
    std::string block(1 << 18, '\0');
    const int64_t got = read_some(input.get(), block.data(), block.size());
    if (got < 0) return errno_error(errno, "cannot read the run package", package.path);
    block.resize(static_cast<size_t>(got));
    return block;
  };
  Unpacker unpacker(package);
  const Status read = archive::read(
      source, {}, [&](uint32_t number, uint64_t size) { return unpacker.open(number, size); },
      [&](uint32_t number, const FileDigest& digest) { return unpacker.close(number, digest); });
  if (!read) return read.error().within("cannot unpack the run package");
  OSIRIS_TRY(unpacker.finish());
  ::unlink(package.path.c_str());
  return {};
}

}  // namespace osiris::worker

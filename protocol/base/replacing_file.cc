#include "protocol/base/replacing_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/temporary_name.h"

namespace osiris {
namespace {

constexpr size_t kPieceBytes = size_t{256} << 10;

// A rename would put the file in a link's place and leave what the link means as it is.
Status check_kind(const std::filesystem::path& target) {
  std::error_code ignored;
  const auto type = std::filesystem::symlink_status(target, ignored).type();
  if (type == std::filesystem::file_type::not_found || type == std::filesystem::file_type::regular ||
      type == std::filesystem::file_type::none)
    return {};
  const char* what = type == std::filesystem::file_type::directory ? "a directory"
                     : type == std::filesystem::file_type::symlink ? "a symbolic link"
                                                                   : "not a regular file";
  return Error(Code::kInvalidArgument, "cannot write " + target.string() + ": it is " + what, "give the path of a file",
               category::kWriteFailed);
}

// The new file gets the old one's mode and, where this process may give files away, its owner. chown first: it takes
// bits off the mode.
// 0, or errno.
int take_after(const struct stat& old, int fd) {
  struct stat now;
  const bool other_owner = fstat(fd, &now) == 0 && (now.st_uid != old.st_uid || now.st_gid != old.st_gid);
  if (other_owner && fchown(fd, old.st_uid, old.st_gid) != 0 && errno != EPERM) return errno;
  return fchmod(fd, old.st_mode & 07777) == 0 ? 0 : errno;
}

}  // namespace

ReplacingFile::~ReplacingFile() {
  if (temporary_.empty()) return;
  unlink(temporary_.c_str());
  parents_.remove();
}

Status ReplacingFile::open(bool create_dirs) {
  OSIRIS_TRY(check_kind(target_));
  OSIRIS_TRY(parents_.make(target_.parent_path(), create_dirs));
  std::string name;
  do {  // not mkostemp(), which leaves the umask aside
    name = temporary_beside(target_);
    file_ = FileDescriptor::open(name, O_WRONLY | O_CREAT | O_EXCL);
  } while (!file_.is_open() && errno == EEXIST);
  if (!file_.is_open()) {
    const Error error = errno_error(errno, "cannot write", target_);
    parents_.remove();
    return error;
  }
  temporary_ = name;
  struct stat old;
  if (stat(target_.c_str(), &old) != 0) return {};
  if (const int error = take_after(old, file_.get()))
    return errno_error(error, "cannot give the old file's mode to", target_);
  return {};
}

// In pieces that are still in the processor's cache when they are looked at a second time.
Status ReplacingFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, hash_ ? kPieceBytes : bytes.size());
    if (hash_) hash_->update(piece);
    if (!write_all(file_.get(), piece)) return errno_error(errno, "cannot write", target_);
    bytes_written_ += piece.size();
    bytes.remove_prefix(piece.size());
  }
  return {};
}

Status ReplacingFile::write_at(uint64_t offset, std::string_view bytes) {
  hash_.reset();
  while (!bytes.empty()) {
    const ssize_t written = pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error(errno, "cannot write", target_);
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return {};
}

Status ReplacingFile::close() {
  if (!file_.close()) return errno_error(errno, "cannot write", target_);
  return {};
}

Status ReplacingFile::check_target() const { return check_kind(target_); }

// What the target is may have changed since open(): a rename would take the place of a link that is there now.
Status ReplacingFile::commit() {
  OSIRIS_TRY(close());
  OSIRIS_TRY(check_target());
  if (rename(temporary_.c_str(), target_.c_str()) != 0) return errno_error(errno, "cannot put in place", target_);
  temporary_.clear();
  return {};
}

std::optional<FileDigest> ReplacingFile::digest() {
  if (!hash_) return std::nullopt;
  return FileDigest{hash_->hex(), bytes_written_};
}

Status check_writable(const std::filesystem::path& target, bool create_dirs) {
  OSIRIS_TRY(check_kind(target));
  return check_parents(target.parent_path(), create_dirs);
}

}  // namespace osiris

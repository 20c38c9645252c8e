#include "host/project/file_trust.h"

#include <unistd.h>

#include <cerrno>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"

namespace osiris {

std::optional<std::string> other_writer(const struct stat& file, const struct stat& directory, uid_t me) {
  if (file.st_mode & 02) return "everyone";
  if (file.st_mode & 020) return "its group";
  if (file.st_uid == me || file.st_uid == 0) return std::nullopt;
  // Root reads what the owner of a directory put there: in a container the project is often another user's. But not
  // what another user left in /tmp.
  if (me == 0 && file.st_uid == directory.st_uid && !(directory.st_mode & 02)) return std::nullopt;
  return "another user, its owner (uid " + std::to_string(file.st_uid) + ")";
}

Status check_writers(const std::filesystem::path& file, std::string_view what) {
  struct stat info{}, directory{};
  if (::stat(file.c_str(), &info) != 0) return errno_error(errno, "cannot read", file);
  if (::stat(std::filesystem::absolute(file).parent_path().c_str(), &directory) != 0)
    return errno_error(errno, "cannot read", file);
  const auto writer = other_writer(info, directory, ::geteuid());
  if (!writer) return {};
  const bool is_of_another = info.st_uid != ::geteuid() && (info.st_mode & 022) == 0;
  return Error(Code::kInvalidArgument,
               "The " + std::string(what) + " " + file.string() + " can be written by " + *writer +
                   ", so it cannot be trusted with secrets",
               is_of_another ? "copy it, so that it is yours" : "chmod go-w " + file.string(),
               category::kConfigInvalid);
}

}  // namespace osiris

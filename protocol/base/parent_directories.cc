#include "protocol/base/parent_directories.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"

namespace osiris {

Error no_directory(const std::filesystem::path& directory) {
  return Error(Code::kNotFound, "cannot write: the directory " + directory.string() + " does not exist",
               "create it, or set create_dirs: true", category::kWritePathNotFound);
}

Status ParentDirectories::make(const std::filesystem::path& directory, bool may_make) {
  std::vector<std::filesystem::path> missing;
  std::error_code ignored;
  for (auto at = directory; !at.empty() && !std::filesystem::exists(at, ignored); at = at.parent_path())
    missing.push_back(at);
  if (missing.empty()) return {};
  if (!may_make) return no_directory(directory);
  for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
    if (mkdir(at->c_str(), 0777) == 0) {
      made_.push_back(*at);
    } else if (errno != EEXIST) {  // another step may have been quicker
      const Error error = errno_error(errno, "cannot create directory", *at);
      remove();
      return error;
    }
  }
  return {};
}

void ParentDirectories::remove() {
  for (auto directory = made_.rbegin(); directory != made_.rend(); ++directory) rmdir(directory->c_str());
  made_.clear();
}

Status check_parents(std::filesystem::path directory, bool may_make) {
  std::error_code ignored;
  if (!std::filesystem::exists(directory, ignored) && !may_make) return no_directory(directory);
  while (!directory.empty() && !std::filesystem::exists(directory, ignored)) directory = directory.parent_path();
  if (access(directory.c_str(), W_OK | X_OK) != 0) return errno_error(errno, "cannot write in", directory);
  return {};
}

}  // namespace osiris

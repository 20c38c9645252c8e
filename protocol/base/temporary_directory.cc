#include "protocol/base/temporary_directory.h"

#include <errno.h>
#include <stdlib.h>

#include <string>
#include <system_error>
#include <utility>

#include "protocol/base/file.h"

namespace osiris {

Result<TemporaryDirectory> TemporaryDirectory::make() {
  std::error_code code;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(code);
  if (code) return errno_error(code.value(), "cannot find", "the directory for temporary files");
  std::string name = (parent / "osiris-XXXXXX").string();
  if (!::mkdtemp(name.data())) return errno_error(errno, "cannot make a directory in", parent);
  return TemporaryDirectory(name);
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept
    : path_(std::exchange(other.path_, std::filesystem::path())) {}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace osiris

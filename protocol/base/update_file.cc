#include "protocol/base/update_file.h"

#include "protocol/base/file.h"

namespace osiris {

Status update_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  if (const auto old = read_file(path, bytes.size()); old.ok() && *old == bytes) return {};
  return write_file_atomically(path, bytes);
}

}  // namespace osiris

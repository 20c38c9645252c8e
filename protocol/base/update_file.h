// Files that are mostly written with the bytes they have.
#pragma once

#include <filesystem>
#include <string_view>

#include "protocol/base/error.h"

namespace osiris {

// As write_file_atomically(), but a file with these bytes is left alone. Replacing a file makes some file systems
// (ext4) write it out first, which takes milliseconds.
Status update_file_atomically(const std::filesystem::path& path, std::string_view bytes);

}  // namespace osiris

// Files that choose where secrets are sent: the connections file, .env files, adapter options in osiris.yaml. One that
// another user could have written is refused.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/error.h"

namespace osiris {

// Who beside `me` (and root) can write such a file; nullopt: no other user. Files are looked for in directories above
// the working directory too, which may be ones where others put files.
std::optional<std::string> other_writer(const struct stat& file, const struct stat& directory, uid_t me);

// kInvalidArgument with a hint where other_writer() names a user. `what`: "connections file".
Status check_writers(const std::filesystem::path& file, std::string_view what);

}  // namespace osiris

// How commands about an adapter's library name it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/commands/context.h"

namespace osiris {

// `text`: a file, or the name of an adapter, which is looked for in `directories` (--adapter-dir) and then where `run`
// would look. Not made canonical. kNotFound where there is neither.
Result<std::filesystem::path> library_argument(const CommandContext& context, const std::string& text,
                                               const std::vector<std::string>& directories);

}  // namespace osiris

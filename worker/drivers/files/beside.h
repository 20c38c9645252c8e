// A database file may have a second one beside it with what was written last. Both travel; where that put them into two
// directories, they are brought together again.
#pragma once

#include <filesystem>
#include <string_view>

#include "worker/driver_api/driver.h"

namespace osiris::worker::files {

// Where to open the file of `path`: in its place, or as a copy in the step's scratch directory, with the file whose
// name is its own and `suffix`, if there is one. `kind` names it in errors: "SQLite".
Result<std::filesystem::path> with_companion(const StepContext& step, std::string_view path, std::string_view suffix,
                                             std::string_view kind);

}  // namespace osiris::worker::files

// Patterns in the paths of a pipeline: `*`, `?` and `[a-z]` within a name, `**` for directories of any depth. Host and
// worker ask the same functions, so that a dry run shows what a run reads.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"

namespace osiris {

inline constexpr size_t kMatchesMax = 100'000;

// Whether the path has a character of a pattern. A file that is there under this very name is that file all the same.
bool is_file_pattern(std::string_view path);

// Whether find_files() would take `path`, were it there. Both are absolute and normalised.
bool matches_file_pattern(const std::filesystem::path& pattern, const std::filesystem::path& path);

// The regular files that an absolute pattern finds, each once, sorted by their bytes; none is no error. Names that
// begin with a dot are found only where the pattern has the dot; `**` does not follow links to directories.
// kInvalidArgument beyond kMatchesMax, or for a directory that cannot be listed.
Result<std::vector<std::filesystem::path>> find_files(const std::filesystem::path& pattern);

// Every regular file below `directory`, sorted by path; none where there is no such directory. Links are not followed
// and not named.
Result<std::vector<std::filesystem::path>> files_below(const std::filesystem::path& directory);

// What of it is no pattern: of "data/year=*/x.csv" it is "data".
std::filesystem::path fixed_directory(const std::filesystem::path& pattern);

// `found` as the author of a pipeline would write it: below the same directory that `pattern`, whose absolute form is
// `absolute`, begins with.
std::string spelled_as(const std::filesystem::path& found, std::string_view pattern,
                       const std::filesystem::path& absolute);

}  // namespace osiris

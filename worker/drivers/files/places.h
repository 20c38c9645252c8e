// Where the files of a pipeline's path are: a file, or what a pattern finds. A connection's base_dir is part of what a
// plan says of a path; a path that no plan names starts there.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "worker/driver_api/driver.h"

namespace osiris::worker::files {

std::filesystem::path input_file(const StepContext& step, std::string_view path);
std::filesystem::path output_file(const StepContext& step, std::string_view path);

// Whether `file` is one that can be read; `kind` names it in the error, "CSV".
Status check_input(const StepContext& step, const std::filesystem::path& file, std::string_view kind);

// Whether there is an input for a writer to write.
Status check_writes(const StepContext& step);

// Whether the directory that a connection's paths start in is there.
Status check_base_dir(const StepContext& step);

// The files of `path`, at least one, each as check_input() wants it, in the order of their names.
Result<std::vector<MatchedFile>> input_files(const StepContext& step, std::string_view path, std::string_view kind);

// A path as an argument of the engine's readers, which would take a name with `*` for a pattern: an SQL literal.
std::string sql_path(const std::filesystem::path& file);
// ['…', '…']
std::string sql_paths(const std::vector<MatchedFile>& files);

}  // namespace osiris::worker::files

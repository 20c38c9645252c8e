// Which files of a directory are pipelines.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace osiris {

// Every .yaml and .yml file below `directory` with a line `oml_version:` at its top level, sorted by path and named as
// `directory` is. Hidden directories, what osiris itself writes (build, run_logs, aiop) and other programs' packages
// (node_modules) are left out; symlinks to directories are not followed.
std::vector<std::string> find_pipelines(const std::filesystem::path& directory);

}  // namespace osiris

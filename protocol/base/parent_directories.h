// Directories made on the way to a file that may never come: removed again unless it does.
#pragma once

#include <filesystem>
#include <vector>

#include "protocol/base/error.h"

namespace osiris {

class ParentDirectories {
 public:
  // `directory` and what is missing above it. kNotFound where something is missing and may not be made.
  Status make(const std::filesystem::path& directory, bool may_make);
  // Those that make() made and that are still empty.
  void remove();

 private:
  std::vector<std::filesystem::path> made_;  // outermost first
};

// The error of a directory that is not there and may not be made.
Error no_directory(const std::filesystem::path& directory);
// Whether something can be put into `directory`, which may have to be made first.
Status check_parents(std::filesystem::path directory, bool may_make);

}  // namespace osiris

// The checked-out source tree, for tests that read it.
#pragma once

#include <string>
#include <vector>

namespace osiris::tidy {

struct SourceFile {
  std::string path;  // from the repository root
  std::string text;
};

// Every C and C++ file of the project, sorted by path; nothing below build/, .git/ or node_modules/.
const std::vector<SourceFile>& source_files();
// Every text file git would track, by the same rules.
const std::vector<SourceFile>& all_files();

}  // namespace osiris::tidy

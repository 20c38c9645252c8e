// A page of docs/ as a reader follows it: its files are written, its commands run in one shell, and what it says they
// print is compared.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/e2e/project.h"

namespace osiris::e2e {

// A fenced block. Its file is what the first line names in a comment: "# pipelines/load.yaml", "-- models/clean.sql".
struct PageBlock {
  std::string language;  // "sh", "text", "yaml", ...
  std::string text, file;
  int line = 0;  // of the page, from 1
};
std::vector<PageBlock> page_blocks(const std::string& page);

// Runs the page in `directory` (relative to the project's), from its first block to its last, with bash -e:
// - a block with a file writes it; YAML without one fails the test, as does a pipeline that no command names,
// - "sh" runs; a "text" behind it is how its output ends.
// "$" and other languages are for the reader alone.
void follow_page(const Project& project, const std::filesystem::path& directory, const std::filesystem::path& page);

}  // namespace osiris::e2e

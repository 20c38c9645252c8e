#include "tests/tidy/tree.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "protocol/base/file.h"

namespace osiris::tidy {
namespace {

std::vector<SourceFile> read_tree() {
  namespace fs = std::filesystem;
  const char* root = std::getenv("OSIRIS_SOURCE_DIR");
  std::vector<SourceFile> files;
  if (!root) return files;
  static const std::set<std::string> kSkipped = {"build", ".git", "node_modules", "corpus"};
  for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator(); ++it) {
    if (kSkipped.count(it->path().filename().string())) {  // .git of a worktree is a file
      it.disable_recursion_pending();
    } else if (it->is_regular_file() && it->file_size() < (2u << 20)) {
      if (auto text = read_file(it->path())) files.push_back({fs::relative(it->path(), root).string(), *text});
    }
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

}  // namespace

const std::vector<SourceFile>& all_files() {
  static const std::vector<SourceFile> files = read_tree();
  return files;
}

const std::vector<SourceFile>& source_files() {
  static const std::vector<SourceFile> files = [] {
    std::vector<SourceFile> some;
    static const std::set<std::string> kEndings = {".h", ".hpp", ".c", ".cc", ".cpp"};
    for (const SourceFile& file : all_files())
      if (kEndings.count(std::filesystem::path(file.path).extension().string())) some.push_back(file);
    return some;
  }();
  return files;
}

}  // namespace osiris::tidy

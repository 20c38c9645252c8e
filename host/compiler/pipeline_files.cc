#include "host/compiler/pipeline_files.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kLeftOut = {"build", "run_logs", "aiop", "node_modules"};
constexpr size_t kBytesMax = 64u << 20;

bool is_pipeline(const fs::path& file) {
  const auto extension = file.extension();
  if (extension != ".yaml" && extension != ".yml") return false;
  const auto text = read_file(file, kBytesMax);
  // One that cannot be read or is too large is named by its reader.
  return !text.ok() || text->starts_with("oml_version:") || text->find("\noml_version:") != std::string::npos;
}

bool is_left_out(const fs::path& directory) {
  const std::string name = directory.filename().string();
  return name.starts_with('.') || std::find(kLeftOut.begin(), kLeftOut.end(), name) != kLeftOut.end();
}

}  // namespace

std::vector<std::string> find_pipelines(const fs::path& directory) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator it(directory, fs::directory_options::skip_permission_denied, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored) && !it->is_symlink(ignored)) {
      if (is_left_out(it->path())) it.disable_recursion_pending();
    } else if (it->is_regular_file(ignored) && is_pipeline(it->path())) {
      files.push_back(it->path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace osiris

#include "check/cases/stage_support.h"

#include <map>

#include "protocol/base/sha256.h"

namespace osiris::check {

Pipeline any_pipeline(Bench& bench, const std::string& name) {
  return bench.task().runs ? small_pipeline(bench.directory(name)) : empty_pipeline(bench.directory(name));
}

std::string picture_of_directory(const std::filesystem::path& directory) {
  std::map<std::string, std::string> files;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    const bool is_file = at->is_regular_file(ignored);
    const auto digest = is_file ? sha256_file(at->path()) : Result<FileDigest>(Error());
    files[at->path().string()] = digest.ok() ? digest->sha256 : "";
  }
  std::string picture;
  for (const auto& [path, hash] : files) picture += path + " " + hash + "\n";
  return picture;
}

}  // namespace osiris::check

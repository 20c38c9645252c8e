// The directories and configs of steps that have not begun, made while they wait for the engine. Each stands below the
// worker's own directory until its step begins and moves it, with one call, to where sessions have it: a step that is
// never run leaves none.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace osiris::worker {

inline constexpr std::string_view kConfigFile = "cleaned_config.json";

class FilesAhead {
 public:
  explicit FilesAhead(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // [one thread] Makes those of a step, if it has not begun. What fails here is tried again by the step.
  void make(const std::string& step_id, std::string_view config);
  // [any thread] Of a step that begins: whether `artifacts_dir` is there now, with its config. Once.
  bool take(const std::string& step_id, const std::filesystem::path& artifacts_dir);

 private:
  std::filesystem::path directory_;
  size_t count_ = 0;
  std::mutex mutex_;
  std::set<std::string, std::less<>> begun_;
  std::map<std::string, std::filesystem::path, std::less<>> made_;
};

}  // namespace osiris::worker

#include "worker/executor/planned_files.h"

namespace osiris::worker {

PlannedFiles::PlannedFiles(const PlanStep& step) {
  for (const PlanFile& file : step.input_files) {
    if (file.modified_ns != 0) of_shards_.push_back(&file);
    if (file.location.empty()) continue;
    inputs_.try_emplace(file.path, &file);
    if (!file.pattern.empty()) by_pattern_[file.pattern].push_back(&file);
  }
  for (const PlanFile& file : step.outputs)
    if (!file.location.empty()) outputs_.try_emplace(file.path, &file);
}

const PlanFile* PlannedFiles::find(const Files& files, std::string_view path) {
  const auto found = files.find(path);
  return found == files.end() ? nullptr : found->second;
}

const std::vector<const PlanFile*>& PlannedFiles::found_by(std::string_view pattern) const {
  static const std::vector<const PlanFile*> none;
  const auto found = by_pattern_.find(pattern);
  return found == by_pattern_.end() ? none : found->second;
}

}  // namespace osiris::worker

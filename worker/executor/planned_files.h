// The files of a step of the plan, by the paths that its config has for them: a step with shards may have a hundred
// thousand.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/model/plan.h"

namespace osiris::worker {

class PlannedFiles {
 public:
  // `step` outlives it.
  explicit PlannedFiles(const PlanStep& step);

  const PlanFile* input(std::string_view path) const { return find(inputs_, path); }
  const PlanFile* output(std::string_view path) const { return find(outputs_, path); }
  // In the order of the plan.
  const std::vector<const PlanFile*>& found_by(std::string_view pattern) const;
  // Inputs of shards, as they were listed when the run began.
  const std::vector<const PlanFile*>& of_shards() const { return of_shards_; }

 private:
  using Files = std::unordered_map<std::string_view, const PlanFile*>;
  static const PlanFile* find(const Files& files, std::string_view path);

  Files inputs_, outputs_;
  std::unordered_map<std::string_view, std::vector<const PlanFile*>> by_pattern_;
  std::vector<const PlanFile*> of_shards_;
};

}  // namespace osiris::worker

// Which of a step's files are those of one shard, without looking at those of all others each time: a list may have
// 100,000 shards.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "protocol/base/json.h"
#include "protocol/model/plan.h"

namespace osiris::sdk {

class ShardFiles {
 public:
  // Borrows both: the step, which has shards, and its document in the plan.
  ShardFiles(const PlanStep& step, const Json& document);

  // Inputs that are found by the shard's value, as positions among the step's.
  std::vector<size_t> inputs_of(const Shard& shard) const;
  // The step's document with this shard as its only one, and with its files.
  Json document_of(size_t at) const;

 private:
  const PlanStep& step_;
  const Json& document_;
  std::map<std::string, size_t> inputs_, outputs_;  // by path
  std::vector<std::string> patterns_;               // of inputs, with the shard in them
  std::vector<size_t> shared_;                      // inputs of every shard
};

}  // namespace osiris::sdk

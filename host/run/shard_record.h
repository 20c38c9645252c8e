// shards.json of a session: which shards the run has, what they settled before they were read, and what came of each.
#pragma once

#include <filesystem>
#include <mutex>
#include <string_view>
#include <vector>

#include "host/run/step_tally.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/model/plan.h"

namespace osiris {

class ShardRecord {
 public:
  // Of a run in which no step has shards nothing is written.
  ShardRecord(const Plan& plan, const std::filesystem::path& session_dir);

  // When the run begins.
  Status write() const;
  // [any thread] Of a worker's shards_settled it keeps what was settled, at once: no row has been read then.
  void on_event(std::string_view name, std::string_view step_id, const Json& data);
  // When the run has ended: rows and fingerprints of the shards that were taken in. An error of on_event() too.
  Status finish(const std::vector<StepState>& steps);

 private:
  Json* list_of(std::string_view step_id);

  const std::filesystem::path file_;
  mutable std::mutex mutex_;
  Json document_;
  Status written_;
};

}  // namespace osiris

// Shards: the pieces that `foreach` makes of a step, listed when a run starts (docs/shards.md). Host and worker fill
// the same placeholders, so that a plan names the files that its steps read and write.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

inline constexpr size_t kShardsMax = 100'000;
// "$shard" in SQL, and so a name that `values` must leave free.
inline constexpr const char* kShardValueName = "shard";

struct Shard {
  uint64_t index = 0;  // its place in the whole list, from 0
  Json value;          // a text or a number; of a file its path, as the pipeline would write it
  std::string text;    // ${shard.value}: the value in decimal notation
  std::string stem;    // ${shard.stem}: the file's name without directory and endings; otherwise `text`

  std::string shown() const;  // "shard 3 (in/calls-04.csv)"
  friend bool operator==(const Shard&, const Shard&) = default;
};

// Of a step of the plan.
struct StepShards {
  Json rule;               // what the shards are of, {"files": "in/*.csv"}: steps with the same rule have the same ones
  bool per_shard = false;  // it says per_shard, and reads its inputs with the same rule in pieces
  bool binds_value = false;    // its SQL names $shard
  uint64_t parallel_max = 0;   // shards of the step at the same time; 0: as many as the worker takes
  bool tells_columns = false;  // what is told of a shard that was taken in has the columns of its rows
  Json settled;                // what they have in common, settled by another worker; null: this one settles it
  bool holds = false;          // only settle it, and hold what shards elsewhere are read by until the step is stopped
  bool goes_on = false;        // `on_failure: continue`: where a shard fails the others run all the same
  std::vector<Shard> list;     // all of them, or those that this worker runs, by index

  // `consistency: none`: the shards are parts of a table, and each is read at its own moment.
  bool is_inconsistent() const { return rule["split"]["consistency"].as_string() == "none"; }
};
// The error of a step that goes on after failures, in the end: which shards did not come, by their places in its list.
// `not_run`: because the rows that they read had not come. One of both has an entry.
struct FailedShard {
  size_t place = 0;
  Error error;
};
Error incomplete_shards(const StepShards& shards, const std::vector<FailedShard>& failed,
                        const std::vector<size_t>& not_run);
// The key of that error's detail: {"shards", "failed": [indices], "not_run": [indices]}, a hundred of each at most.
inline constexpr const char* kIncompleteShards = "incomplete_shards";

Json to_json(const StepShards& shards);
Result<StepShards> step_shards_from_json(const Json& json);

// Whether the text has a "${shard.".
bool names_shard(std::string_view text);
// The first placeholder of that kind which is none of the three, "${shard.name}"; empty: there is none.
std::string unknown_shard_placeholder(std::string_view text);
std::string fill_shard(std::string_view text, const Shard& shard);
// A step's config for one shard: all its texts filled, and the value among those that its SQL binds.
Json config_of_shard(const Json& config, const StepShards& shards, const Shard& shard);

}  // namespace osiris

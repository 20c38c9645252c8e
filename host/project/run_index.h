// Who ran, when, with what result: .osiris/index. Appends hold an exclusive lock on a lock file, so two runs at once in
// one project never mix their lines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

struct RunRecord {
  std::string run_id, pipeline_slug, profile, manifest_hash, manifest_short, run_ts,
      status;  // status: running, success, ...
  int64_t duration_ms = 0;
  std::string run_logs_path, aiop_path, build_manifest_path;
  std::vector<std::string> tags;
  std::string branch, user, git_commit, runtime_env;
  Json extra = Json::object();  // further members, such as "pid"

  Json to_json() const;
  static RunRecord from_json(const Json& json);
};

// Three lines: a path, a manifest hash, a profile (empty when there is none).
struct LatestPointer {
  std::filesystem::path path;
  std::string manifest_hash;
  std::string profile;
};

class RunIndex {
 public:
  explicit RunIndex(std::filesystem::path index_dir) : dir_(std::move(index_dir)) {}

  // Appends one line to runs.jsonl and to by_pipeline/<pipeline_slug>.jsonl, durably. kInvalidArgument for a
  // manifest_hash that is not pure hex.
  Status append(const RunRecord& record) const;
  // One record per run, oldest first: of several lines of one run the last one counts.
  Result<std::vector<RunRecord>> read() const;
  // The last `count` of these. Of a long index the end alone is read, as far as those runs reach back.
  Result<std::vector<RunRecord>> read_newest(size_t count) const;

  // Takes the lines of these runs out of runs.jsonl and by_pipeline/. A run that begins meanwhile waits.
  Status forget(const std::set<std::string>& run_ids) const;

  Status write_last_compile(const LatestPointer& pointer) const;                   // last_compile.txt
  Status write_latest(std::string_view slug, const LatestPointer& pointer) const;  // latest/<slug>.txt
  Result<LatestPointer> read_last_compile() const;
  Result<LatestPointer> read_latest(std::string_view slug) const;

  // The next value (1, 2, ...) of a pipeline's counter in counters.sqlite; safe between processes.
  Result<int64_t> next_counter(std::string_view pipeline_id, const Clock& clock) const;

 private:
  std::filesystem::path dir_;
};

// Joins the parts of `format` (incremental, ulid, iso_ulid, uuidv4, snowflake) with '_'.
Result<std::string> make_run_id(const std::vector<std::string>& format, std::string_view pipeline_id,
                                const RunIndex& index, const Clock& clock);
// 26 Crockford base-32 characters: 10 of the time, 16 random.
std::string make_ulid(int64_t unix_ns);

}  // namespace osiris

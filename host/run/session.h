// The run directory and the run's record in the index: what stays of a run, however it ends.
//
//   run_logs/<profile>/<slug>/<time>_<run id>-<short>/
//     events.jsonl metrics.jsonl osiris.log   written as things happen
//     manifest.yaml cfg/                       what was compiled, cfg/ by links; references only, never a value
//     shards.json                              where steps run in shards: which
//     artifacts/                               what steps left
//     artifacts.json status.json               written at the end
//     run.lock                                 held by the living host, gone after a clean end
//
// The index gets a record when the run starts and another when it ends; a run whose lock is free and that never
// ended was interrupted.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/compiler/compiler.h"
#include "host/project/project.h"
#include "host/project/run_index.h"
#include "host/run/run_log.h"
#include "host/run/status.h"
#include "protocol/base/clock.h"
#include "protocol/base/error.h"
#include "protocol/base/file_lock.h"
#include "protocol/model/artifact.h"

namespace osiris {

// When a run began: by the calendar for people, by the steady clock for how long it took. The calendar's clock may be
// set back while a run goes on.
struct StartTime {
  int64_t unix_ns = 0;
  int64_t monotonic_ns = 0;
  static StartTime now(const Clock& clock) { return {clock.unix_ns(), clock.monotonic_ns()}; }
  double seconds_until_now(const Clock& clock) const {
    return static_cast<double>(clock.monotonic_ns() - monotonic_ns) / 1e9;
  }
};

struct SessionOptions {
  NameTokens tokens;        // run_id and run_ts are filled in
  std::string pipeline_id;  // index and counter key
  std::string adapter;
  std::filesystem::path build_manifest;  // empty when nothing was compiled
  StartTime started;
  bool debug = false;
};

class Session {
 public:
  // Makes the id, the directory, the lock, the files and the first index record; replays what `log` kept. The event
  // run_start of the session is written here.
  static Result<std::unique_ptr<Session>> open(const Project& project, const SessionOptions& options, RunLog& log,
                                               const Clock& clock);
  // Without finish() the index still says "running", and readers will say "interrupted".
  ~Session() = default;

  const std::string& run_id() const { return record_.run_id; }
  const std::filesystem::path& directory() const { return directory_; }
  std::filesystem::path artifacts() const { return directory_ / "artifacts"; }
  const std::filesystem::path& aiop_directory() const { return aiop_directory_; }

  // Writes manifest.yaml (with metadata.source_manifest_path), links cfg/*.json; events manifest_materialized,
  // cfg_materialized.
  Status materialize(const CompiledPipeline& pipeline);
  Status write_artifact_index(const std::vector<Artifact>& outputs);
  Status write_status(const Json& document);
  // For the record of the index.
  void set_cost(Json cost) { record_.extra.set("cost", std::move(cost)); }
  // The last record of the index and the last event; removes the lock.
  Status finish(std::string_view outcome, ExitCode code, uint64_t total_rows);

 private:
  Session(const Project& project, RunLog& log, const Clock& clock)
      : index_(project.index_dir()), log_(log), clock_(clock) {}

  RunIndex index_;
  RunLog& log_;
  const Clock& clock_;
  RunRecord record_;
  std::filesystem::path directory_, aiop_directory_;
  StartTime started_;
  FileLock lock_;
};

// The lock that a session's living host holds.
std::filesystem::path lock_of(const std::filesystem::path& session);
// Whether its host lives.
bool is_held(const std::filesystem::path& session);
// "running", "interrupted" or the record's own status.
std::string current_status(const RunRecord& record);

}  // namespace osiris

// What a run knew of its steps, for the run that picks up where it failed: .osiris/cache/runs/<profile>/<pipeline>/
// <run id>.json. Written before the run's first step and again at its end; one that has no end belongs to a run whose
// host died, and its session tells the rest.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/cache/step_key.h"
#include "host/project/project.h"
#include "protocol/model/artifact.h"

namespace osiris {

struct RanStep {
  std::string key;      // empty: unknown
  std::string content;  // of its rows; see KeptEntry
  KeyParts parts;
  std::map<std::string, FileIdentity> files;
  bool keeps = false;        // its rows were to be kept
  std::string why_not_kept;  // where such rows never are: "the files it reads are the copy"
  bool complete = false;     // it, or a run before, came to a good end
  std::string run_id;        // the run in which it did
  uint64_t rows_read = 0, rows_written = 0, rows_out = 0;
  std::vector<Artifact> outputs;
};

struct RunKeys {
  std::string run_id, pipeline_id, profile;
  std::filesystem::path session;
  int64_t started_unix_ns = 0;
  bool ended = false;
  std::map<std::string, RanStep> steps;

  Status write(const Project& project) const;
  // The newest run of the pipeline that has left its keys, or the one that is named, by its whole id; nullopt: there is
  // none. What is not understood counts as none.
  static std::optional<RunKeys> read(const Project& project, std::string_view pipeline_id, std::string_view profile,
                                     std::string_view run_id);
};

// Leaves the newest of each pipeline. Best effort.
void forget_old_run_keys(const Project& project, std::string_view pipeline_id, std::string_view profile);

}  // namespace osiris

// A file that a step of a run wrote: in the worker's results, in the adapter's document "artifacts"
// (docs/plugin-abi.md), in the session's artifacts.json.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

struct Artifact {
  std::string path;    // as the pipeline wrote it
  std::string target;  // where it is now, absolute, on the machine of the process that reports it
  uint64_t size_bytes = 0;
  std::string sha256;
  std::string step_id;
};
Json to_json(const Artifact& artifact);
// kInvalidArgument where it names no place, size or hash.
Result<Artifact> artifact_from_json(const Json& json);
// What is missing stays empty: for what an adapter says, which is compared anyway.
Artifact reported_artifact(const Json& json);

// A JSON array of them.
Json to_json(const std::vector<Artifact>& artifacts);

}  // namespace osiris

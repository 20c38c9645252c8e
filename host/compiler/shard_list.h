// The shards of a step as they are when a run starts, and the files that it reads and writes for each.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/compiler/compiler.h"
#include "host/compiler/step_files.h"
#include "protocol/model/plan.h"

namespace osiris {

// Files by the bytes of their paths; `start` is where a relative pattern starts. kInvalidArgument where there is none
// (unless that is allowed), one file has two names, or a name has control characters.
Result<std::vector<Shard>> settled_shards(const Foreach& foreach, const std::string& step_id,
                                          const std::filesystem::path& start);

struct ShardedFiles {
  StepFiles files;               // of all shards
  std::vector<PlanFile> inputs;  // in the order of the shards, each once; those of a shard as they are now
};
// The files of step `id`, whose config is `cfg`. kInvalidArgument where a value cannot stand in a path, or two shards
// write one file.
Result<ShardedFiles> files_of_shards(const std::string& id, const ComponentSpec& spec, const Json& cfg,
                                     const Json& connection_fields, const std::filesystem::path& work_dir,
                                     const StepShards& shards);

// The document of shards.json: each list of shards once, with the steps that run by it. Null: no step has any.
Json shards_document(const Plan& plan);

}  // namespace osiris

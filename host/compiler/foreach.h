// `foreach:` of a step that reads, and `per_shard:` of those after it: their form (docs/shards.md). What they mean for
// the pipeline is judged in sharded_steps.h, what there is to read in shard_list.h.
#pragma once

#include <vector>

#include "host/compiler/oml_document.h"
#include "protocol/model/shards.h"

namespace osiris {

// foreach: {files: GLOB}, {values: [...]}, {range: {from, to, by}} or {split: {column, parts, consistency}}, with
// max_parallel, allow_empty and on_failure; per_shard: true.
void read_foreach(const YamlNode& step_node, OmlStep& step, Diagnostics& diagnostics);

// As the manifest has it, and back.
Json to_json(const Foreach& foreach);
Result<Foreach> foreach_from_json(const Json& json);

// The shards of values, ranges and splits; nothing for files, which are looked for when the run starts.
Result<std::vector<Shard>> listed_shards(const Json& rule);

}  // namespace osiris

// The plan of a run: what the host compiles a pipeline into and everybody after it works from. It travels as the ABI's
// manifest_json (docs/plugin-abi.md), as plan.json of a run package and in the worker's `prepare`
// (docs/worker-protocol.md, "A plan step").
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/model/data_check.h"
#include "protocol/model/kept_output.h"
#include "protocol/model/shards.h"

namespace osiris {

// The key of an error's detail that says where in a step's SQL it is: bytes from its beginning.
inline constexpr const char* kSqlOffset = "sql_offset";
// Keys that say: with columns of other types it may be none; it comes up only when some row needs the part that is
// wrong.
inline constexpr const char* kDependsOnTypes = "depends_on_types";
inline constexpr const char* kOnlySomeRows = "only_some_rows";

enum class StepMode { kExtract, kTransform, kWrite };
std::string_view mode_name(StepMode mode);  // "extract", "transform", "write"

// A relation that a step reads: its name there ("df_read") and the step that makes it.
struct PlanInput {
  std::string name;
  std::string from_step;
  bool in_shards = false;  // the step, which has per_shard, is given its rows shard by shard
};

struct PlanFile {
  std::string path;           // as the pipeline wrote it, or would write what its pattern found
  std::string location;       // absolute, on the machine that made the plan
  std::string pattern;        // of the pipeline, that this input was found by; empty: the pipeline names it itself
  bool is_directory = false;  // an output of many files, which are not known before
  // Of a shard's input, as the list of shards was made; 0: not recorded. A file that is another by then fails its
  // shard.
  uint64_t size_bytes = 0;
  int64_t modified_ns = 0;
};

// The part of `path` below a planned directory, "year=2025/data_0.parquet", where it is one of its files; empty: it is
// none, or names a way out.
std::string path_in_directory(const PlanFile& directory, std::string_view path);

struct PlanStep {
  std::string id;
  std::string component;
  std::string driver;
  StepMode mode = StepMode::kTransform;
  std::vector<std::string> needs;  // each once; every step of `inputs` is among them
  std::string cfg_path;            // "cfg/<id>.json"
  Json cfg = Json::object();       // the whole of it, with `component` and `connection`
  std::vector<PlanInput> inputs;   // in the order of `needs`; writers and steps that only a check names have none
  std::vector<PlanFile> outputs;
  std::vector<PlanFile> input_files;
  std::string connection;          // key among the plan's connections ("@family.alias"); empty: none
  std::vector<std::string> hosts;  // what it connects to, as far as its spec says: "db.example.org:3306"
  double timeout_s = 0;            // 0: none
  uint64_t attempts_max = 1;       // 1 to 100
  double retry_delay_s = 0;
  bool materialize = false;          // its output is stored, however many steps read it
  Json state;                        // what the step said of itself when it last ran to a good end; null: nothing
  bool check = false;                // ask the driver's check() in place of its run()
  std::vector<DataCheck> checks;     // of its rows, before another step reads them
  bool resumes = false;              // a writer goes on with what an earlier run of the pipeline has left of its copy
  KeptOutput kept;                   // whether it runs, and whether its rows are kept
  std::optional<StepShards> shards;  // it runs once for each, and its output is their rows in this order
};
// The steps whose rows only the checks of `step` read: each once, neither among its inputs nor itself.
std::vector<std::string> sources_of_checks(const PlanStep& step);
Json to_json(const PlanStep& step);
// kInvalidArgument for what is missing, of a wrong type, or no safe id (it names directories). Takes the seed's
// spellings too: `step_id`, `config`, the modes "read" and "load". A step without `inputs` and checks has the inputs
// that relation_names() gives its `needs`.
Result<PlanStep> plan_step_from_json(const Json& json);

struct Plan {
  Json manifest;                // as compiled (manifest.yaml)
  std::vector<PlanStep> steps;  // in execution order, ids distinct
  std::string pipeline_id, pipeline_name, manifest_hash;
  std::string profile;  // empty: none
};
Json to_json(const Plan& plan);
Result<Plan> plan_from_json(const Json& json);

// A connection of a plan as a step's driver gets it: fields by value, secrets by name.
struct PlanConnection {
  std::string family;
  std::string alias;
  Json fields = Json::object();
  std::map<std::string, std::string> secrets;  // field -> the secret's name, "connection/mysql.shop/password"
  // What the sender found for host names among the fields ({"db.example.org": ["203.0.113.5"]}), for drivers whose own
  // look-up leads nowhere.
  Json addresses = Json::object();
};
Json to_json(const PlanConnection& connection);
// `reference` is the key it stands under; family and alias are taken from it where the document has none.
PlanConnection plan_connection_from_json(std::string_view reference, const Json& json);

}  // namespace osiris

// The steps a run consists of, as prepare or a self-contained execute_step brings them (docs/worker-protocol.md, "A
// plan step"), and where the plan's paths lie on this machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/rpc/params.h"

namespace osiris::worker {

enum class Mode { kExtract, kTransform, kWrite };

struct PlanStep {
  struct Input {
    std::string name;  // "df_x"
    std::string from_step;
  };
  struct File {
    std::string path;      // as the pipeline wrote it
    std::string location;  // absolute, as the planning machine saw it
  };

  std::string id;
  std::string component;
  std::string driver;
  Mode mode = Mode::kTransform;
  std::vector<std::string> needs;  // every step of `inputs` is among them
  std::string cfg_path;
  Json cfg;  // the whole of it, with `component` and `connection`
  std::vector<Input> inputs;
  std::vector<File> outputs;
  std::vector<File> input_files;
  std::string connection;  // "@family.alias", or empty
  double timeout_s = 0;    // 0: none
  uint64_t attempts_max = 1;
  double retry_delay_s = 0;
  bool check = false;  // call the driver's check() in place of run()
};

// kInvalidArgument for what is missing, of a wrong type, or no safe id (it names directories).
Result<PlanStep> plan_step_from_json(const Json& json);

struct Plan {
  std::vector<PlanStep> steps;
  const PlanStep* find(std::string_view id) const;

 private:
  friend Result<Plan> plan_from_json(const Json& json);
  std::map<std::string, size_t, std::less<>> index_;
};
Result<Plan> plan_from_json(const Json& json);

// Where paths of the plan lie here.
class PathMap {
 public:
  PathMap() = default;
  PathMap(std::filesystem::path work_dir, std::vector<rpc::PathMapping> mappings);
  // Absolute and normalised; relative paths start in the work directory; the longest `from` that is the path or one of
  // its parents is replaced.
  std::filesystem::path resolve(std::string_view path) const;

 private:
  std::filesystem::path work_dir_;
  std::vector<rpc::PathMapping> mappings_;  // longest `from` first
};

}  // namespace osiris::worker

// The OML text as steps: keys known, types right, ids unique and safe, components found. What steps mean to each other
// is step_graph.h's business, what stands in `config` is step_config.h's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/compiler/compiler.h"
#include "host/components/registry.h"
#include "host/yaml/node.h"
#include "protocol/model/data_check.h"

namespace osiris {

// A step id as another step names it.
struct StepRef {
  std::string id;
  std::string location;  // "steps[2].needs[0]"
  Mark mark;
};

// One of the step's `checks`.
struct OmlCheck {
  DataCheck check;
  std::string location;  // "steps[2].checks[0]"
  Mark mark;
};

struct OmlStep {
  size_t index = 0;
  std::string location;  // "steps[2]"
  Mark mark;
  std::string id;
  std::string component;
  std::string mode;                     // as the component calls it: extract, write, transform
  const ComponentSpec* spec = nullptr;  // null when unknown (an error was reported)
  const YamlNode* config = nullptr;     // a mapping, or null when the step has none
  bool has_needs = false;               // `needs` is written, even if empty
  std::vector<StepRef> needs;
  std::vector<StepRef> inputs;
  bool materialize = false;
  StepCache cache;
  std::optional<double> timeout_s;
  std::optional<RetryPolicy> retry;
  std::vector<OmlCheck> checks;
  std::optional<Foreach> foreach;
  bool per_shard = false;
  Mark foreach_mark;  // of one of the two

  // It runs once for each shard.
  bool is_sharded() const { return foreach || per_shard; }
};

// The type of findings about `on_success` and `on_failure`.
inline constexpr const char* kHookFinding = "invalid_hook";

struct OmlDocument {
  std::string oml_version;
  std::string name;
  const YamlNode* metadata = nullptr;
  bool keep_outputs = false;
  Hooks hooks;
  std::vector<OmlStep>
      steps;  // in file order; a step whose id is wrong is here too, so that its other errors are found
};

// `root` must outlive the document. Findings go to `diagnostics`; the document is complete only without errors.
OmlDocument read_oml(const YamlNode& root, const ComponentRegistry& registry, const CompileOptions& options,
                     Diagnostics& diagnostics);

// A step whose component has no driver: an error of run, a warning of validate.
void check_runnable(const std::string& step_id, const std::string& component, const std::string& location, Mark mark,
                    const CompileOptions& options, Diagnostics& diagnostics);

// "30", 30, "5m", "1h", "500ms": seconds; nullopt for anything else and for values that are not positive.
std::optional<double> read_duration(const YamlNode& value);

}  // namespace osiris

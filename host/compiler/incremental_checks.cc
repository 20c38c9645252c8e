#include "host/compiler/incremental_checks.h"

#include <map>
#include <set>
#include <string>

namespace osiris {
namespace {

bool appends(const OmlStep& step, const Json& cfg) {
  if (step.mode != "write" || cfg["truncate_before"].as_bool()) return false;
  for (const Json* mode :
       {&cfg["write_mode"], &step.spec->property("write_mode")["default"], &step.spec->property("mode")["default"]})
    if (!mode->is_null()) return mode->as_string() == "append";
  return false;
}

// What cannot tell rows that are read again from new ones.
std::string lacks(const Json& incremental) {
  if (!incremental["lookback"].is_null())
    return "reads rows of its lookback again, whatever an earlier run took of them";
  if (incremental["key"].size() == 0) return "reads rows of the last value again, and has no key to tell them by";
  return {};
}

}  // namespace

void check_incremental_steps(const OmlDocument& document, const std::vector<StepConfig>& configs,
                             const StepGraph& graph, Diagnostics& diagnostics) {
  std::map<std::string, std::set<std::string>> readers;
  std::map<std::string, const OmlStep*> by_id;
  for (const OmlStep& step : document.steps) {
    by_id[step.id] = &step;
    for (const std::string& need : graph.needs[step.index]) readers[need].insert(step.id);
  }
  for (const OmlStep& step : document.steps) {
    const Json& incremental = configs[step.index].cfg["incremental"];
    if (!incremental.is_object() || step.spec->state_key != "incremental") continue;
    const std::string why = lacks(incremental);
    if (why.empty()) continue;
    std::set<std::string> after;
    for (std::vector<std::string> open = {step.id}; !open.empty();) {
      const std::string id = open.back();
      open.pop_back();
      for (const std::string& reader : readers[id])
        if (after.insert(reader).second) open.push_back(reader);
    }
    for (const std::string& id : after) {
      const OmlStep& writer = *by_id.at(id);
      if (!appends(writer, configs[writer.index].cfg)) continue;
      diagnostics.error("append_without_key", "Step '" + id + "' appends the rows of '" + step.id + "', which " + why,
                        writer.location + ".config", writer.config ? writer.config->mark : writer.mark,
                        "write with write_mode: upsert and a primary_key, or give '" + step.id +
                            "' incremental: {column, key} without a lookback");
    }
  }
}

}  // namespace osiris

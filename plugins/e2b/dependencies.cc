#include "plugins/e2b/dependencies.h"

#include <algorithm>
#include <set>
#include <utility>

#include "plugins/e2b/failures.h"
#include "protocol/base/categories.h"
#include "protocol/model/requirement_set.h"

namespace osiris::e2b {

std::vector<std::string> requirement_sets(const RunInputs& request) {
  std::set<std::string> sets;
  for (const PlanStep& step : request.steps())
    if (std::string set = requirement_set(step); !set.empty()) sets.insert(std::move(set));
  return {sets.begin(), sets.end()};
}

Status check_index_reachable(const Config& config, const RunInputs& request) {
  const bool installs = config.install_deps && !config.deps_in_template && !requirement_sets(request).empty();
  if (!installs || config.network == "open" || !config.network_allow.empty()) return {};
  std::vector<std::string> lent;
  OSIRIS_TRY(status_of([&] { lent = adapter_sdk::lent_variable_names(config); }));
  // Packages that are in the template need no index.
  const auto is_offline = [](const std::string& name) { return name == "PIP_NO_INDEX" || name == "PIP_FIND_LINKS"; };
  if (std::any_of(lent.begin(), lent.end(), is_offline)) return {};
  return Error(
      Code::kInvalidArgument,
      "--e2b-deps-in sandbox: the sandbox can reach no package index, for its network is " +
          std::string(config.network == "none" ? "off (--e2b-network none)" : "the hosts that the pipeline names only"),
      "Allow the index and the hosts of its files: --e2b-network-allow packages.example.org (or --e2b-network open); "
      "or "
      "install once in a template "
      "(--e2b-deps-in template).",
      category::kConfigInvalid);
}

std::vector<std::string> pip_warnings(const Config& config) {
  std::vector<std::string> warnings;
  std::vector<std::string> names;
  if (!status_of([&] { names = adapter_sdk::lent_variable_names(config); })) return warnings;
  for (const std::string& variable : names)
    if (variable.starts_with("PIP_"))
      warnings.push_back(
          variable +
          " is lent to the steps and does not reach the template build; if it holds no secret, give it by "
          "--e2b-build-env, otherwise install in the sandbox (--e2b-deps-in sandbox)");
  return warnings;
}

}  // namespace osiris::e2b

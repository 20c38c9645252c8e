#include "plugins/e2b/cost.h"

#include <algorithm>
#include <cmath>

#include "plugins/e2b/dependencies.h"
#include "protocol/base/quantity.h"

namespace osiris::e2b {
namespace {

using adapter_sdk::dollars;
using adapter_sdk::money_text;
using adapter_sdk::Nanodollars;

constexpr int64_t kHour = 3600;

// Of the runs that the host tells of; sorted.
std::vector<int64_t> held_seconds(const RunInputs& request) {
  std::vector<int64_t> held;
  for (const Json& seconds : request.settings["history"]["machine_seconds"].items())
    if (seconds.is_number() && seconds.as_double() >= 0 && seconds.as_double() < 1e9)
      held.push_back(static_cast<int64_t>(std::ceil(seconds.as_double())));
  std::sort(held.begin(), held.end());
  return held;
}

// The least, the middle and the most of something.
Json spread(double least, double middle, double most) {
  return Json::object({{"min", least}, {"median", middle}, {"max", most}});
}

}  // namespace

Json cost_document(const Config& config, const adapter_sdk::CostFigures& figures, bool is_final) {
  Json document = Json::object({{"currency", "USD"}, {"prices", prices_text(config)}, {"final", is_final}});
  document.set("machine_seconds", figures.machine_seconds);
  if (figures.is_priced) {
    document.set("spent", dollars(figures.spent));
    document.set("per_second", dollars(figures.per_second));
    document.set("at_most", dollars(figures.at_most));
  }
  if (config.max_cost) document.set("cap", *config.max_cost);
  return document;
}

std::optional<Shape> expected_shape(const Config& config, const RunInputs& request) {
  return expected_shape(config, config.install_deps && config.deps_in_template && !requirement_sets(request).empty());
}

Estimate estimate(const Config& config, const RunInputs& request) {
  Estimate told;
  const std::optional<Shape> shape = expected_shape(config, request);
  const std::vector<int64_t> held = held_seconds(request);
  told.document = Json::object(
      {{"currency", "USD"}, {"prices", prices_text(config)}, {"sandboxes", config.machines}, {"runs", held.size()}});
  if (config.max_cost) told.document.set("cap", *config.max_cost);
  const std::string whose = "; by " + prices_text(config) + ": osiris's table, not E2B's invoice";
  if (!shape) {
    told.text = "unknown: what a sandbox of template " + config.template_id + " costs is known once one runs" + whose;
    return told;
  }
  const Nanodollars rate = rate_of(config, *shape);
  told.document.set("shape", Json::object({{"cpu_count", shape->cpu_count}, {"memory_mb", shape->memory_mb}}));
  told.document.set("per_second", dollars(rate));
  const std::string what =
      (config.machines == 1 ? "one sandbox of "
                            : "each of up to " + std::to_string(config.machines) + " sandboxes of ") +
      shape->text();
  const std::string hourly = money_text(rate * kHour) + " an hour";
  if (held.empty()) {
    told.text = "no history of this pipeline: " + what + " costs " + hourly;
  } else {
    const int64_t least = held.front(), middle = held[held.size() / 2], most = held.back();
    told.document.set("machine_seconds",
                      spread(static_cast<double>(least), static_cast<double>(middle), static_cast<double>(most)));
    told.document.set("estimate", spread(dollars(rate * least), dollars(rate * middle), dollars(rate * most)));
    told.text = "about " + money_text(rate * middle) + ", from " + money_text(rate * least) + " to " +
                money_text(rate * most) + ": " + what + " for " + spoken_duration(middle) + " (" +
                spoken_duration(least) + " to " + spoken_duration(most) + " in the last " +
                std::to_string(held.size()) + (held.size() == 1 ? " run" : " runs") + "), " + hourly;
    if (config.max_cost && rate * middle > adapter_sdk::nanodollars(*config.max_cost))
      told.warnings.push_back("--max-cost " + money_text(adapter_sdk::nanodollars(*config.max_cost)) +
                              " is less than this pipeline's runs have come to");
  }
  if (config.max_cost && rate > 0)
    told.text += "; --max-cost " + money_text(adapter_sdk::nanodollars(*config.max_cost)) + " is for " +
                 spoken_duration(adapter_sdk::nanodollars(*config.max_cost) / rate) + " at most";
  told.text += whose;
  return told;
}

}  // namespace osiris::e2b

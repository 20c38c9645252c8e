#include "host/run/run_cost.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace osiris {
namespace {

constexpr size_t kRunsOfHistory = 20;

double number_or_zero(const Json& value) { return value.is_number() ? value.as_double() : 0; }

// ", by E2B's public prices of 2025-12".
std::string prices_text(const Json& document) {
  const std::string& prices = document["prices"].as_string();
  return prices.empty() ? "" : ", by " + prices;
}

}  // namespace

std::optional<double> RunCost::spent(int64_t now_ns) const {
  if (!document["spent"].is_number()) return std::nullopt;
  const double told = document["spent"].as_double();
  const double since_s = static_cast<double>(std::max<int64_t>(0, now_ns - seen_ns)) / 1e9;
  const double grown = told + since_s * number_or_zero(document["per_second"]);
  return std::max(told, std::min(grown, number_or_zero(document["at_most"])));
}

std::string dollars_text(double amount) {
  int digits = 2;
  for (double unit = 0.1; amount > 0 && digits < 9 && amount < unit; unit /= 10) ++digits;
  char text[400];
  std::snprintf(text, sizeof text, "$%.*f", digits, amount);
  return text;
}

std::string live_cost_text(const RunCost& cost, int64_t now_ns) {
  const auto spent = cost.spent(now_ns);
  if (!spent) return {};
  const Json& cap = cost.document["cap"];
  return dollars_text(*spent) + " so far" + (cap.is_number() ? " of at most " + dollars_text(cap.as_double()) : "") +
         prices_text(cost.document);
}

std::string cost_text(const Json& document) {
  if (!document["spent"].is_number()) return {};
  const double spent = document["spent"].as_double(), at_most = number_or_zero(document["at_most"]);
  std::string text = "about " + dollars_text(spent) + " for " +
                     std::to_string(std::llround(number_or_zero(document["machine_seconds"]))) + " s of machines";
  // What is kept, or could not be given back.
  if (at_most > spent) text += ", " + dollars_text(at_most) + " at most once all is over";
  return text + prices_text(document) + ": a table of prices, not an invoice";
}

std::string cost_of(const RunRecord& record) {
  const Json& spent = record.extra["cost"]["spent"];
  return spent.is_number() ? dollars_text(spent.as_double()) : "";
}

Json run_history(const std::vector<RunRecord>& records, std::string_view pipeline, std::string_view profile,
                 std::string_view adapter) {
  Json seconds = Json::array();
  for (auto record = records.rbegin(); record != records.rend() && seconds.size() < kRunsOfHistory; ++record) {
    if (record->pipeline_slug != pipeline || record->profile != profile || record->runtime_env != adapter ||
        record->status != "success")
      continue;
    const Json& held = record->extra["cost"]["machine_seconds"];
    seconds.push_back(held.is_number() ? held.as_double() : static_cast<double>(record->duration_ms) / 1e3);
  }
  return Json::object({{"machine_seconds", std::move(seconds)}});
}

}  // namespace osiris

// The adapter's books: what is refused beforehand, what a build and a template's shape have to do with it, what is told
// while the run goes on, and when it has come to its cap.
#include <any>
#include <utility>

#include "plugins/e2b/adapter.h"
#include "plugins/e2b/cost.h"
#include "plugins/e2b/dependencies.h"
#include "plugins/e2b/failures.h"
#include "protocol/base/categories.h"

namespace osiris::e2b {
namespace {

// E2B's API ends its work on a call after this time, answered or not.
constexpr adapter_sdk::Milliseconds kHandlerLimit{75'000};

}  // namespace

void E2bAdapter::open_ledger() {
  adapter_sdk::LedgerTerms terms;
  if (config_.max_cost) terms.cap = adapter_sdk::nanodollars(*config_.max_cost);
  terms.late = config_.connect_timeout + kHandlerLimit;
  terms.reserve = config_.cost_reserve;
  ledger_ = std::make_shared<adapter_sdk::Ledger>(terms);
  meter(ledger_, [config = config_](const adapter_sdk::Machine& machine) -> std::optional<adapter_sdk::Nanodollars> {
    const auto* sandbox = std::any_cast<Sandbox>(&machine.own);
    if (!sandbox || sandbox->cpu_count <= 0 || sandbox->memory_mb <= 0) return std::nullopt;
    return rate_of(config, {sandbox->cpu_count, sandbox->memory_mb});
  });
}

// With a cap a sandbox of unknown price, or one of which a single lease is too much, is not created.
Status E2bAdapter::take_shape(const std::optional<Shape>& shape) const {
  ledger_->set_rate(shape ? std::optional(rate_of(config_, *shape)) : std::nullopt);
  const auto least = ledger_->least_cap(config_.lease_s());
  if (!config_.max_cost || (least && *least <= *ledger_->terms().cap)) return {};
  Error error = to_error(adapter_sdk::budget_too_low(*ledger_, config_.lease_s()));
  if (shape) return error.within(shape->text());
  error.message += ": the shape of template " + config_.template_id + " is not";
  error.hint = "Use a template of your own account, one that osiris builds (--e2b-cpu, --e2b-mem), or no --max-cost.";
  return error;
}

// Before anything is asked of the service. What only the service knows is looked at once the run has begun.
Status E2bAdapter::check_budget(const RunInputs& inputs) const {
  const auto shape = expected_shape(config_, inputs);
  return shape ? take_shape(shape) : Status();
}

Status E2bAdapter::take_shape_of(const std::string& template_id) {
  std::optional<Shape> shape = expected_shape(config_, false);
  if (!shape && config_.max_cost) {
    OSIRIS_ASSIGN(const auto listed, find_listed_template(e2b().api(), template_id));
    if (listed && listed->cpu_count > 0 && listed->memory_mb > 0) shape = Shape{listed->cpu_count, listed->memory_mb};
  }
  return take_shape(shape);
}

// E2B says no price of a build: it counts as a sandbox of its shape, for as long as E2B may work on it until it has
// ended.
Status E2bAdapter::begin_build(const TemplateSpec& spec) {
  const Shape shape = *expected_shape(config_, true);
  OSIRIS_TRY(take_shape(shape));
  if (is_building_) return {};  // again, under another name: the first name was refused
  size_t commands = 0;
  for (const BuildStep& step : spec.steps) commands += step.type == "RUN";
  const int64_t seconds = build_seconds_max(commands);
  const adapter_sdk::Nanodollars rate = rate_of(config_, shape), most = rate * seconds;
  is_building_ = ledger_->begin_other(kBuildEntry, rate, seconds);
  if (is_building_) return {};
  return Error(Code::kInvalidArgument,
               "--max-cost " + adapter_sdk::money_text(*ledger_->terms().cap) +
                   " is less than the build of the template may come to, " + adapter_sdk::money_text(most) + ": " +
                   shape.text() + " for the " + std::to_string(seconds) + " s that E2B may work on it",
               "Run once without --max-cost: the template is built, and found by every later run. Or allow more.",
               category::kRuntimeBudget);
}

void E2bAdapter::end_build() {
  if (std::exchange(is_building_, false)) ledger_->ended(kBuildEntry);
}

void E2bAdapter::report_cost(bool is_final) {
  const uint64_t revision = ledger_->revision();
  if (revision == 0 || (!is_final && revision == reported_)) return;
  reported_ = revision;
  host().event("resource_cost", cost_document(config_, ledger_->figures(), is_final).dump());
}

std::optional<plugin::Failure> E2bAdapter::ends_early(const std::string& machine_id) {
  report_cost(false);
  return RemoteAdapter::ends_early(machine_id);
}

}  // namespace osiris::e2b

// How a fleet comes to its machines: the first gets the worker, the others are made of it, and each is looked at before
// it is given anything (docs/decisions/0259-clones-or-creates.md).
#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "plugins/sdk/fleet/fleet_run.h"
#include "plugins/sdk/run/lent_variables.h"
#include "protocol/base/clock.h"
#include "protocol/base/text.h"
#include "protocol/model/requirement_set.h"

namespace osiris::sdk {

SessionContext FleetRun::session_context(Slot& slot) {
  const bool sends_worker = !slot.has_worker && context_.made_from.worker_directory.empty();
  return {.host = context_.host,
          .waker = slot.waker,
          .cancelled = context_.cancelled,
          .terms = {context_.settings, context_.made_from, context_.egress, context_.place,
                    [this, id = slot.held->machine().id] { return context_.ends_early(id); }, context_.early_grace},
          .place = context_.place,
          .held = *slot.held,
          .access = *slot.access,
          .request = context_.request,
          .packed_worker = sends_worker ? begin_packing().get() : nullptr,
          .has_worker = slot.has_worker};
}

Status FleetRun::acquire(Slot& slot) {
  slot.wanted_ns = system_clock().monotonic_ns();
  auto held = context_.acquire();
  if (!held) return held.error();
  slot.held = *std::move(held);
  slot.access = context_.place.access(slot.held->machine(), context_.settings.lease);
  slot.had_one = true;
  slot.has_worker = slot.is_clone = false;
  return {};
}

// What the shards' steps require, where it can be installed before there is anything secret: variables that are lent to
// the steps are (docs/decisions/0261-packages-of-clones.md).
std::vector<std::string> FleetRun::packages_to_clone() const {
  std::set<std::string> sets;
  for (const FleetPlan::List& list : plan_.lists())
    for (const PlanStep* step : list.steps)
      if (std::string set = requirement_set(*step); !set.empty()) sets.insert(std::move(set));
  if (!context_.settings.install_deps || sets.empty()) return {};
  std::set<std::string> lent, open;
  if (const auto names = environment_names(context_.settings))
    for (const std::string& name : *names)
      if (name.starts_with("PIP_")) lent.insert(name);
  for (const auto& [name, value] : context_.settings.build_environment)
    if (name.starts_with("PIP_")) open.insert(name);
  std::vector<std::string> differ;
  std::set_symmetric_difference(lent.begin(), lent.end(), open.begin(), open.end(), std::back_inserter(differ));
  if (differ.empty()) return {sets.begin(), sets.end()};
  context_.host.log(OSIRIS_INFO, "each " + noun_ + " installs the packages of its shards: a " + noun_ +
                                     " that others are made of has no variable that is lent to steps, and " +
                                     join(differ, ", ") + " is not said for both, steps and builds");
  return {};
}

// While nothing of a run has been in the first machine. Where the worker is in the template, creates send nothing; and
// what is not to be had by clones is created.
Status FleetRun::clone_first() {
  if (context_.place.clones_max() == 0 || !context_.made_from.worker_directory.empty()) return {};
  Slot& first = *slots_.front();
  OSIRIS_TRY(acquire(first));
  if (const Status prepared = prepare_parent(session_context(first), packages_to_clone()); !prepared) {
    const Error& error = prepared.error();
    if (is_stopped() || error.code == Code::kCancelled || error.code == Code::kDeadline) return error;
    context_.host.log(OSIRIS_WARN, "the first " + noun_ + " cannot be made ready: " + error.message);
    if (const Status released = give_back(first); !released) context_.host.log(OSIRIS_ERROR, released.error().message);
    first.had_one = false;
    return {};
  }
  first.has_worker = true;
  const int64_t wanted_ns = system_clock().monotonic_ns();
  Cloned cloned = context_.clone(*first.held, slots_.size() - 1);
  for (size_t i = 0; i < cloned.machines.size() && i + 1 < slots_.size(); ++i) {
    Slot& slot = *slots_[i + 1];
    slot.held = std::move(cloned.machines[i]);
    slot.access = context_.place.access(slot.held->machine(), context_.settings.lease);
    slot.has_worker = slot.is_clone = slot.had_one = true;
    slot.wanted_ns = wanted_ns;
  }
  if (!cloned.fewer) {
    const std::lock_guard lock(packed_mutex_);
    packed_ = {};
  }
  if (cloned.fewer && !context_.cancelled)
    context_.host.log(OSIRIS_WARN, std::to_string(cloned.machines.size()) + " of " + std::to_string(slots_.size() - 1) +
                                       " " + std::string(context_.place.service().plural()) +
                                       " were made of the first one, the others are created: " + cloned.fewer->message);
  return {};
}

// A create has said what it wants, a clone has what the service gave it: of that one all has to be told.
Status FleetRun::verify(Slot& slot) {
  const std::string& id = slot.held->machine().id;
  auto verdict = context_.place.verify(id, context_.wanted,
                                       {.wait = context_.place.request_timeout(), .cancelled = &context_.cancelled});
  if (!verdict) return verdict.error();
  std::string wrong = std::move(verdict->wrong);
  if (wrong.empty() && slot.is_clone && !verdict->untold.empty())
    wrong = "the service does not say " + join(verdict->untold, " and ");
  if (wrong.empty()) return {};
  slot.had_one = slot.had_one && !slot.is_clone;  // one that is created in its place replaces none that was lost
  return Error(Code::kUnavailable, noun_ + " " + id + " is not what was asked for: " + wrong);
}

Status FleetRun::make_ready(Slot& slot) {
  slot.session = std::make_unique<MachineSession>(session_context(slot));
  const Status started = slot.session->start([&] { return verify(slot); });
  if (!started) {
    slot.session.reset();
    return started;
  }
  slot.has_worker = true;
  if (slot.number == 0) rows_ahead_.send_to(slot.access);
  const int64_t ready_ms = (system_clock().monotonic_ns() - slot.wanted_ns) / 1'000'000;
  context_.host.event(noun_ + "_ready", {},
                      Json::object({{noun_ + "_id", slot.held->machine().id}, {"duration_ms", ready_ms}}));
  if (slot.number == 0)
    context_.host.metric({.name = std::string(context_.place.service().id()) + "_overhead_ms",
                          .unit = "ms",
                          .step_id = {},
                          .value = static_cast<double>(ready_ms),
                          .tags = {}});
  return {};
}

// All that was handed over to its machine, and then the stream there, which that needs to its end.
void FleetRun::end_session(Slot& slot) {
  if (slot.feeder.valid()) slot.ahead = slot.feeder.get();
  take_ahead(slot).reset();
  if (slot.current) slot.current->handed.reset();
  slot.part.reset();
  slot.session.reset();
}

Status FleetRun::give_back(Slot& slot) {
  end_session(slot);
  if (slot.number == 0) rows_ahead_.send_to(nullptr);
  Json released = Json::array();
  const Status status = slot.held->release(released, false);
  slot.access.reset();
  slot.held.reset();
  const std::lock_guard lock(mutex_);
  for (const Json& entry : released.items()) released_.push_back(entry);
  return status;
}

}  // namespace osiris::sdk

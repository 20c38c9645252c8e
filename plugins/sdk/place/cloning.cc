#include "plugins/sdk/place/cloning.h"

#include <algorithm>
#include <future>
#include <utility>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/thread.h"

namespace osiris::sdk {
namespace {

using Times = std::optional<Lifetime::CreateTimes>;

// For the fleet, or nothing is left of one. Side by side: each has to be on the disk before anything else is done with
// it, and a disk takes as long for all as for one.
void adopt(const HoldContext& context, const HeldMachine& parent, std::vector<Machine> machines, const Times& times,
           Cloned& cloned) {
  const auto adopt_one = [&](Machine machine) -> Result<std::unique_ptr<HeldMachine>> {
    auto held = std::make_unique<HeldMachine>(context);
    const Status adopted = held->adopt(std::move(machine), parent, times);
    if (adopted) return held;
    Json ignored = Json::array();
    if (const Status released = held->release(ignored, false); !released)
      context.host.log(OSIRIS_ERROR, released.error().message);
    return adopted.error();
  };
  std::vector<std::future<Result<std::unique_ptr<HeldMachine>>>> all;
  for (Machine& machine : machines)
    all.push_back(begin_async_or_later(
        [&adopt_one, machine = std::move(machine)]() mutable { return adopt_one(std::move(machine)); }));
  for (auto& each : all) {
    auto held = each.get();
    if (held)
      cloned.machines.push_back(*std::move(held));
    else
      cloned.fewer = held.error();
  }
}

// What a call without an answer has made by now. What it makes later is found when the parent ends.
void adopt_found(const HoldContext& context, HeldMachine& parent, Cloned& cloned) {
  parent.doubt_clones();
  const auto found = context.place.find({{meta::kToken, parent.machine().metadata.at(meta::kToken)}});
  if (!found) return;
  std::vector<Machine> made;
  for (const Machine& each : *found) {
    if (!each.is_running || parent.siblings()->has(each.id)) continue;
    auto taken = context.place.take_over(each.id, context.settings.lease_s());
    if (!taken) continue;
    context.host.log(OSIRIS_INFO, std::string(context.place.service().noun()) + " " + each.id +
                                      ", of a call whose answer was lost, was found by its metadata");
    made.push_back(*std::move(taken));
  }
  adopt(context, parent, std::move(made), std::nullopt, cloned);
}

}  // namespace

Cloned clone_machine(const HoldContext& context, HeldMachine& parent, size_t count) {
  Cloned cloned;
  while (cloned.machines.size() < count && !cloned.fewer && !context.cancelled) {
    const size_t now = std::min(context.place.clones_max(), count - cloned.machines.size());
    const Status journaled =
        context.journal.write("cloning", Json::object({{"id", parent.machine().id},
                                                       {"token", parent.machine().metadata.at(meta::kToken)},
                                                       {"count", uint64_t{now}}}));
    if (!journaled) {
      cloned.fewer = journaled.error();
      break;
    }
    const int64_t asked_ns = system_clock().monotonic_ns();
    auto made = context.place.clone(parent.machine(), now, context.settings.lease_s(),
                                    {.wait = context.settings.create_timeout, .cancelled = &context.cancelled});
    const Times times = Lifetime::CreateTimes{asked_ns, system_clock().monotonic_ns()};
    if (!made) {
      const bool may_have = !context.place.is_clone_unsupported(made.error()) &&
                            (context.cancelled || context.place.classify_create_failure(made.error()).leaves_doubt);
      if (may_have) adopt_found(context, parent, cloned);
      cloned.fewer = made.error();
      break;
    }
    std::vector<Machine> machines;
    for (Result<Machine>& each : *made) {
      if (each)
        machines.push_back(*std::move(each));
      else
        cloned.fewer = each.error();
    }
    adopt(context, parent, std::move(machines), times, cloned);
    if (made->size() < now && !cloned.fewer)
      cloned.fewer = Error(Code::kUnavailable, "the service made " + std::to_string(made->size()) + " of the " +
                                                   std::to_string(now) + " asked for");
  }
  return cloned;
}

}  // namespace osiris::sdk

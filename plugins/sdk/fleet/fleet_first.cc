// The first machine, which runs the union. Where it is lost and may not be replaced, because of a cap or of what the
// service allows, one of those that run shards takes its place when it has nothing to do. Rows of shards go there as
// they come.
#include <utility>

#include "plugins/sdk/fleet/fleet_run.h"
#include "protocol/model/kept_output.h"

namespace osiris::sdk {
namespace {

// Of a file that goes ahead. Smaller ones are sent with the union's plan, at no call of their own.
constexpr uint64_t kAheadBytesMin = uint64_t{256} << 10;

}  // namespace

// With the lock, of a machine that has nothing to do.
bool FleetRun::succeeds_first(Slot& slot) {
  if (slot.number > 0 && slot.session && scheduler_.succeed(slot.held->machine().id)) slot.is_successor = true;
  return slot.is_successor;
}

// False: there is none, or it is not the first that asks.
bool FleetRun::inherit(Slot& slot) {
  if (slot.number > 0) return false;
  std::unique_lock lock(mutex_);
  scheduler_.want_successor(readers_ > 0);
  changed_.notify_all();
  // One that is chosen comes for certain, and is this one's to give back.
  while (!successor_ && readers_ > 0 && !(is_stopped() && scheduler_.wants_successor()))
    changed_.wait_for(lock, kLookEvery);
  scheduler_.want_successor(false);
  Slot* const from = std::exchange(successor_, nullptr);
  if (!from) return false;
  slot.held = std::move(from->held);
  slot.access = std::move(from->access);
  slot.session = std::move(from->session);
  slot.has_worker = slot.had_one = true;
  slot.is_clone = from->is_clone;
  rows_ahead_.send_to(slot.access);
  context_.host.log(OSIRIS_INFO,
                    noun_ + " " + slot.held->machine().id + ", which was idle, takes the place of the first one");
  return true;
}

// Of a shard that is accepted.
void FleetRun::send_ahead(const ShardRun& run, const rpc::Packed& packed) {
  for (const PlanStep* step : plan_.lists()[plan_.place_of(run.attempt.shard).first].steps) {
    if (!plan_.leaves_rows(step->id)) continue;
    const std::string path = kept_file_path(step->id);
    for (const rpc::PackedFile& file : packed.files)
      if (file.kind == "session" && file.path == path && file.size_bytes >= kAheadBytesMin)
        rows_ahead_.add(run.part.session_dir / path);
  }
}

}  // namespace osiris::sdk

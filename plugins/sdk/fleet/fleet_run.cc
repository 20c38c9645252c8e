// The order of things, and what the whole comes to. One machine's life is in fleet_machine.cc.
#include "plugins/sdk/fleet/fleet_run.h"

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

#include "plugins/sdk/package/artifacts.h"
#include "plugins/sdk/package/delivery.h"
#include "plugins/sdk/package/receive_artifacts.h"
#include "plugins/sdk/run/step_board.h"
#include "protocol/base/categories.h"
#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "protocol/base/side_by_side.h"
#include "protocol/base/thread.h"
#include "protocol/model/kept_output.h"

namespace osiris::sdk {
namespace {

namespace fs = std::filesystem;

// Rows between parts are as large as the user's data are.
constexpr uint64_t kSessionBytesMax = uint64_t{1} << 42;

FleetTerms terms_of(const FleetPlan& plan) {
  FleetTerms terms;
  terms.replacements_max = terms.machines = plan.machines();
  for (const FleetPlan::List& list : plan.lists()) {
    terms.parallel_max.push_back(list.parallel_max);
    terms.goes_on.push_back(list.goes_on);
  }
  return terms;
}

// What a part left of artifacts goes to the session's own, but for rows that only other parts read.
void bring_session_files(const fs::path& from, const fs::path& session, const std::set<std::string>& left_behind) {
  std::error_code ignored;
  for (fs::recursive_directory_iterator each(from / "artifacts", ignored), end; each != end; each.increment(ignored)) {
    if (!each->is_regular_file(ignored)) continue;
    const fs::path path = fs::relative(each->path(), from, ignored);
    if (left_behind.count(path.string())) continue;
    fs::create_directories((session / path).parent_path(), ignored);
    fs::remove(session / path, ignored);
    fs::create_hard_link(each->path(), session / path, ignored);
  }
}

// A directory that goes waits for the file system to give its room back, a few milliseconds each: several wait at the
// same time.
void remove_side_by_side(const fs::path& directory) {
  constexpr size_t kAtOnce = 8;
  std::error_code ignored;
  std::vector<fs::path> all;
  for (fs::directory_iterator each(directory, ignored), end; !ignored && each != end; each.increment(ignored))
    all.push_back(each->path());
  std::atomic<size_t> taken{0};
  side_by_side(std::min(kAtOnce, all.size()), [&](size_t) {
    std::error_code failed;
    for (size_t i = taken++; i < all.size(); i = taken++) fs::remove_all(all[i], failed);
  });
  fs::remove_all(directory, ignored);
}

}  // namespace

FleetRun::FleetRun(FleetContext context, const FleetPlan& plan)
    : context_(std::move(context)),
      plan_(plan),
      noun_(context_.place.service().noun()),
      rows_ahead_(layout_of(context_.place.home(), context_.request.run_id).run + "/rows", context_.cancelled),
      scheduler_(plan.shards(), terms_of(plan)),
      results_(plan) {
  for (size_t i = 0; i < plan.machines(); ++i) {
    slots_.push_back(std::make_unique<Slot>());
    slots_.back()->number = i;
  }
}

FleetRun::~FleetRun() = default;

std::vector<Artifact> FleetRun::take_outputs() {
  std::vector<Artifact> all = std::move(outputs_before_);
  all.insert(all.end(), std::make_move_iterator(outputs_.begin()), std::make_move_iterator(outputs_.end()));
  return all;
}

Result<RunOutcome> FleetRun::run() {
  OSIRIS_TRY(make_directories(directory()));
  if (context_.made_from.worker_directory.empty()) static_cast<void>(begin_packing());  // while a machine is created
  auto outcome = run_all();
  // What is left to do at the same time: the other machines are given back by their threads, and where the rest's files
  // are here nothing more is asked of the first one.
  const auto tidied = begin_async_or_later([this] { remove_side_by_side(directory()); });
  Slot& first = *slots_.front();
  if (packed_bytes_ && first.held)
    if (const Status released = give_back(first); !released) context_.host.log(OSIRIS_ERROR, released.error().message);
  join_all();
  tidied.wait();
  return outcome;
}

FleetRun::PackedWorker FleetRun::begin_packing() {
  const std::lock_guard lock(packed_mutex_);
  if (!packed_.valid())
    packed_ = begin_async_or_later([path = context_.request.worker_path, sha256 = context_.request.worker_sha256] {
      auto packed = packed_worker(path, sha256);
      return packed ? std::make_shared<const std::string>(*std::move(packed)) : nullptr;
    });
  return packed_;
}

void FleetRun::join_all() {
  for (const auto& slot : slots_)
    if (slot->thread.joinable()) slot->thread.join();
}

Result<RunOutcome> FleetRun::run_all() {
  Slot& first = *slots_.front();
  if (const Status cloned = clone_first(); !cloned) return concluded(cloned.error());
  // It has work before any shard: within a cap or a quota the others take what it leaves.
  if (!first.held && (!plan_.before().empty() || plan_.has_split()))
    if (const Status acquired = acquire(first); !acquired) return concluded(acquired.error());
  readers_ = slots_.size() - 1;
  begin_others();
  run_until_shards(first);
  work(first);
  const bool is_whole = are_shards_whole();
  if (!is_whole) join_all();  // otherwise the others give their machines back while the union runs
  say_how_many();
  if (!is_whole)
    if (const auto error = error_of_shards()) return concluded(*error);
  auto outcome = run_after(first);
  if (!outcome) return concluded(outcome.error());
  return outcome;
}

// Those that this machine has a thread for.
void FleetRun::begin_others() {
  for (size_t i = 1; i < slots_.size(); ++i) {
    Slot& slot = *slots_[i];
    if (begin_thread(slot.thread, [this, &slot] { work(slot); })) continue;
    if (slot.held)
      if (const Status released = give_back(slot); !released) context_.host.log(OSIRIS_ERROR, released.error().message);
    goes_on_with_fewer(no_more_threads("one more " + noun_));
    const std::lock_guard lock(mutex_);
    --readers_;
  }
}

void FleetRun::run_until_shards(Slot& first) {
  if (!plan_.before().empty()) {
    const auto before = run_before(first);
    if (!before)
      end_with(before.error());
    else if (!before->status)
      end_with(before->status.error());
  }
  bool is_over = false;
  {
    const std::lock_guard lock(mutex_);
    is_over = end_.has_value();
    if (!is_over) results_.tell_starts(context_.host);
  }
  if (!is_over) settle(first);
  {
    const std::lock_guard lock(mutex_);
    may_begin_ = true;
  }
  changed_.notify_all();
}

bool FleetRun::are_shards_whole() {
  const std::lock_guard lock(mutex_);
  return !end_ && !why_alone_ && scheduler_.all_accepted();
}

// Of the whole, when no shard runs any more and no other thread; nullopt: the rest is to be run.
std::optional<Error> FleetRun::error_of_shards() {
  const std::lock_guard lock(mutex_);
  if (!end_ && why_alone_) return std::nullopt;
  const bool is_short = scheduler_.accepted_count() + scheduler_.failures().size() < plan_.shard_count();
  if (!end_ && is_short && !scheduler_.has_failed()) end_ = stop_reason();
  if (end_) return end_;
  if (scheduler_.has_failed()) {
    results_.tell(context_.host);
    return first_failure();
  }
  if (!is_short) return std::nullopt;
  return no_machine_.value_or(Error(Code::kUnavailable, "no " + noun_ + " is left for the shards"));
}

// With the lock. That ended the run, and not one that others went on after.
Error FleetRun::first_failure() const {
  for (const ShardScheduler::Failure& failure : scheduler_.failures())
    if (!plan_.lists()[plan_.place_of(failure.shard).first].goes_on) return failure.error;
  return scheduler_.failures().front().error;
}

// Some came too late, or when others ended: a service that makes no more at the same time is asked until it does.
void FleetRun::say_how_many() {
  const std::lock_guard lock(mutex_);
  const auto ran = std::count_if(slots_.begin(), slots_.end(), [](const auto& slot) { return slot->had_shard; });
  if (end_ || why_alone_ || had_too_few_ || ran == static_cast<std::ptrdiff_t>(slots_.size())) return;
  const std::string plural(context_.place.service().plural());
  context_.host.log(OSIRIS_WARN,
                    "the shards ran in " + std::to_string(ran) + " " + (ran == 1 ? noun_ : plural) +
                        ": no more of the " + std::to_string(slots_.size()) + " asked for were there in time",
                    Json::object({{"notice", true}}));
}

// What shards read and no shard makes.
Result<RunOutcome> FleetRun::run_before(Slot& slot) {
  OSIRIS_ASSIGN(RunRequest part, plan_.part_before());
  part.session_dir = directory() / "before";
  std::set<std::string> wanted_by_host;
  for (const PlanStep& step : context_.request.steps())
    if (step.kept.use == StepUse::kKeep) wanted_by_host.insert(step.id);
  const PartHost host(
      context_.host,
      [&](const PartEvent& event) {
        if (event.step_id.empty() || !plan_.before().count(event.step_id)) return;
        if (event.name == "output_kept" && !wanted_by_host.count(event.step_id)) return;
        context_.host.event(event.name, event.step_id, event.data, event.time_unix_ns);
      },
      [this] { return is_stopped(); }, [](std::string_view step_id, std::string_view) { return !step_id.empty(); });
  OSIRIS_ASSIGN(RunOutcome outcome, run_whole_part(slot, part, host));
  done_before_ = outcome.result;
  // As of a run in one machine: what is complete is taken from a part that failed, or came to the end of its budget.
  const bool has_failed = !outcome.status;
  if (has_failed && (!outcome.packed || (outcome.status.error().code != Code::kStepFailed &&
                                         outcome.status.error().category != category::kRuntimeBudget)))
    return outcome;
  if (!outcome.packed) return Error(Code::kInternal, "nothing says what the steps before the shards left");
  const ArtifactSource source =
      slot.part->packed_source(slot.session->context(), *outcome.packed, context_.sleep, "download the artifacts");
  auto received =
      receive_artifacts(source, *outcome.packed, part,
                        {.session_bytes_max = kSessionBytesMax, .retry_budget = context_.settings.retry_budget});
  if (!received && has_failed) context_.host.log(OSIRIS_ERROR, received.error().message);
  if (!received) return has_failed ? Result<RunOutcome>(std::move(outcome)) : received.error();
  for (Artifact& output : received->outputs) outputs_before_.push_back(std::move(output));
  bring_session_files(part.session_dir, context_.request.session_dir,
                      files_between_parts([&](const PlanStep& step) { return !wanted_by_host.count(step.id); }));
  if (!has_failed) OSIRIS_TRY(take_rows_before(outcome, part.session_dir));
  return outcome;
}

// The rows that shards read.
Status FleetRun::take_rows_before(const RunOutcome& outcome, const fs::path& directory) {
  std::map<std::string, FileDigest> kept;  // by path below the session
  for (const rpc::PackedFile& file : outcome.packed->files)
    if (file.kind == "session") kept[file.path] = {.sha256 = file.sha256, .size_bytes = file.size_bytes};
  const auto rows_in = [&](const std::string& path, BroughtRows rows) {
    const auto file = kept.find(path);
    if (file == kept.end()) return rows;
    rows.file = directory / path;
    rows.digest = file->second;
    return rows;
  };
  for (const Json& entry : outcome.result["steps"].items()) {
    const std::string& id = entry["id"].as_string();
    if (!plan_.before().count(id)) continue;
    std::vector<BroughtRows>& brought = before_[id];
    BroughtRows rows;
    if (const std::vector<uint64_t>* pieces = plan_.pieces_of(id)) {
      for (size_t place = 0; place < pieces->size(); ++place) {
        rows.rows_out = pieces->at(place);
        brought.push_back(rows_in(kept_piece_path(id, place), rows));
      }
    } else {
      rows.rows_read = entry["rows_read"].as_uint();
      rows.rows_written = entry["rows_written"].as_uint();
      rows.rows_out = entry["rows_out"].as_uint();
      brought.push_back(rows_in(kept_file_path(id), rows));
    }
    if (plan_.leaves_rows(id) &&
        std::any_of(brought.begin(), brought.end(), [](const BroughtRows& each) { return each.file.empty(); }))
      return Error(Code::kUnsupported,
                   "the rows of step " + id + " cannot leave a worker, and shards on other machines read them",
                   "Run with one, or cast the column that the log names.");
  }
  return {};
}

// That only other parts read, of these steps.
std::set<std::string> FleetRun::files_between_parts(const std::function<bool(const PlanStep&)>& of) const {
  std::set<std::string> files;
  for (const PlanStep& step : context_.request.steps()) {
    if (!of(step)) continue;
    files.insert(kept_file_path(step.id));
    if (const std::vector<uint64_t>* pieces = plan_.pieces_of(step.id))
      for (size_t place = 0; place < pieces->size(); ++place) files.insert(kept_piece_path(step.id, place));
  }
  return files;
}

// The rest, in the first machine, or one that takes its place: the shards' rows are on this one.
Result<RunOutcome> FleetRun::run_after(Slot& slot) {
  std::optional<std::string> why_not;
  bool is_incomplete = false;
  {
    const std::lock_guard lock(mutex_);
    why_not = why_alone_ ? why_alone_ : results_.why_not_one();
    is_incomplete = !scheduler_.failures().empty();
  }
  if (why_not) {
    context_.host.log(OSIRIS_WARN, *why_not + ": the shards run again, in one " + noun_,
                      Json::object({{"notice", true}}));
  } else if (is_incomplete) {
    return run_incomplete(slot);
  } else {
    results_.tell(context_.host);
    bring_shards_files();
  }
  Brought brought = results_.brought();
  brought.insert(before_.begin(), before_.end());
  OSIRIS_ASSIGN(const RunRequest part, plan_.part_after(brought, !why_not));
  if (why_not) {
    const std::lock_guard lock(mutex_);
    outputs_.clear();  // this part writes them
  }
  return run_rest(slot, part, why_not ? Seconds() : results_.seconds());
}

void FleetRun::bring_shards_files() const {
  const std::set<std::string> left_behind = files_between_parts([](const PlanStep&) { return true; });
  for (const fs::path& each : results_.directories())
    bring_session_files(each, context_.request.session_dir, left_behind);
}

Result<RunOutcome> FleetRun::run_rest(Slot& slot, const RunRequest& part, const Seconds& lasted) {
  const auto is_told = [this](std::string_view step_id) { return plan_.before().count(std::string(step_id)) > 0; };
  const PartHost host(
      context_.host,
      [&](const PartEvent& event) {
        if (is_told(event.step_id)) return;
        const bool is_begun = plan_.is_sharded(event.step_id);
        if (is_begun && (event.name == "step_start" || event.name == "step_reused")) return;
        const auto seconds = lasted.find(event.step_id);
        if (event.name == "step_complete" && seconds != lasted.end())
          return ShardResults::tell_end(context_.host, event, seconds->second);
        context_.host.event(event.name, event.step_id, event.data, event.time_unix_ns);
      },
      [this] { return is_stopped(); },
      [&](std::string_view step_id, std::string_view name) {
        return !is_told(step_id) && !(is_step_duration(name) && lasted.count(std::string(step_id)));
      });
  if (!slot.held) join_all();  // what the others' machines hold of a cap is for this one
  auto outcome = run_whole_part(slot, part, host);
  if (outcome && slot.part) packed_bytes_ = slot.part->packed_bytes();
  if (outcome) set_durations(outcome->result, lasted);
  slot.part.reset();
  return outcome;
}

std::optional<Error> FleetRun::stop_reason() const {
  const int64_t deadline_ns = context_.request.deadline_monotonic_ns;
  if (deadline_ns != 0 && system_clock().monotonic_ns() >= deadline_ns)
    return Error(Code::kDeadline, "the run did not end before its deadline", "Allow more time with --timeout.",
                 category::kRuntimeTimeout);
  if (context_.cancelled || context_.host.is_cancelled()) return Error(Code::kCancelled, "the run was cancelled");
  return std::nullopt;
}

void FleetRun::end_with(Error error) {
  {
    const std::lock_guard lock(mutex_);
    if (!end_) end_ = std::move(error);
    scheduler_.stop();
    stop_running_ = true;
  }
  changed_.notify_all();
}

}  // namespace osiris::sdk

// Which outputs are not stored, and whose readers run along with their source
// (docs/decisions/0180-streams-between-steps.md).
#include <algorithm>

#include "worker/executor/executor.h"

namespace osiris::worker {
namespace {

// A step that is tried again must see the same rows; one with a timeout has its time to itself; checks read rows and
// inputs once more.
bool runs_once(const PlanStep& step) {
  return step.attempts_max == 1 && step.timeout_s <= 0 && !step.check && step.checks.empty();
}

// A step per shard is many reads.
bool reads_once(const PlanStep& step) { return runs_once(step) && !step.shards; }

// All shards can be one stream, where nothing is told of each but its rows, and all threads may read.
bool is_one_stream(const StepShards& shards) {
  return !shards.list.empty() && !shards.per_shard && !shards.tells_columns && !shards.holds && !shards.goes_on &&
         shards.parallel_max == 0 && shards.rule.contains("files");
}

// Its rows are wanted at one place, whatever reads them.
bool is_stored(const PlanStep& step) { return step.materialize || !step.kept.runs(); }
bool is_kept(const PlanStep& step) { return step.kept.use == StepUse::kKeep; }

}  // namespace

void Executor::run_step(Node& running) {
  Relations inputs;
  std::vector<Node*> claimed;
  bool streams = false;
  {
    const std::lock_guard lock(mutex_);
    inputs = stored_inputs(running);
    streams = may_stream(running);
  }
  const Readers readers{[&] { return claim_readers(running, claimed); },
                        [&](size_t kept) { give_back(claimed, kept); }};
  std::vector<StreamedEnd> streamed;
  StepEnd end = runner_.run(running.step, inputs, running.control, streams ? &readers : nullptr, streamed);
  inputs.clear();
  ended(running, std::move(end));
  for (size_t i = 0; i < streamed.size(); ++i) {
    runner_.report(streamed[i]);
    ended(*claimed[i], std::move(streamed[i].end));
  }
}

Relations Executor::stored_inputs(const Node& reader) {
  Relations inputs;
  for (const PlanInput& input : reader.step.inputs) {
    const Node& from = node(input.from_step);
    if (from.relation) inputs.emplace(input.from_step, from.relation);
  }
  for (const std::string& source : sources_of_checks(reader.step))
    if (const Node& from = node(source); from.relation) inputs.emplace(source, from.relation);
  return inputs;
}

// Known from the plan alone; whether the reader has been asked for yet is looked at later.
bool Executor::may_stream(const Node& source) const {
  if (!source.in_plan || source.readers != 1 || is_stored(source.step) || !runs_once(source.step)) return false;
  const Driver* driver = run_.find_driver(source.step.driver);
  if (!driver) return false;
  const auto& shards = source.step.shards;
  if (shards && (!driver->open_shards || !is_one_stream(*shards) || is_kept(source.step))) return false;
  if (!shards && !driver->open) return false;
  if (!shards && !is_kept(source.step)) return true;
  const PlanStep* reader = planned_reader(source.step.id);
  if (!reader) return false;
  if (!shards) return may_keep(*reader);
  // What opening them takes is not taken in vain.
  const Driver* reads = run_.find_driver(reader->driver);
  return reads_once(*reader) && reads && reads->reads_streams;
}

// Rows are kept on their way by a writer that hands them on.
bool Executor::may_keep(const PlanStep& reader) const {
  const Driver* driver = run_.find_driver(reader.driver);
  return driver && driver->writes_batches && reader.mode == StepMode::kWrite;
}

// The first of the plan that reads the output; null: none does.
const PlanStep* Executor::planned_reader(std::string_view id) const {
  const auto reads = [&](const PlanStep& step) {
    return std::any_of(step.inputs.begin(), step.inputs.end(), [&](const PlanInput& in) { return in.from_step == id; });
  };
  const auto reader = std::find_if(plan_.steps.begin(), plan_.steps.end(), reads);
  return reader == plan_.steps.end() ? nullptr : &*reader;
}

// The only step that reads the output, if it waits for nothing else and may run along; null: it may not.
Executor::Node* Executor::only_reader(const Node& source) {
  if (source.readers != 1 || !source.waiting_readers.empty()) return nullptr;
  for (const std::string& id : source.dependents) {
    Node& reader = node(id);
    const auto& inputs = reader.step.inputs;
    const auto reads = [&](const PlanInput& input) { return input.from_step == source.step.id; };
    if (std::count_if(inputs.begin(), inputs.end(), reads) != 1) continue;
    const Driver* driver = run_.find_driver(reader.step.driver);
    const bool may = reader.in_plan && reader.state == State::kWaiting && reader.open_needs == 1 &&
                     reads_once(reader.step) && driver && driver->reads_streams;
    return may ? &reader : nullptr;
  }
  return nullptr;
}

// Called by the source's thread. From here on the readers are running: no other thread begins or skips them.
std::vector<StreamReader> Executor::claim_readers(Node& source, std::vector<Node*>& readers) {
  const std::lock_guard lock(mutex_);
  std::vector<StreamReader> claimed;
  if (first_failed_ || cancelled_) return claimed;
  Node* reader = only_reader(source);
  if (reader) readers.push_back(reader);
  if (reader && run_.find_driver(reader->step.driver)->is_query && !is_stored(reader->step)) {
    // The rows of a query are counted by a writer only.
    Node* writer = only_reader(*reader);
    if (writer && writer->step.mode == StepMode::kWrite && (!is_kept(reader->step) || may_keep(writer->step)))
      readers.push_back(writer);
  }
  for (Node* node : readers) {
    node->state = State::kRunning;
    ++active_;
    claimed.push_back({node->step, stored_inputs(*node), node->control});
  }
  return claimed;
}

// The readers but the first `kept`, which ran along, wait as if they had not been claimed.
void Executor::give_back(std::vector<Node*>& readers, size_t kept) {
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    for (size_t i = kept; i < readers.size(); ++i) {
      readers[i]->state = State::kWaiting;
      --active_;
      if (first_failed_ || cancelled_) skip(*readers[i], calls);
    }
    readers.resize(kept);
  }
  for (const auto& call : calls) call();
}

}  // namespace osiris::worker

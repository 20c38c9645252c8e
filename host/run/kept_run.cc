#include "host/run/kept_run.h"

#include <algorithm>
#include <set>

#include "host/cache/reasons.h"
#include "host/run/session.h"
#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/random.h"
#include "protocol/base/thread.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr size_t kSecretBytes = 32;

// Whether rows may be there to take.
bool may_take(const RepeatRequest& request, const CompiledPipeline& pipeline) {
  if (request.resumes || request.names_steps()) return true;
  const auto is_kept = [](const CompiledStep& step) { return step.cache.mode == StepCache::kKept; };
  return request.uses_cache && std::any_of(pipeline.steps.begin(), pipeline.steps.end(), is_kept);
}

// A run that may leave a part of a copy: a later one goes on from it and not from what an earlier one had done.
bool leaves_chunks(const KeptRunInputs& inputs) {
  return std::any_of(inputs.pipeline.steps.begin(), inputs.pipeline.steps.end(), [&](const CompiledStep& step) {
    const ComponentSpec* spec = inputs.registry.find(step.component);
    return spec && spec->has_chunks(step.cfg);
  });
}

// Steps with a file that is no more what was hashed, and all that read their rows: what they read is not known.
std::set<std::string> steps_of_changed_files(const RunKeys& keys) {
  std::set<std::string> changed;
  for (const auto& [id, step] : keys.steps)
    for (const auto& [path, identity] : step.files)
      if (const auto now = FileIdentity::of(path); !now.ok() || *now != identity) changed.insert(id);
  for (bool is_growing = !changed.empty(); is_growing;) {
    is_growing = false;
    for (const auto& [id, step] : keys.steps)
      for (const auto& [name, value] : step.parts)
        if (const std::string source = source_in_part(name); !source.empty() && changed.contains(source))
          is_growing = changed.insert(id).second || is_growing;
  }
  return changed;
}

// Whether a part is that of this file, hashed later.
bool is_deferred_part(const std::string& value, const std::string& path) {
  return value == FileHashes::kNotHashed + (" " + path);
}

// Where the file is that a step wrote as `path`; empty: the step's parts do not tell.
fs::path target_of(const RanStep& step, const std::string& path) {
  constexpr std::string_view kOutput = "output ";
  for (const auto& [name, location] : step.parts) {
    if (!name.starts_with(kOutput)) continue;
    const std::string planned = name.substr(kOutput.size());
    if (planned == path) return location;
    if (const std::string rest = path_in_directory({planned, location, "", true}, path); !rest.empty())
      return fs::path(location) / rest;
  }
  return {};
}

}  // namespace

KeptRun::KeptRun(const KeptRunInputs& inputs, const Clock& clock)
    : project_(inputs.project),
      pipeline_(inputs.pipeline),
      clock_(clock),
      request_(inputs.request),
      hashes_(project_.cache_dir() / "files.json", clock),
      kept_(project_.cache_dir(), project_.config().cache_bytes_max, hashes_) {}

// With which values of variables are hashed. Where it cannot be kept it is another one each time, and nothing that
// depends on variables is taken again.
std::string KeptRun::secret() {
  const fs::path file = project_.cache_dir() / "key";
  if (auto kept = read_file(file, 1024); kept.ok() && kept->size() == kSecretBytes) return *std::move(kept);
  std::string made = random_bytes(kSecretBytes);
  Status written = make_directories(file.parent_path());
  if (written.ok()) written = write_file_atomically(file, made, {.durable = false, .mode = 0600});
  if (!written.ok() && (request_.keeps || request_.resumes)) {
    warnings_.push_back("outputs of steps are not kept: " + written.error().message);
    request_.keeps = false;
  }
  return made;
}

Status KeptRun::find_base(const KeptRunInputs& inputs) {
  if (!request_.resumes) return {};
  base_ = RunKeys::read(project_, pipeline_.id, pipeline_.profile, inputs.base_run_id);
  if (!base_) {
    if (inputs.base_run_id.empty()) return {};
    return Error(Code::kNotFound, "run " + inputs.base_run_id + " has left nothing to go on from",
                 "a run does with --keep-outputs, or `keep_outputs: true` in its pipeline");
  }
  if (base_->ended) return {};
  if (is_held(base_->session))
    return Error(Code::kUnavailable, "run " + base_->run_id + " is still going on", "wait for its end, or stop it",
                 category::kSystemResourceUnavailable);
  harvest(*base_);
  return {};
}

Result<std::unique_ptr<KeptRun>> KeptRun::decide(const KeptRunInputs& inputs, const AdapterInputs& sent,
                                                 const Clock& clock) {
  const bool may_take_rows = may_take(inputs.request, inputs.pipeline);
  const bool may_leave_chunks = leaves_chunks(inputs);
  if (!may_take_rows && !inputs.request.keeps && !may_leave_chunks) return std::unique_ptr<KeptRun>();
  std::unique_ptr<KeptRun> run(new KeptRun(inputs, clock));
  run->is_deferred_ = !may_take_rows && !may_leave_chunks;
  run->hashes_.defer(run->is_deferred_);
  const std::string secret = run->secret();
  run->hashes_.set_secret(secret);
  OSIRIS_TRY(run->find_base(inputs));
  OSIRIS_ASSIGN(
      run->repeat_,
      decide_repeat(run->request_, {inputs.pipeline,
                                    sent,
                                    run->base(),
                                    run->kept_,
                                    {inputs.registry, inputs.environment, sent, inputs.worker, secret, run->hashes_},
                                    clock.unix_ns()}));
  for (const std::string& damaged : run->repeat_.damaged)
    run->warnings_.push_back("kept rows are not used, and their step runs: " + damaged);
  for (const StepDecision& step : run->repeat_.steps)
    if (step.entry) run->kept_.touch(*step.entry);
  run->hashes_.save();
  return run;
}

void KeptRun::apply(Plan& plan) const {
  apply_repeat(repeat_, base(), kept_.bytes_max(), plan);
  for (PlanStep& step : plan.steps)
    step.resumes = request_.resumes && step.mode == StepMode::kWrite && step.kept.runs();
}

void KeptRun::begin(const std::string& run_id, const fs::path& session) {
  keys_.run_id = run_id;
  keys_.pipeline_id = pipeline_.id;
  keys_.profile = pipeline_.profile;
  keys_.session = session;
  keys_.started_unix_ns = clock_.unix_ns();
  if (is_deferred_)
    hash_beside();
  else
    write_keys();
}

void KeptRun::hash_beside() {
  if (!begin_thread(hashing_, [this] { hash_inputs(); })) hash_inputs();
}

void KeptRun::hash_inputs() {
  hashes_.defer(false);
  for (StepDecision& step : repeat_.steps)
    for (const auto& [path, identity] : step.facts.files) {
      const auto hashed = hashes_.content_of(path);
      if (!hashed.ok() || hashed->identity != identity) step.is_keyable = false;
      if (!hashed.ok()) continue;
      for (auto& [name, value] : step.facts.parts)
        if (is_deferred_part(value, path)) value = hashed->hash + " " + path;
    }
  write_keys();
}

void KeptRun::write_keys() {
  keys_.steps = keys_of_run(repeat_, base(), keys_.run_id).steps;
  const Status written = request_.uses_cache ? keys_.write(project_) : Status();
  begun_ = request_.uses_cache && written.ok();
  if (!written.ok()) warnings_.push_back("this run cannot be resumed: " + written.error().message);
}

// What a run has done whose host did not live to say it: its session tells.
void KeptRun::harvest(RunKeys& keys) {
  StepTally tally(clock_);
  const auto read = [&](const char* file, const auto& visit) {
    static_cast<void>(for_each_line(keys.session / file, [&](std::string_view line) {
      if (const auto json = parse_json(line); json.ok()) visit(*json);
    }));
  };
  read("events.jsonl",
       [&](const Json& event) { tally.on_event(event["event"].as_string(), event["step_id"].as_string(), event); });
  read("metrics.jsonl", [&](const Json& metric) {
    tally.on_metric(metric["metric"].as_string(), metric["step_id"].as_string(), metric["value"].as_double());
  });
  settle(keys, tally.steps());
  keys.ended = true;
  static_cast<void>(keys.write(project_));
}

KeptRun::~KeptRun() {
  hashes_.stop();
  if (hashing_.joinable()) hashing_.join();
}

void KeptRun::finish(const std::vector<StepState>& steps, bool hurries) {
  if (hurries) hashes_.stop();
  if (hashing_.joinable()) hashing_.join();
  for (const StepState& step : steps)
    if (!step.not_kept.empty())
      warnings_.push_back("the rows of step " + step.plan.id + " are not kept: " + step.not_kept);
  if (begun_) settle(keys_, steps);
  // What could not be taken away is of no use in the session.
  std::error_code ignored;
  for (const StepState& step : steps)
    if (step.kept) fs::remove(keys_.session / kept_file_path(step.plan.id), ignored);
  if (!begun_) return;
  keys_.ended = true;
  if (const Status written = keys_.write(project_); !written.ok())
    warnings_.push_back("this run cannot be resumed: " + written.error().message);
  forget_old_run_keys(project_, pipeline_.id, pipeline_.profile);
  hashes_.save();
}

void KeptRun::settle(RunKeys& keys, const std::vector<StepState>& steps) {
  const std::set<std::string> changed = steps_of_changed_files(keys);
  std::optional<Error> failure;
  for (const StepState& state : steps) {
    const std::string& id = state.plan.id;
    const auto found = keys.steps.find(id);
    if (found == keys.steps.end() || state.phase != StepPhase::kComplete || changed.contains(id)) continue;
    RanStep& step = found->second;
    if (step.complete) continue;  // by a run before
    step.complete = true;
    step.rows_read = state.rows_read.value_or(0);
    step.rows_written = state.rows_written.value_or(0);
    step.rows_out = state.rows_out.value_or(0);
    for (const auto& [path, written] : state.outputs)
      if (const fs::path target = target_of(step, path); !target.empty())
        step.outputs.push_back({path, target.string(), written.size_bytes, written.sha256, id});
    if (!state.kept || step.key.empty() || !step.keeps || failure) continue;
    if (const Status kept = keep(keys, id, state); !kept.ok()) failure = kept.error();
  }
  if (failure) warnings_.push_back("outputs of steps are not kept: " + failure->message);
}

Status KeptRun::keep(const RunKeys& keys, const std::string& id, const StepState& state) {
  const RanStep& step = keys.steps.at(id);
  KeptEntry entry;
  entry.key = step.key;
  entry.content = step.content;
  entry.pipeline_id = keys.pipeline_id;
  entry.step_id = id;
  entry.component = state.plan.driver;
  entry.run_id = keys.run_id;
  entry.created_unix_ns = keys.started_unix_ns;
  entry.size_bytes = state.kept->size_bytes;
  entry.sha256 = state.kept->sha256;
  entry.rows_read = step.rows_read;
  entry.rows_out = state.kept->rows;
  entry.shard_rows = state.kept->shard_rows;
  return kept_.put(std::move(entry), keys.session / kept_file_path(id));
}

std::vector<Artifact> KeptRun::reused_outputs() const {
  std::vector<Artifact> outputs;
  for (const StepDecision& step : repeat_.steps) {
    if (step.fate != StepFate::kDone && step.fate != StepFate::kTaken) continue;
    if (const auto found = keys_.steps.find(step.id); found != keys_.steps.end())
      outputs.insert(outputs.end(), found->second.outputs.begin(), found->second.outputs.end());
  }
  return outputs;
}

}  // namespace osiris

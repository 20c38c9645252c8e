// What one run takes from earlier ones and leaves for later ones: around the run, before its plan is sent and after its
// last event (docs/decisions/0222-kept-outputs.md). What goes wrong here is a warning: the run goes on without it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "host/cache/repeat.h"
#include "host/run/step_tally.h"
#include "protocol/base/clock.h"

namespace osiris {

struct KeptRunInputs {
  const Project& project;
  const CompiledPipeline& pipeline;
  const ComponentRegistry& registry;
  const Environment& environment;
  std::string worker;  // its version and hash
  RepeatRequest request;
  std::string base_run_id;  // to go on from; empty: the newest of the pipeline
};

class KeptRun {
 public:
  // Decides what has to run; the plan is as it was. Null: nothing was asked for. kNotFound where the run that is named
  // has left nothing, kUnavailable while it goes on.
  static Result<std::unique_ptr<KeptRun>> decide(const KeptRunInputs& inputs, const AdapterInputs& sent,
                                                 const Clock& clock);

  ~KeptRun();
  KeptRun(const KeptRun&) = delete;
  KeptRun& operator=(const KeptRun&) = delete;

  const Repeat& repeat() const { return repeat_; }
  // The run to go on from; null: there is none.
  const RunKeys* base() const { return base_ ? &*base_ : nullptr; }

  // Makes the plan say what was decided.
  void apply(Plan& plan) const;
  void begin(const std::string& run_id, const std::filesystem::path& session);
  // Takes what the run's steps have kept out of its session. `hurries`: the user waits for the end; what is not known
  // yet is not kept.
  void finish(const std::vector<StepState>& steps, bool hurries);
  // What writers that did not run had left before.
  std::vector<Artifact> reused_outputs() const;
  std::vector<std::string> take_warnings() { return std::exchange(warnings_, {}); }

 private:
  KeptRun(const KeptRunInputs& inputs, const Clock& clock);
  Status find_base(const KeptRunInputs& inputs);
  std::string secret();
  void hash_beside();
  void hash_inputs();
  void write_keys();
  void harvest(RunKeys& keys);
  void settle(RunKeys& keys, const std::vector<StepState>& steps);
  Status keep(const RunKeys& keys, const std::string& id, const StepState& state);

  const Project& project_;
  const CompiledPipeline& pipeline_;
  const Clock& clock_;
  RepeatRequest request_;
  FileHashes hashes_;
  KeptOutputs kept_;
  std::optional<RunKeys> base_;
  Repeat repeat_;
  RunKeys keys_;
  bool begun_ = false;
  // Nothing can be taken, so what the run reads is hashed beside it; then the thread alone has the members above.
  bool is_deferred_ = false;
  std::thread hashing_;
  std::vector<std::string> warnings_;
};

}  // namespace osiris

// Which steps of a pipeline a run has to run, and which it takes from an earlier one.
//
// A step is left alone when all its rows follow from (or, of a writer, all it did follows from) is as it was: its key
// is one of which rows are kept, or the key it had in the run that is resumed. Rows of sources and programs are told by
// the run that made them, so what follows from them is repeated when they are. Worked out on the host before anything
// runs; the plan then says it, and every adapter runs that plan alike.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/cache/kept_outputs.h"
#include "host/cache/run_keys.h"
#include "host/cache/step_key.h"
#include "host/compiler/adapter_inputs.h"
#include "protocol/base/error.h"

namespace osiris {

struct RepeatRequest {
  bool resumes = false;           // what has not changed since `base` is not run again
  bool keeps = false;             // rows are kept for later runs
  bool uses_cache = true;         // false: nothing that was kept is taken, nothing is kept
  std::string from, until, only;  // step ids; empty: not said

  bool names_steps() const { return !from.empty() || !until.empty() || !only.empty(); }
};

struct RepeatInputs {
  const CompiledPipeline& pipeline;
  const AdapterInputs& inputs;
  const RunKeys* base;  // the run to go on from; null: none
  KeptOutputs& kept;
  KeyContext keys;
  int64_t now_unix_ns;
};

enum class StepFate {
  kRuns,
  kTaken,    // it does not run: its rows are read from what was kept
  kDone,     // it does not run, and nothing that runs reads its rows
  kLeftOut,  // it is no part of this run
};

struct StepDecision {
  std::string id;
  StepFate fate = StepFate::kRuns;
  StepFacts facts;
  // What tells its rows: facts.parts and its inputs. Of a step that runs only RunKeys has the whole.
  KeyParts parts;
  std::string key, content;
  bool is_keyable = true;                                    // false: a file that it reads cannot be read here
  bool keeps = false;                                        // its rows are to be kept
  std::optional<KeptEntry> entry;                            // its rows
  std::vector<std::pair<std::string, std::string>> sources;  // {"input df_a (a)", "a"}: whose rows it reads
  std::string reason;  // why it runs, or why it need not; a clause: "config query changed"
};

struct Repeat {
  std::vector<StepDecision> steps;   // in execution order
  std::vector<std::string> damaged;  // what was kept and is no more what it was
  const StepDecision* find(std::string_view id) const;
  size_t count(StepFate fate) const;
};

// kNotFound for a step that is not there; kInvalidArgument where `only` needs rows that are not kept.
Result<Repeat> decide_repeat(const RepeatRequest& request, const RepeatInputs& inputs);

// Makes the step one that does not run: its rows are those of the entry.
void take_rows(const KeptEntry& entry, PlanStep& step);

// Makes the plan say it. `bytes_max`: of one step's kept rows.
void apply_repeat(const Repeat& repeat, const RunKeys* base, uint64_t bytes_max, Plan& plan);

// What the run that does it will have known of its steps; those that run are not complete yet.
RunKeys keys_of_run(const Repeat& repeat, const RunKeys* base, const std::string& run_id);

}  // namespace osiris

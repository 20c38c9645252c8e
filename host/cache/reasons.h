// Why a step runs again, or need not, in words.
#pragma once

#include <string>

#include "host/cache/repeat.h"

namespace osiris {

struct ReasonInputs {
  const StepDecision& decision;
  const PlanStep& step;
  bool is_forced;             // by --from or --only
  bool is_cached;             // by `cache` of the step
  const std::string& reader;  // one that runs and reads its rows; empty: none
  const RepeatRequest& request;
  const RunKeys* base;
  const RanStep* before;  // the step in `base`; null: it was not there
  FileHashes& hashes;
};
// A clause: "config query changed", "its rows are kept (run run-000001_01M8)".
std::string reason_of(const ReasonInputs& inputs);

// What differs between two lists of parts: "config query changed, file in/a.csv is new".
std::string changes_between(const KeyParts& before, const KeyParts& now);

// The step that a part is about, "a" of "input df_a (a)"; empty: it is about none.
std::string source_in_part(std::string_view part);

// Whether all that a writer left is there, byte for byte; `why` says what is not.
bool outputs_are_as_left(const PlanStep& step, const RanStep& before, FileHashes& hashes, std::string& why);

}  // namespace osiris

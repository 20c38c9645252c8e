// From an error to the exit status of osiris: the only road. docs/exit-codes.md has the same for people.
#pragma once

#include <string_view>

#include "protocol/base/error.h"

namespace osiris {

enum class ExitCode : int {
  kOk = 0,
  kStepFailed = 1,
  kInput = 2,
  kAdapterFailed = 3,
  kDeadline = 124,
  kCancelled = 130
};
constexpr int to_int(ExitCode code) { return static_cast<int>(code); }

// Where an error came up. Its code alone does not say whose fault a wrong argument or an unknown name is.
enum class ErrorSource {
  kInput,    // what the user gave is being looked at: options, files, names; also by an adapter (configure, validate,
             // prepare)
  kLoading,  // an adapter is being loaded: one that is not there is a wrong name, one that does not fit is not the
             // user's doing
  kRun,      // an adapter runs a pipeline (create, execute, collect): what it finds wrong with its arguments is its own
             // fault
  kService,  // an adapter was asked outside a run, or osiris writes its own files: every error is theirs
};

ExitCode exit_code_for(const Error& error, ErrorSource source = ErrorSource::kInput);
// The word for it in the run index and in `runs list`: "success", "failed", "cancelled", "deadline".
std::string_view outcome_name(ExitCode code);
// The same in the sentence "Pipeline ...", for people: a deadline is "timed out".
std::string_view outcome_text(ExitCode code);

}  // namespace osiris

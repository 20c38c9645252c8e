// A plan that looks at rows, run for a command.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "host/adapters/loader.h"
#include "host/adapters/options.h"
#include "host/commands/context.h"
#include "host/compiler/adapter_inputs.h"
#include "host/run/exit_status.h"

namespace osiris {

// Borrowed for the time of a call.
struct LookThrough {
  const CommandContext& context;
  const Workspace& workspace;
  const LoadedAdapter& adapter;
  const ResolvedOptions& options;
  int64_t deadline_monotonic_ns = 0;  // 0: none
  bool allow_mock = false;
};

struct LookOutcome {
  std::optional<Error> error;  // masked
  ErrorSource source = ErrorSource::kRun;
  std::string failed_step;  // of the plan, which its error is about; empty: none is
  std::string step_error;   // that step's own words, masked
};

// Runs it to its end; a signal and the deadline stop it, as they stop a run. What an adapter holds on to, or does
// against its contract, is printed.
LookOutcome run_look(const LookThrough& through, const AdapterInputs& plan);

// Looks at files of this machine, one after the other: by the adapter `local`, which is loaded once.
class LocalLook {
 public:
  // The context is borrowed.
  static Result<std::unique_ptr<LocalLook>> open(const CommandContext& context);

  const Workspace& workspace() const { return workspace_; }
  LookOutcome run(const AdapterInputs& plan, int64_t deadline_monotonic_ns = 0) const;

 private:
  LocalLook(const CommandContext& context, Workspace workspace, LoadedAdapter adapter, ResolvedOptions options)
      : context_(context),
        workspace_(std::move(workspace)),
        adapter_(std::move(adapter)),
        options_(std::move(options)) {}

  const CommandContext& context_;
  const Workspace workspace_;
  const LoadedAdapter adapter_;
  const ResolvedOptions options_;
};

// The document at `file`, which a plan has written.
Result<Json> read_answer(const std::filesystem::path& file);

}  // namespace osiris

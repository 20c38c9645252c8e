// What a run sends to others beside its session: telemetry while it goes on, and once it has ended its hooks and the
// summary that GitHub shows. None of it can fail the run: what goes wrong is a warning.
#pragma once

#include <memory>

#include "host/commands/context.h"
#include "host/project/hook.h"
#include "host/project/project.h"
#include "host/run/masking.h"
#include "host/run/report.h"
#include "host/run/run_log.h"
#include "host/telemetry/run_telemetry.h"

namespace osiris {

class RunOutlets {
 public:
  // All must outlive the object; `log` is not open yet.
  RunOutlets(const CommandContext& context, RunLog& log, Masking& masking)
      : context_(context), log_(log), masking_(masking) {}
  ~RunOutlets() { log_.watch = nullptr; }

  // Reads what the project and the environment ask for. The error is of an osiris.yaml that asks for some of it and
  // that another user could have written.
  Status open(const Project& project, int64_t started_unix_ns);
  // Begins to send; signals are blocked in this thread.
  void start();
  // What the worker is told of the trace.
  void tell_worker(Json& settings) const;
  // After everything else of the run, its report to the user too. `own`: the pipeline's hooks, after the project's.
  void run_ended(const RunReport& report, const Hooks& own);

 private:
  void run_hooks(const RunReport& report, const Hooks& own);
  void add_job_summary(const RunReport& report) const;
  void warn(const std::string& text) const;
  std::filesystem::path http_program() const;

  const CommandContext& context_;
  RunLog& log_;
  Masking& masking_;
  Hooks hooks_;
  std::unique_ptr<RunTelemetry> telemetry_;  // null: nothing is sent
};

}  // namespace osiris

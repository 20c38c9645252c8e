#include "host/run/unrecorded_run.h"

#include "host/project/run_index.h"
#include "host/run/output_proof.h"
#include "protocol/base/clock.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

// A session's directory, gone with this.
class SessionDirectory {
 public:
  explicit SessionDirectory(fs::path path) : path_(std::move(path)) {}
  SessionDirectory(const SessionDirectory&) = delete;
  SessionDirectory& operator=(const SessionDirectory&) = delete;
  ~SessionDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  const fs::path path_;
};

Status write_configs(const Plan& plan, const fs::path& directory) {
  OSIRIS_TRY(make_directories(directory / "cfg"));
  for (const PlanStep& step : plan.steps)
    OSIRIS_TRY(write_file_atomically(directory / step.cfg_path, step.cfg.dump_canonical()));
  return {};
}

}  // namespace

UnrecordedRun::UnrecordedRun(RunMeans means)
    : means_(std::move(means)),
      log_(system_clock(), masking_),
      tally_(system_clock()),
      adapter_run_(log_, masking_, tally_, system_clock()) {}

Result<StagesResult> UnrecordedRun::run(const AdapterInputs& plan, const std::string& purpose,
                                        int64_t deadline_monotonic_ns) {
  const std::string id = purpose + "-" + make_ulid(system_clock().unix_ns());
  const SessionDirectory directory(means_.project.sessions_dir() / id);
  OSIRIS_TRY(write_configs(plan.plan, directory.path()));
  OSIRIS_TRY(adapter_run_.lend(plan, means_));
  AdapterRequest request = request_for(plan, id, means_.settings, means_.work_dir, means_.worker);
  request.compiled_dir = request.session_dir = directory.path();
  request.deadline_monotonic_ns = deadline_monotonic_ns;
  // So that a sandbox of it is a leftover if osiris dies; without it its lease ends it.
  auto alive = means_.user_state.begin(id);
  StagesResult result = run_stages(plan, std::move(request));
  const ExitCode code = result.error ? exit_code_for(*result.error, result.source) : ExitCode::kOk;
  if (alive.ok() && owns_remote_resources(*means_.adapter.type) &&
      may_hold(adapter_run_.resources(), code, result.error))
    alive->leave();
  return result;
}

StagesResult UnrecordedRun::run_stages(const AdapterInputs& plan, AdapterRequest request) {
  adapter_run_.accepted = accepted;
  StagesResult result = adapter_run_.run(means_, std::move(request));
  const std::vector<PlannedOutput> outputs = planned_outputs(plan.plan);
  if (result.error || outputs.empty()) return result;
  if (const Status proved = prove_outputs(outputs, tally_.steps(), result.outputs()); !proved.ok())
    result.error = proved.error().within("adapter " + std::string(means_.adapter.id()));
  return result;
}

std::string UnrecordedRun::unreleased_text() const {
  return describe_unreleased(adapter_run_.resources().unreleased(), means_.adapter.id());
}

}  // namespace osiris

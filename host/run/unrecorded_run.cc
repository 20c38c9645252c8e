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

UnrecordedRun::UnrecordedRun(UnrecordedRunInputs inputs)
    : inputs_(std::move(inputs)),
      log_(system_clock(), masking_),
      tally_(system_clock()),
      adapter_run_(log_, masking_, tally_, system_clock()) {}

Result<StagesResult> UnrecordedRun::run(const AdapterInputs& plan, const std::string& purpose,
                                        int64_t deadline_monotonic_ns) {
  const std::string id = purpose + "-" + make_ulid(system_clock().unix_ns());
  const SessionDirectory directory(inputs_.project.sessions_dir() / id);
  OSIRIS_TRY(write_configs(plan.plan, directory.path()));
  OSIRIS_TRY(adapter_run_.lend(plan, inputs_.connections, inputs_.environment, inputs_.adapter, inputs_.options));
  AdapterRequest request = request_for(plan, id, inputs_.settings, inputs_.work_dir, inputs_.worker);
  request.compiled_dir = request.session_dir = directory.path();
  request.deadline_monotonic_ns = deadline_monotonic_ns;
  // So that a sandbox of it is a leftover if osiris dies; without it its lease ends it.
  auto alive = inputs_.user_state.begin(id);
  StagesResult result = run_stages(plan, std::move(request));
  if (alive.ok() && result.error) alive->leave();
  return result;
}

StagesResult UnrecordedRun::run_stages(const AdapterInputs& plan, AdapterRequest request) {
  adapter_run_.accepted = accepted;
  StagesResult result = adapter_run_.run(inputs_.adapter, inputs_.options, std::move(request));
  for (const Json& resource : result.artifacts["released"].items())
    if (resource["kept"].as_bool())
      adapter_run_.resources().keep(resource["kind"].as_string(), resource["id"].as_string());
  const std::vector<PlannedOutput> outputs = planned_outputs(plan.plan);
  if (result.error || outputs.empty()) return result;
  std::vector<Artifact> reported;
  for (const Json& file : result.artifacts["files"].items()) reported.push_back(reported_artifact(file));
  if (const Status proved = prove_outputs(outputs, tally_.steps(), reported); !proved.ok())
    result.error = proved.error().within("adapter " + std::string(inputs_.adapter.id()));
  return result;
}

std::string UnrecordedRun::unreleased_text() const {
  return describe_unreleased(adapter_run_.resources().unreleased(), inputs_.adapter.id());
}

}  // namespace osiris

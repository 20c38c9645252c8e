#include "host/commands/run_outlets.h"

#include <errno.h>
#include <fcntl.h>

#include "host/commands/version.h"
#include "host/display/format.h"
#include "host/hooks/hook_runner.h"
#include "host/http/client.h"
#include "host/installation/installation.h"
#include "host/project/file_trust.h"
#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

constexpr int kHookDocumentVersion = 1;

HookDocument hook_document(const RunReport& report, const Masking& masking) {
  HookDocument document;
  document.event = report.verdict.ok ? "on_success" : "on_failure";
  document.run_id = report.run_id;
  document.pipeline = report.pipeline_id;
  document.outcome = std::string(outcome_name(report.verdict.exit_code));
  Json text = Json::object({{"version", kHookDocumentVersion},
                            {"event", document.event},
                            {"pipeline", report.pipeline_id},
                            {"profile", report.profile},
                            {"started_at", report.started_at}});
  const Json result = result_document(report, masking);
  for (const auto& [key, value] : result.members())
    if (!text.contains(key)) text.members().emplace_back(key, value);
  document.text = text.dump() + "\n";
  return document;
}

Status append_to_file(const std::filesystem::path& path, std::string_view text) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  if (!file.is_open() || !write_all(file.get(), text)) return errno_error(errno, "cannot append to", path);
  return {};
}

}  // namespace

Status RunOutlets::open(const Project& project, int64_t started_unix_ns) {
  const TelemetryConfig& config = project.config().telemetry;
  hooks_ = project.config().hooks;
  if (!hooks_.empty() || !config.endpoint.empty())
    OSIRIS_TRY(check_writers(project.directory() / "osiris.yaml", "project file"));
  TelemetrySettings settings =
      telemetry_settings(config, context_.environment, context_.process_environment, kVersion, masking_);
  for (const std::string& warning : settings.warnings) warn(warning);
  if (!settings.is_on()) return {};
  settings.http.program = http_program();
  telemetry_ = std::make_unique<RunTelemetry>(std::move(settings), std::string(kVersion), started_unix_ns);
  log_.watch = [this](const WrittenRecord& record) { telemetry_->on_record(record); };
  return {};
}

void RunOutlets::start() {
  if (telemetry_) telemetry_->start();
}

void RunOutlets::tell_worker(Json& settings) const {
  if (telemetry_) telemetry_->tell_worker(settings);
}

void RunOutlets::run_ended(const RunReport& report, const Hooks& own) {
  add_job_summary(report);
  run_hooks(report, own);
  if (!telemetry_) return;
  if (const std::string warning = telemetry_->finish(system_clock().unix_ns()); !warning.empty()) warn(warning);
}

void RunOutlets::run_hooks(const RunReport& report, const Hooks& own) {
  std::vector<Hook> hooks = report.verdict.ok ? hooks_.on_success : hooks_.on_failure;
  const std::vector<Hook>& more = report.verdict.ok ? own.on_success : own.on_failure;
  hooks.insert(hooks.end(), more.begin(), more.end());
  if (hooks.empty()) return;
  const HookDocument document = hook_document(report, masking_);
  std::vector<std::pair<std::string, std::string>> variables;
  if (telemetry_) variables.emplace_back("TRACEPARENT", telemetry_->traceparent());
  HookRunner runner(context_.environment, context_.place.directory, http_program(), masking_, std::move(variables));
  for (const Hook& hook : hooks) {
    const Status done = runner.run(hook, document);
    if (!done.ok()) warn(done.error().message + (done.error().hint.empty() ? "" : " (" + done.error().hint + ")"));
  }
}

// The page of a job in GitHub Actions shows what its steps append to this file.
void RunOutlets::add_job_summary(const RunReport& report) const {
  const auto file = context_.process_environment.get_filled("GITHUB_STEP_SUMMARY");
  if (!file || context_.process_environment.get("GITHUB_ACTIONS") != "true") return;
  const Status written = append_to_file(*file, printable(run_card(report, masking_), true) + "\n");
  if (!written.ok()) warn("GITHUB_STEP_SUMMARY: " + written.error().message);
}

std::filesystem::path RunOutlets::http_program() const {
  return http::client_program(installed_library_directory(context_.executable_directory));
}

void RunOutlets::warn(const std::string& text) const {
  const std::string masked = masking_.text(text);
  log_.log(LogLevel::kWarning, "osiris.run", masked);
  print_warning(context_, printable(masked));
}

}  // namespace osiris

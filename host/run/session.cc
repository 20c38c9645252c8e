#include "host/run/session.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "host/compat/pyyaml_emitter.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLockName = "run.lock";

Result<FileLock> take_lock(const fs::path& file) {
  OSIRIS_ASSIGN(std::optional<FileLock> lock, FileLock::try_take(file));
  if (!lock) return errno_error(EWOULDBLOCK, "cannot lock", file);
  return *std::move(lock);
}

// The build's file under a second name, where the file system has such; its bytes. The build replaces its files and
// never writes into one.
Result<std::string> link_or_copy(const fs::path& built, const fs::path& file) {
  if (::link(built.c_str(), file.c_str()) == 0) return read_file(file);
  OSIRIS_ASSIGN(std::string bytes, read_file(built));
  OSIRIS_TRY(write_file_atomically(file, bytes));
  return bytes;
}

}  // namespace

Result<std::unique_ptr<Session>> Session::open(const Project& project, const SessionOptions& options, RunLog& log,
                                               const Clock& clock) {
  std::unique_ptr<Session> self(new Session(project, log, clock));
  self->started_ = options.started;
  RunRecord& record = self->record_;
  OSIRIS_ASSIGN(record.run_id, make_run_id(project.config().run_id_format, options.pipeline_id, self->index_, clock));

  NameTokens tokens = options.tokens;
  tokens.run_id = record.run_id;
  tokens.run_ts = project.format_run_ts(options.started.unix_ns);
  self->directory_ = project.run_dir(tokens);
  self->aiop_directory_ = project.aiop_dir(tokens);
  OSIRIS_TRY(make_directories(self->directory_.parent_path()));
  // Ids are unique, but a naming template of the user's may leave them out: never write into another run's directory.
  fs::path free = self->directory_;
  for (int n = 2; ::mkdir(free.c_str(), 0755) != 0; ++n) {
    if (errno != EEXIST || n > 1000) return errno_error(errno, "cannot create the run directory", free);
    free = self->directory_.string() + "-" + std::to_string(n);
  }
  self->directory_ = free;
  OSIRIS_TRY(make_directories(self->artifacts()));
  OSIRIS_ASSIGN(self->lock_, take_lock(lock_of(self->directory_)));
  record.pipeline_slug = options.pipeline_id;
  record.profile = tokens.profile;
  record.manifest_hash = tokens.manifest_hash;
  record.manifest_short = tokens.manifest_short;
  record.run_ts = format_iso8601_micros(options.started.unix_ns);
  record.status = "running";
  record.run_logs_path = self->directory_.string();
  record.aiop_path = self->aiop_directory_.string();
  record.build_manifest_path = options.build_manifest.string();
  record.runtime_env = options.adapter;
  record.extra.set("pid", int64_t{::getpid()});
  OSIRIS_TRY(self->index_.append(record));
  if (const Status opened = log.open(self->directory_, record.run_id, options.debug); !opened.ok()) {
    record.status = "failed";
    static_cast<void>(self->index_.append(record));  // the first failure is the one to report
    return opened.error();
  }
  log.event("run_start", Json::object({{"session_id", record.run_id},
                                       {"session_dir", self->directory_.string()},
                                       {"fallback_used", Json(false)}}));
  log.log(LogLevel::kInfo, "osiris.session", "run " + record.run_id + " in " + self->directory_.string());
  return self;
}

Status Session::materialize(const CompiledPipeline& pipeline) {
  Json manifest = pipeline.manifest;
  if (!manifest.contains("metadata")) manifest.set("metadata", Json::object());
  manifest.find("metadata")->set("source_manifest_path", (pipeline.compiled_dir / "manifest.yaml").string());
  const std::string text = emit_yaml(manifest);
  OSIRIS_TRY(write_file_atomically(directory_ / "manifest.yaml", text));
  log_.event("manifest_materialized",
             Json::object({{"path", "manifest.yaml"}, {"size", uint64_t{text.size()}}, {"sha256", sha256_hex(text)}}));
  OSIRIS_TRY(make_directories(directory_ / "cfg"));
  for (const CompiledStep& step : pipeline.steps) {
    OSIRIS_ASSIGN(const std::string cfg,
                  link_or_copy(pipeline.compiled_dir / step.cfg_path, directory_ / step.cfg_path));
    log_.event(
        "cfg_materialized",
        Json::object({{"path", step.cfg_path}, {"size_bytes", uint64_t{cfg.size()}}, {"sha256", sha256_hex(cfg)}}));
  }
  return {};
}

Status Session::write_artifact_index(const std::vector<Artifact>& outputs) {
  std::vector<fs::path> files;
  std::error_code code;
  for (fs::recursive_directory_iterator at(artifacts(), code), end; !code && at != end; at.increment(code))
    if (at->is_regular_file(code) && !at->is_symlink(code)) files.push_back(at->path());
  std::sort(files.begin(), files.end());
  Json list = Json::array();
  for (const fs::path& file : files) {
    OSIRIS_ASSIGN(const FileDigest digest, sha256_file(file));
    list.push_back(Json::object({{"path", file.lexically_relative(directory_).string()},
                                 {"size_bytes", digest.size_bytes},
                                 {"sha256", digest.sha256}}));
  }
  const Json index = Json::object(
      {{"version", 1}, {"run_id", record_.run_id}, {"outputs", to_json(outputs)}, {"artifacts", std::move(list)}});
  return write_file_atomically(directory_ / "artifacts.json", index.dump() + "\n");
}

Status Session::write_status(const Json& document) {
  return write_file_atomically(directory_ / "status.json", document.dump_pretty() + "\n");
}

Status Session::finish(std::string_view outcome, ExitCode code, uint64_t total_rows) {
  const int64_t now = clock_.unix_ns();
  const double seconds = started_.seconds_until_now(clock_);
  record_.status = std::string(outcome);
  record_.duration_ms = static_cast<int64_t>(seconds * 1e3);
  record_.extra.set("exit_code", static_cast<int>(code));
  record_.extra.set("total_rows", total_rows);
  const Status recorded = index_.append(record_);
  if (recorded.ok())
    log_.event("run_index_updated", Json::object({{"run_id", record_.run_id}}));
  else
    log_.event("run_index_error", Json::object({{"error", recorded.error().message}}));
  log_.metric("session_duration_seconds", seconds, Json::object({{"unit", "seconds"}}));
  log_.event(
      "run_end",
      Json::object({{"status", outcome}, {"duration_seconds", seconds}, {"end_time", format_iso8601_micros(now)}}));
  ::unlink(lock_of(directory_).c_str());
  lock_.give_back();
  return recorded;
}

fs::path lock_of(const fs::path& session) { return session / kLockName; }

bool is_held(const fs::path& session) { return FileLock::is_held(lock_of(session)); }

std::string current_status(const RunRecord& record) {
  if (record.status != "running") return record.status;
  return is_held(record.run_logs_path) ? "running" : "interrupted";
}

}  // namespace osiris

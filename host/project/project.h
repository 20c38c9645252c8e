// A project: osiris.yaml, and where its parts are on disk (Python Osiris's "filesystem contract v1").
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/project/environment.h"
#include "host/project/hook.h"
#include "host/project/project_place.h"
#include "host/project/telemetry_config.h"
#include "host/yaml/diagnostic.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

// What `osiris clean` leaves: filesystem.retention. Python Osiris' keys and defaults, and one of our own.
struct Retention {
  std::optional<uint64_t> max_bytes;  // of all sessions and summaries together; runs that end keep to it, too
  int run_logs_days = 7;
  int aiop_keep_runs_per_pipeline = 200;
  int annex_keep_days = 14;
};

// osiris.yaml with its defaults filled in. Paths are as written; Project makes them absolute.
struct ProjectConfig {
  std::string base_path;
  bool profiles_enabled = true;
  std::vector<std::string> profile_values = {"dev", "staging", "prod", "ml", "finance", "incident_debug"};
  std::string profile_default = "dev";
  std::string pipelines_dir = "pipelines", build_dir = "build", aiop_dir = "aiop", run_logs_dir = "run_logs";
  std::string sessions_dir = ".osiris/sessions", cache_dir = ".osiris/cache", index_dir = ".osiris/index";
  std::string manifest_dir = "{pipeline_slug}/{manifest_short}-{manifest_hash}";
  std::string run_dir = "{pipeline_slug}/{run_ts}_{run_id}-{manifest_short}";
  std::string aiop_run_dir = "{run_id}";
  std::string run_ts_format = "iso_basic_z";
  int manifest_short_len = 7;
  uint64_t cache_bytes_max = uint64_t{2} << 30;  // cache.max_bytes: of kept outputs
  bool write_report = false;                     // report: a page of each run, in its session
  bool write_plan = true, write_fingerprints = true, write_run_summary = true;
  std::vector<std::string> run_id_format = {"incremental", "ulid"};
  Retention retention;
  TelemetryConfig telemetry;
  Hooks hooks;                                // after every run of the project
  Json adapters = Json::object();             // adapters.<id>.<option>: what the user set for adapters
  std::map<std::string, Mark> adapter_marks;  // where: of "<id>" and of "<id>.<option>", spelled as in the file
};

// Values for the tokens of naming templates; run_ts is already formatted.
struct NameTokens {
  std::string pipeline_slug, profile, manifest_hash, manifest_short, run_id, run_ts, status, branch, user, tags;
};

class Project {
 public:
  // Reads osiris.yaml (defaults when there is none) and applies OSIRIS_PROFILE, OSIRIS_FILESYSTEM_BASE,
  // OSIRIS_RUN_ID_FORMAT and OSIRIS_RETENTION_<KEY>. Wrong values are errors in `diagnostics` (type config_error),
  // unknown keys and those without effect warnings.
  static Project load(const ProjectPlace& place, const Environment& environment, Diagnostics& diagnostics);

  const ProjectConfig& config() const { return config_; }
  bool has_file() const { return has_file_; }
  bool is_project() const { return is_project_; }  // else records go to the user's state directory
  const std::filesystem::path& directory() const { return directory_; }  // where osiris.yaml is looked for; absolute
  const std::filesystem::path& base() const { return base_; }            // absolute

  // Where osiris.yaml sets an option of an adapter (`key` as written there), else where it speaks of the adapter.
  Mark adapter_mark(const std::string& adapter, const std::string& key) const;

  // The profile to use: `requested`, else the default; empty when profiles are off.
  std::string profile_or_default(std::string_view requested) const;

  std::filesystem::path build_root(std::string_view profile) const;  // build/pipelines/[<profile>]
  std::filesystem::path manifest_dir(const NameTokens& tokens) const;
  std::filesystem::path run_dir(const NameTokens& tokens) const;  // run_logs/[<profile>]/...
  std::filesystem::path run_logs_root() const;
  std::filesystem::path aiop_root() const;
  std::filesystem::path aiop_dir(const NameTokens& tokens) const;
  std::filesystem::path index_dir() const;
  std::filesystem::path sessions_dir() const;
  std::filesystem::path cache_dir() const;
  std::filesystem::path state_dir(std::string_view profile) const;  // .osiris/state/[<profile>]
  // The start of a run as `naming.run_ts_format` says: iso_basic_z, epoch_ms, none, or an strftime pattern (UTC).
  std::string format_run_ts(int64_t unix_ns) const;

 private:
  ProjectConfig config_;
  std::filesystem::path directory_;
  std::filesystem::path base_;
  bool has_file_ = false, is_project_ = true;
};

// An error of reading or writing what osiris keeps itself, in places it has chosen: builds, sessions, indexes. A
// missing permission is then no wrong input of the user's but a machine that does not let osiris work.
Error of_own_files(Error error);

// Lower-case; blanks and '_' become '-'; everything else outside [a-z0-9-_] is dropped; repeats collapse; ends trimmed.
std::string slugify(std::string_view text);
// Fills {tokens}; each value is slugified first. Unknown tokens vanish; "//", "--" and "__" collapse.
std::string render_name(std::string_view pattern, const NameTokens& tokens);

}  // namespace osiris

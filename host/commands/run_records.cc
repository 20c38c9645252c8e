#include "host/commands/run_records.h"

#include <algorithm>

#include "host/run/session.h"
#include "protocol/base/clock.h"
#include "protocol/base/quantity.h"

namespace osiris {
namespace {

Result<int64_t> parse_since(const std::string& text) {
  const auto seconds = parse_duration_s(text);
  // A number alone would be read as a date or a count of runs.
  const bool has_unit = !text.empty() && !(text.back() >= '0' && text.back() <= '9');
  if (!seconds || !has_unit || *seconds > 1e10)
    return Error(Code::kInvalidArgument, "--since does not understand '" + text + "'", "write 7d, 24h, 30m or 10s");
  return static_cast<int64_t>(*seconds);
}

Result<std::vector<RunRecord>> all_runs(const CommandContext& context) {
  Diagnostics diagnostics("osiris.yaml");
  const Project project = Project::load(context.cwd, context.environment, diagnostics);
  if (!diagnostics.ok()) return diagnostics.to_error();
  const RunIndex index(project.index_dir());
  OSIRIS_ASSIGN(std::vector<RunRecord> records, index.read());
  bool any_interrupted = false;
  for (const RunRecord& record : records) any_interrupted = any_interrupted || current_status(record) == "interrupted";
  // A run may have ended between the reading of its record and the look at its lock: then its last record is there now.
  if (any_interrupted) {
    OSIRIS_ASSIGN(records, index.read());
  }
  for (RunRecord& record : records) record.status = current_status(record);
  std::reverse(records.begin(), records.end());
  return records;
}

}  // namespace

Result<std::vector<RunRecord>> read_runs(const CommandContext& context, const RunFilter& filter) {
  std::string oldest;
  if (!filter.since.empty()) {
    OSIRIS_ASSIGN(const int64_t seconds, parse_since(filter.since));
    oldest = format_iso8601_micros(system_clock().unix_ns() - seconds * 1'000'000'000);
  }
  OSIRIS_ASSIGN(std::vector<RunRecord> records, all_runs(context));
  std::erase_if(records, [&](const RunRecord& record) {
    return (!filter.pipeline.empty() && record.pipeline_slug != filter.pipeline &&
            slugify(record.pipeline_slug) != filter.pipeline) ||
           (!filter.profile.empty() && record.profile != filter.profile) ||
           (!filter.status.empty() && record.status != filter.status) || record.run_ts < oldest;
  });
  if (filter.limit && records.size() > filter.limit) records.resize(filter.limit);
  return records;
}

Result<RunRecord> find_run(const CommandContext& context, const std::string& name) {
  OSIRIS_ASSIGN(const std::vector<RunRecord> records, all_runs(context));
  std::vector<const RunRecord*> found;
  const std::string directory = std::filesystem::path(name).lexically_normal().filename().string();
  for (const RunRecord& record : records) {
    if (record.run_id == name || std::filesystem::path(record.run_logs_path).filename() == directory) return record;
    if (!name.empty() && (record.run_id.starts_with(name) || record.run_id.ends_with(name))) found.push_back(&record);
  }
  if (found.size() == 1) return *found.front();
  if (found.empty()) return Error(Code::kNotFound, "there is no run '" + name + "'", "osiris runs list shows all");
  return Error(Code::kInvalidArgument, "'" + name + "' names " + std::to_string(found.size()) + " runs",
               "write more of the id");
}

}  // namespace osiris

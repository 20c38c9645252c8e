#include "host/commands/run_records.h"

#include <algorithm>
#include <charconv>

#include "host/run/session.h"
#include "protocol/base/clock.h"

namespace osiris {
namespace {

Result<int64_t> parse_since(const std::string& text) {
  int64_t amount = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, amount);
  const std::string_view unit(at, static_cast<size_t>(end - at));
  int64_t seconds = 0;
  if (unit == "d")
    seconds = 86'400;
  else if (unit == "h")
    seconds = 3'600;
  else if (unit == "m")
    seconds = 60;
  else if (unit == "s")
    seconds = 1;
  if (error != std::errc() || seconds == 0 || amount < 0 || amount > 100'000'000)
    return Error(Code::kInvalidArgument, "--since does not understand '" + text + "'", "write 7d, 24h, 30m or 10s");
  return amount * seconds;
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
    return (!filter.pipeline.empty() && record.pipeline_slug != filter.pipeline && slugify(record.pipeline_slug) != filter.pipeline) ||
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
  return Error(Code::kInvalidArgument, "'" + name + "' names " + std::to_string(found.size()) + " runs", "write more of the id");
}

}  // namespace osiris

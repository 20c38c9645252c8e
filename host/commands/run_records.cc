#include "host/commands/run_records.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "host/run/session.h"
#include "protocol/base/clock.h"
#include "protocol/base/quantity.h"
#include "protocol/base/text.h"

namespace osiris {

Result<std::string> time_before(const std::string& text, const char* flag) {
  const auto seconds = parse_duration_s(text);
  // A number alone would be read as a date or a count of runs.
  const bool has_unit = !text.empty() && !(text.back() >= '0' && text.back() <= '9');
  if (!seconds || !has_unit || *seconds > 1e10)
    return Error(Code::kInvalidArgument, std::string(flag) + " does not understand '" + text + "'",
                 "write 7d, 24h, 30m or 10s");
  return format_iso8601_micros(system_clock().unix_ns() - static_cast<int64_t>(*seconds) * 1'000'000'000);
}

namespace {

// The `count` newest, newest first; 0: all.
Result<std::vector<RunRecord>> newest_runs(const CommandContext& context, size_t count) {
  Diagnostics diagnostics("osiris.yaml");
  const Project project = Project::load(context.place, context.environment, diagnostics);
  if (!diagnostics.ok()) return diagnostics.to_error();
  const RunIndex index(project.index_dir());
  const auto read = [&] { return count ? index.read_newest(count) : index.read(); };
  OSIRIS_ASSIGN(std::vector<RunRecord> records, read());
  bool any_interrupted = false;
  for (const RunRecord& record : records) any_interrupted = any_interrupted || current_status(record) == "interrupted";
  // A run may have ended between the reading of its record and the look at its lock: then its last record is there now.
  if (any_interrupted) {
    OSIRIS_ASSIGN(records, read());
  }
  for (RunRecord& record : records) record.status = current_status(record);
  std::reverse(records.begin(), records.end());
  return records;
}

// "2", "000002" and "run-000002" are 2.
std::optional<uint64_t> number_of(std::string_view text) {
  if (text.starts_with("run-")) text.remove_prefix(4);
  uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// 2 of "run-000002_01M83EVF9CT33H60A2B59753JP".
std::optional<uint64_t> number_in(std::string_view run_id) {
  return run_id.starts_with("run-") ? number_of(run_id.substr(0, run_id.find('_'))) : std::nullopt;
}

// By "2", or, since every pipeline counts its own runs, "<pipeline>/2".
std::vector<const RunRecord*> with_number(const std::vector<RunRecord>& records, std::string_view name) {
  const size_t slash = name.rfind('/');
  const std::string_view pipeline = slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
  const auto number = number_of(slash == std::string_view::npos ? name : name.substr(slash + 1));
  std::vector<const RunRecord*> found;
  for (const RunRecord& record : records)
    if (number && number_in(record.run_id) == number && (pipeline.empty() || record.pipeline_slug == pipeline))
      found.push_back(&record);
  return found;
}

// By the beginning or the end of the id, as the id is written or as directories spell it.
std::vector<const RunRecord*> with_part(const std::vector<RunRecord>& records, std::string_view part) {
  const std::string wanted = slugify(part);
  std::vector<const RunRecord*> found;
  for (const RunRecord& record : records) {
    const std::string id = slugify(record.run_id);
    if (!wanted.empty() && (id.starts_with(wanted) || id.ends_with(wanted))) found.push_back(&record);
  }
  return found;
}

}  // namespace

Result<std::vector<RunRecord>> read_runs(const CommandContext& context, const RunFilter& filter) {
  std::string oldest;
  if (!filter.since.empty()) {
    OSIRIS_ASSIGN(oldest, time_before(filter.since, "--since"));
  }
  const bool takes_all = filter.pipeline.empty() && filter.profile.empty() && filter.status.empty() && oldest.empty();
  OSIRIS_ASSIGN(std::vector<RunRecord> records, newest_runs(context, takes_all ? filter.limit : 0));
  std::erase_if(records, [&](const RunRecord& record) {
    return (!filter.pipeline.empty() && record.pipeline_slug != filter.pipeline &&
            slugify(record.pipeline_slug) != filter.pipeline) ||
           (!filter.profile.empty() && record.profile != filter.profile) ||
           (!filter.status.empty() && record.status != filter.status) || record.run_ts < oldest;
  });
  if (filter.limit && records.size() > filter.limit) records.resize(filter.limit);
  return records;
}

Result<RunRecord> newest_run(const CommandContext& context) {
  OSIRIS_ASSIGN(const std::vector<RunRecord> records, read_runs(context, {"", "", "", "", 1}));
  if (!records.empty()) return records.front();
  return Error(Code::kNotFound,
               context.place.is_project ? "nothing has run in this project yet"
                                        : "nothing has run outside a project yet, and this directory is in none",
               "osiris run FILE");
}

Result<RunRecord> find_run(const CommandContext& context, const std::string& name) {
  OSIRIS_ASSIGN(const std::vector<RunRecord> records, newest_runs(context, 0));
  const std::string directory = std::filesystem::path(name).lexically_normal().filename().string();
  for (const RunRecord& record : records)
    if (record.run_id == name || std::filesystem::path(record.run_logs_path).filename() == directory) return record;
  std::vector<const RunRecord*> found = with_number(records, name);
  // A number is a run's number: the random end of another run's id may happen to be that digit.
  if (found.empty() && !number_of(name)) found = with_part(records, name);
  if (found.size() == 1) return *found.front();
  if (found.empty()) return Error(Code::kNotFound, "there is no run '" + name + "'", "osiris runs list shows all");
  constexpr size_t kNamedMax = 5;
  std::vector<std::string> others;
  for (size_t i = 0; i < found.size() && i < kNamedMax; ++i) {
    const auto number = number_in(found[i]->run_id);
    const std::string short_form = number ? found[i]->pipeline_slug + "/" + std::to_string(*number) : "";
    const bool is_enough = number && with_number(records, short_form).size() == 1;
    others.push_back(is_enough ? short_form : found[i]->run_id);
  }
  return Error(Code::kInvalidArgument, "'" + name + "' names " + std::to_string(found.size()) + " runs",
               "say which: " + join(others, ", ") + (found.size() > kNamedMax ? ", ..." : ""));
}

}  // namespace osiris

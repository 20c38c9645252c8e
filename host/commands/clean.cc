// osiris clean: removes the records that filesystem.retention lets go, and says what it keeps and why.
#include "host/commands/clean.h"

#include <map>
#include <set>

#include "host/commands/commands.h"
#include "host/commands/run_records.h"
#include "host/display/format.h"
#include "host/run/prune.h"
#include "host/run/retention.h"

namespace osiris {
namespace {

struct Options {
  bool dry_run = false;
};

void add_options(CLI::App& command, Options& options) {
  command.add_flag("--dry-run", options.dry_run, "show what would be removed; remove nothing");
}

Json document(const CleanReport& report, bool dry_run) {
  Json removed = Json::array(), kept = Json::array(), failures = Json::array();
  uint64_t freed_bytes = 0;
  for (const RemovedRecord& record : report.removed) {
    freed_bytes += record.size_bytes;
    removed.push_back(Json::object({{"kind", record_noun(record.kind)},
                                    {"path", record.path.string()},
                                    {"size_bytes", record.size_bytes},
                                    {"age_days", record.age_days}}));
  }
  for (const RetainedRecord& record : report.kept)
    kept.push_back(
        Json::object({{"kind", record_noun(record.kind)}, {"path", record.path.string()}, {"reason", record.reason}}));
  for (const Error& failure : report.failures) failures.push_back(failure.message);
  return Json::object({{"status", report.failures.empty() ? "success" : "error"},
                       {"dry_run", Json(dry_run)},
                       {"removed", std::move(removed)},
                       {"freed_bytes", freed_bytes},
                       {"runs", uint64_t{report.runs}},
                       {"kept", std::move(kept)},
                       {"failures", std::move(failures)}});
}

std::string noun(RecordKind kind, size_t count) {
  const std::string word(record_noun(kind));
  if (count == 1) return "1 " + word;
  return std::to_string(count) + " " +
         (kind == RecordKind::kSummary ? "summaries" : word + (kind == RecordKind::kAnnex ? "es" : "s"));
}

std::string text(const Project& project, const CleanReport& report, bool dry_run) {
  std::string out;
  uint64_t freed_bytes = 0;
  for (const RemovedRecord& record : report.removed) {
    freed_bytes += record.size_bytes;
    const int64_t days = static_cast<int64_t>(record.age_days);
    out += std::string(dry_run ? "would remove " : "removed ") + std::string(record_noun(record.kind)) + " " +
           printable(record.path.lexically_relative(project.base()).string()) + "  (" +
           counted(static_cast<uint64_t>(days < 0 ? 0 : days), "day") + " old, " + format_bytes(record.size_bytes) +
           ")\n";
  }
  out += report.removed.empty() ? "Nothing to remove in "
         : dry_run              ? "Would free " + format_bytes(freed_bytes) + " in "
                                : "Freed " + format_bytes(freed_bytes) + " in ";
  out += printable(project.base().string()) + "\n";
  std::map<std::pair<RecordKind, std::string>, size_t> reasons;
  for (const RetainedRecord& record : report.kept) ++reasons[{record.kind, record.reason}];
  for (const auto& [what, count] : reasons)
    out += "Kept " + noun(what.first, count) + ": " + printable(what.second) + "\n";
  return out;
}

// Whole runs beyond filesystem.retention.max_bytes.
Result<CleanReport> remove_beyond_max_bytes(const CommandContext& context, const Project& project,
                                            const std::string& spared_run, bool dry_run) {
  PruneLimits limits;
  limits.size_bytes = project.config().retention.max_bytes;
  limits.spared_run = spared_run;
  OSIRIS_ASSIGN(const std::vector<RunRecord> runs, read_runs(context, {}));
  return prune_runs(project, UserState(context.environment), runs, limits, system_clock(), dry_run);
}

Result<CleanReport> clean(const CommandContext& context, const Project& project, bool dry_run) {
  CleanReport by_size;
  if (project.config().retention.max_bytes) {
    OSIRIS_ASSIGN(by_size, remove_beyond_max_bytes(context, project, "", dry_run));
  }
  OSIRIS_ASSIGN(CleanReport report, clean_records(project, UserState(context.environment), system_clock(), dry_run));
  // A dry run's second look finds what the first one would have removed.
  std::set<std::filesystem::path> gone;
  for (const RemovedRecord& record : by_size.removed) gone.insert(record.path);
  std::erase_if(report.removed, [&](const RemovedRecord& record) { return gone.contains(record.path); });
  std::erase_if(report.kept, [&](const RetainedRecord& record) { return gone.contains(record.path); });
  report.removed.insert(report.removed.begin(), by_size.removed.begin(), by_size.removed.end());
  report.failures.insert(report.failures.begin(), by_size.failures.begin(), by_size.failures.end());
  report.runs += by_size.runs;
  return report;
}

int run(const CommandContext& context, const Options& options) {
  const auto project = load_project(context);
  if (!project.ok()) return fail(context, project.error());
  const auto report = clean(context, *project, options.dry_run);
  if (!report.ok()) return fail(context, of_own_files(report.error()), Json::object(), ErrorSource::kService);
  return print_clean_report(context, *project, *report, options.dry_run);
}

}  // namespace

int print_clean_report(const CommandContext& context, const Project& project, const CleanReport& report, bool dry_run) {
  if (context.json)
    print_json(context, document(report, dry_run));
  else
    print_news(context, text(project, report, dry_run));
  for (const Error& failure : report.failures)
    print_err(context, error_text(context, failure.message, failure.hint, ""));
  return report.failures.empty() ? to_int(ExitCode::kOk)
                                 : to_int(exit_code_for(report.failures.front(), ErrorSource::kService));
}

void keep_to_max_bytes(const CommandContext& context, const Project& project, const std::string& run_id) {
  if (!project.config().retention.max_bytes) return;
  const auto report = remove_beyond_max_bytes(context, project, run_id, false);
  if (!report.ok()) {
    // One that is at work already does the same.
    if (report.error().code != Code::kUnavailable)
      print_warning(context, "older runs were not removed: " + report.error().message);
    return;
  }
  if (report->runs > 0)
    print_news(context, "Removed " + counted(uint64_t{report->runs}, "run") + " (filesystem.retention.max_bytes)\n");
  for (const Error& failure : report->failures) print_warning(context, failure.message);
}

void add_clean_command(const CommandTable& table) {
  table.add<Options>("clean", "Remove old sessions and summaries", {"osiris clean --dry-run"}, add_options, run);
}

}  // namespace osiris

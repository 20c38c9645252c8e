// osiris runs list: what the index knows.
#include <algorithm>

#include "host/commands/clean.h"
#include "host/commands/commands.h"
#include "host/commands/run_records.h"
#include "host/display/format.h"
#include "host/run/prune.h"
#include "host/run/run_cost.h"
#include "protocol/base/clock.h"
#include "protocol/base/quantity.h"

namespace osiris {
namespace {

// The words of outcome_name(), and those of runs without an outcome.
void add_status_option(CLI::App& command, std::string& status) {
  command.add_option("--status", status, "only runs with this status")
      ->check(CLI::IsMember({"success", "failed", "cancelled", "deadline", "running", "interrupted"}));
}

struct Options {
  std::string pipeline, profile, status, since;
  size_t limit = 50;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("--pipeline", options.pipeline, "only runs of this pipeline")->type_name("NAME");
  command.add_option("--profile", options.profile, "only runs with this profile")->type_name("NAME");
  add_status_option(command, options.status);
  command.add_option("--since", options.since, "only runs started in the last 7d, 24h, 30m, 10s")->type_name("TIME");
  command.add_option("--limit", options.limit, "at most this many, newest first; 0: all")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
}

int list(const CommandContext& context, const Options& options) {
  const auto records =
      read_runs(context, {options.pipeline, options.profile, options.status, options.since, options.limit});
  if (!records.ok()) return fail(context, records.error());
  if (context.json) {
    Json out = Json::array();
    for (const RunRecord& record : *records) out.push_back(record.to_json());
    print_json(context, out);
    return to_int(ExitCode::kOk);
  }
  const bool is_filtered = !(options.pipeline + options.profile + options.status + options.since).empty();
  const bool has_cost =
      std::any_of(records->begin(), records->end(), [](const RunRecord& record) { return !cost_of(record).empty(); });
  std::vector<Table::Column> columns = {{"Run ID"}, {"Pipeline"}, {"Profile"},
                                        {"Status"}, {"Started"},  {"Duration", true}};
  if (has_cost) columns.push_back({"Cost", true});
  Table table(std::move(columns));
  for (const RunRecord& record : *records) {
    std::vector<std::string> cells = {
        printable(record.run_id),
        printable(record.pipeline_slug),
        printable(record.profile),
        printable(record.status),
        printable(record.run_ts.substr(0, 19)),
        record.duration_ms ? format_duration(static_cast<double>(record.duration_ms) / 1e3) : ""};
    if (has_cost) cells.push_back(cost_of(record));
    table.row(std::move(cells));
  }
  print_text(context, table.empty() ? (is_filtered ? "No run is like that.\n" : "No runs yet.\n") : table.text());
  return to_int(ExitCode::kOk);
}

struct PruneOptions {
  std::string pipeline, profile, status, older_than, max_size;
  std::optional<size_t> keep;
  bool dry_run = false;
};

void add_prune_options(CLI::App& command, PruneOptions& options) {
  command.add_option("--keep", options.keep, "the newest N runs of each pipeline stay")
      ->type_name("N")
      ->check(CLI::Range(0, 1'000'000));
  command.add_option("--older-than", options.older_than, "runs that started before the last 30d, 24h, 30m, 10s go")
      ->type_name("TIME");
  command.add_option("--max-size", options.max_size, "the newest runs stay, as many as take no more (500MiB, 2GiB)")
      ->type_name("SIZE");
  command.add_option("--pipeline", options.pipeline, "only runs of this pipeline")->type_name("NAME");
  command.add_option("--profile", options.profile, "only runs with this profile")->type_name("NAME");
  add_status_option(command, options.status);
  command.add_flag("--dry-run", options.dry_run, "show what would be removed; remove nothing");
}

Result<PruneLimits> limits_of(const PruneOptions& options) {
  PruneLimits limits;
  limits.keep = options.keep;
  if (!options.older_than.empty()) {
    OSIRIS_ASSIGN(limits.oldest, time_before(options.older_than, "--older-than"));
  }
  if (!options.max_size.empty()) {
    const auto bytes = parse_size_with_unit(options.max_size);
    if (!bytes.ok()) return Error(bytes.error()).within("--max-size " + options.max_size);
    limits.size_bytes = static_cast<uint64_t>(*bytes);
  }
  if (!limits.keep && limits.oldest.empty() && !limits.size_bytes)
    return Error(Code::kInvalidArgument, "runs prune is not told which runs may go",
                 "--keep N, --older-than 30d or --max-size 2GiB; osiris clean goes by filesystem.retention");
  return limits;
}

int prune(const CommandContext& context, const PruneOptions& options) {
  const auto limits = limits_of(options);
  if (!limits.ok()) return fail(context, limits.error());
  const auto project = load_project(context);
  if (!project.ok()) return fail(context, project.error());
  const auto runs = read_runs(context, {options.pipeline, options.profile, options.status, "", 0});
  if (!runs.ok()) return fail(context, runs.error());
  const auto report =
      prune_runs(*project, UserState(context.environment), *runs, *limits, system_clock(), options.dry_run);
  if (!report.ok()) return fail(context, of_own_files(report.error()), Json::object(), ErrorSource::kService);
  return print_clean_report(context, *project, *report, options.dry_run);
}

}  // namespace

void add_runs_commands(const CommandTable& table) {
  CLI::App* runs = table.app.add_subcommand("runs", "What ran");
  runs->require_subcommand(1);
  table.add<Options>("list", "List runs, newest first", {"osiris runs list --status failed --since 7d"}, add_options,
                     list, runs);
  table.add<PruneOptions>("prune", "Remove runs whole: sessions, summaries and their lines of the index",
                          {"osiris runs prune --keep 20 --dry-run",
                           "osiris runs prune --older-than 30d --status failed", "osiris runs prune --max-size 2GiB"},
                          add_prune_options, prune, runs);
}

}  // namespace osiris

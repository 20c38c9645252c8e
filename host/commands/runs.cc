// osiris runs list: what the index knows.
#include "host/commands/commands.h"
#include "host/commands/run_records.h"
#include "host/display/format.h"

namespace osiris {
namespace {

struct Options {
  std::string pipeline, profile, status, since;
  size_t limit = 50;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("--pipeline", options.pipeline, "only runs of this pipeline")->type_name("NAME");
  command.add_option("--profile", options.profile, "only runs with this profile")->type_name("NAME");
  command
      .add_option("--status", options.status,
                  "only runs with this status (success, failed, cancelled, interrupted, ...)")
      ->type_name("STATUS");
  command.add_option("--since", options.since, "only runs started in the last 7d, 24h, 30m, 10s")->type_name("TIME");
  command.add_option("--limit", options.limit, "at most this many, newest first; 0: all")->type_name("N");
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
  Table table({{"Run ID"}, {"Pipeline"}, {"Profile"}, {"Status"}, {"Started"}, {"Duration", true}});
  for (const RunRecord& record : *records)
    table.row({printable(record.run_id), printable(record.pipeline_slug), printable(record.profile),
               printable(record.status), printable(record.run_ts.substr(0, 19)),
               record.duration_ms ? format_duration(static_cast<double>(record.duration_ms) / 1e3) : ""});
  print_text(context, table.empty() ? (is_filtered ? "No run is like that.\n" : "No runs yet.\n") : table.text());
  return to_int(ExitCode::kOk);
}

}  // namespace

void add_runs_commands(const CommandTable& table) {
  CLI::App* runs = table.app.add_subcommand("runs", "What ran");
  runs->require_subcommand(1);
  table.add<Options>("list", "List runs, newest first", {"osiris runs list --status failed --since 7d"}, add_options,
                     list, runs);
}

}  // namespace osiris

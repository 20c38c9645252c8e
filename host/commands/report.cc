// osiris report: the record of a run, or of all runs, as a page for eyes.
#include "host/commands/report.h"

#include "host/commands/commands.h"
#include "host/commands/run_records.h"
#include "host/commands/version.h"
#include "host/display/format.h"
#include "host/pages/run_page.h"
#include "host/pages/runs_page.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string run, file, pipeline, since;
  bool runs = false, no_previews = false;
};

void add_options(CLI::App& command, Options& options) {
  command
      .add_option("run", options.run,
                  "run id, its number, its beginning or end, or the session directory (default: the newest)")
      ->type_name("RUN");
  command.add_option("-o,--output", options.file, "write it there; - is standard output")->type_name("FILE");
  CLI::Option* all = command.add_flag("--runs", options.runs, "a page about all runs instead of one");
  command.add_option("--pipeline", options.pipeline, "with --runs: only of this pipeline")
      ->type_name("NAME")
      ->needs(all);
  command.add_option("--since", options.since, "with --runs: only runs started in the last 7d, 24h, 30m, 10s")
      ->type_name("TIME")
      ->needs(all);
  command.add_flag("--no-previews", options.no_previews, "without rows of the files that the run wrote");
}

// Where the page goes: -o, or `file`.
fs::path target_of(const CommandContext& context, const Options& options, const fs::path& file) {
  return options.file.empty() ? file : context.cwd / options.file;
}

int put(const CommandContext& context, const Options& options, const fs::path& file, const std::string& page,
        Json document) {
  if (options.file == "-") {
    if (context.json)
      return fail(context,
                  Error(Code::kInvalidArgument, "-o - and --json both take standard output", "leave one of them out"));
    print_out(context, page);
    return to_int(ExitCode::kOk);
  }
  Status written = make_directories(file.parent_path());
  if (written.ok()) written = write_file_atomically(file, page);
  if (!written.ok())
    return fail(context, written.error(), Json::object(),
                options.file.empty() ? ErrorSource::kService : ErrorSource::kInput);
  if (context.json) {
    document.set("file", file.string());
    document.set("size_bytes", uint64_t{page.size()});
    print_json(context, document);
  } else {
    print_text(context, printable(file.string()) + "\n");
  }
  return to_int(ExitCode::kOk);
}

int report_runs(const CommandContext& context, const Options& options) {
  if (!options.run.empty())
    return fail(context, Error(Code::kInvalidArgument, "--runs is about all runs, and '" + options.run + "' is one",
                               "osiris report " + options.run + " or osiris report --runs"));
  const auto records = read_runs(context, {options.pipeline, "", "", options.since, 0});
  if (!records.ok()) return fail(context, records.error());
  Diagnostics diagnostics("osiris.yaml");
  const Project project = Project::load(context.place, context.environment, diagnostics);
  const fs::path file = target_of(context, options, project.run_logs_root() / "runs.html");
  const std::string page =
      runs_page(*records, {context.place.directory.filename().string(), file.parent_path(), std::string(kVersion)});
  return put(context, options, file, page, Json::object({{"runs", uint64_t{records->size()}}}));
}

int report(const CommandContext& context, const Options& options) {
  if (options.runs) return report_runs(context, options);
  const auto record = options.run.empty() ? newest_run(context) : find_run(context, options.run);
  if (!record.ok()) return fail(context, record.error());
  const auto history = read_run_history(*record);
  if (!history.ok()) return fail(context, history.error());
  return put(context, options, target_of(context, options, page_of_run(*record)),
             run_page(*history, {!options.no_previews, std::string(kVersion)}),
             Json::object({{"run_id", record->run_id}, {"status", record->status}}));
}

}  // namespace

void write_page_if_asked(const CommandContext& context, const Project& project, const std::string& run_id) {
  if (!project.config().write_report) return;
  const auto write = [&]() -> Status {
    OSIRIS_ASSIGN(const RunRecord record, find_run(context, run_id));
    OSIRIS_ASSIGN(const RunHistory history, read_run_history(record));
    OSIRIS_TRY(write_file_atomically(page_of_run(record), run_page(history, {true, std::string(kVersion)})));
    print_news(context, "Report: " + printable(page_of_run(record).string()) + "\n");
    return {};
  };
  if (const Status written = write(); !written.ok())
    print_warning(context, "the run has no report: " + written.error().message);
}

void add_report_command(const CommandTable& table) {
  table.add<Options>("report", "Write the record of a run as a page for the browser",
                     {"osiris report", "osiris report hello/2 -o run.html", "osiris report --runs"}, add_options,
                     report);
}

}  // namespace osiris

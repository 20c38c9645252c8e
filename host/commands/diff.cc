// osiris diff: what two runs differ in, or the runs of one pipeline through several adapters. Exit status 1 where they
// do.
#include <algorithm>
#include <set>

#include "host/commands/child_run.h"
#include "host/commands/commands.h"
#include "host/commands/output_rows.h"
#include "host/commands/parameters.h"
#include "host/commands/run_records.h"
#include "host/display/format.h"
#include "host/inspection/comparison_text.h"
#include "protocol/base/copy_file.h"
#include "protocol/base/file.h"
#include "protocol/base/temporary_directory.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string first, second, adapters, profile, timeout;
  std::vector<std::string> params;
  uint64_t limit = 20;
  bool no_rows = false, allow_mock = false;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("first", options.first, "a run, or with --adapter a pipeline")->required()->type_name("RUN|FILE");
  command.add_option("second", options.second, "the run to compare it with")->type_name("RUN");
  command.add_option("--adapter", options.adapters, "run the pipeline through each of these and compare")
      ->type_name("NAME,NAME");
  command.add_option("-p,--profile", options.profile, "with --adapter: profile to run with")->type_name("NAME");
  command.add_option("--param", options.params, "with --adapter: parameter of the pipeline, repeatable")
      ->type_name("K=V")
      ->allow_extra_args(false);
  command.add_option("--timeout", options.timeout, "with --adapter: stop a run after this time (90, 15m, 1h30m)")
      ->type_name("DURATION");
  command.add_option("--limit", options.limit, "at most this many rows of each side of an output")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  command.add_flag("--no-rows", options.no_rows, "compare outputs by their bytes alone");
  command.add_flag("--allow-mock", options.allow_mock)->group("");
}

Json side_document(const RecordedRun& run) {
  return Json::object({{"run_id", run.record.run_id},
                       {"pipeline", run.record.pipeline_slug},
                       {"adapter", run.adapter},
                       {"status", run.record.status},
                       {"session_dir", run.record.run_logs_path}});
}

class DiffCommand {
 public:
  DiffCommand(const CommandContext& context, const Options& options) : context_(context), options_(options) {}

  int run() {
    if (const Status status = check_options(); !status.ok()) return fail(context_, status.error());
    const auto directory = TemporaryDirectory::make();
    if (!directory.ok()) return fail(context_, directory.error(), Json::object(), ErrorSource::kService);
    copies_ = directory->path();
    return options_.adapters.empty() ? compare_recorded() : compare_adapters();
  }

 private:
  Status check_options() {
    const auto wrong = [](std::string message, std::string hint) {
      return Error(Code::kInvalidArgument, std::move(message), std::move(hint));
    };
    if (options_.adapters.empty()) {
      if (options_.second.empty())
        return wrong("a run is compared with another one",
                     "osiris diff RUN RUN, or osiris diff FILE --adapter NAME,NAME");
      if (!options_.params.empty() || !options_.profile.empty() || !options_.timeout.empty())
        return wrong("--profile, --param and --timeout are for runs that are made",
                     "osiris diff FILE --adapter NAME,NAME");
      return {};
    }
    adapters_ = split(options_.adapters, ',');
    if (adapters_.size() < 2 || std::count(adapters_.begin(), adapters_.end(), ""))
      return wrong("--adapter takes two adapters or more, got '" + options_.adapters + "'", "--adapter NAME,NAME");
    if (!options_.second.empty())
      return wrong("with --adapter one pipeline is run, and '" + options_.second + "' is one argument too many", "");
    const auto params = parse_parameters(options_.params);
    return params.ok() ? Status() : Status(params.error());
  }

  int compare_recorded() {
    std::vector<RecordedRun> runs;
    for (const std::string& name : {options_.first, options_.second}) {
      const auto record = find_run(context_, name);
      if (!record.ok()) return fail(context_, record.error());
      auto run = read_recorded_run(*record);
      if (!run.ok()) return fail(context_, run.error());
      runs.push_back(*std::move(run));
    }
    return report(runs);
  }

  int compare_adapters() {
    if (const Status status = refuse_state(); !status.ok()) return fail(context_, status.error());
    // What cannot run anywhere is refused before it has run somewhere.
    for (const std::string& adapter : std::set<std::string>(adapters_.begin(), adapters_.end()))
      if (const Status status = check_run_as_child(context_, arguments_for(adapter)); !status.ok())
        return fail(context_, status.error());
    std::vector<RecordedRun> runs;
    for (const std::string& adapter : adapters_) {
      print_news(context_, "Running with " + printable(adapter) + "...\n");
      const auto run_id = run_as_child(context_, arguments_for(adapter));
      if (!run_id.ok()) return fail(context_, run_id.error());
      const auto record = find_run(context_, *run_id);
      if (!record.ok()) return fail(context_, record.error(), Json::object(), ErrorSource::kService);
      auto run = read_recorded_run(*record);
      if (!run.ok()) return fail(context_, run.error(), Json::object(), ErrorSource::kService);
      if (const Status kept = keep_outputs(*run, runs.size()); !kept.ok())
        return fail(context_, kept.error(), Json::object(), ErrorSource::kService);
      runs.push_back(*std::move(run));
    }
    return report(runs);
  }

  // A second run of such a pipeline is not meant to give what the first one gave.
  Status refuse_state() const {
    OSIRIS_ASSIGN(const Workspace workspace, load_workspace(context_));
    OSIRIS_ASSIGN(const auto params, parse_parameters(options_.params));
    CompileOptions compile;
    compile.file = options_.first;
    compile.profile = options_.profile;
    compile.params = params;
    compile.allow_hidden = options_.allow_mock;
    compile.work_dir = context_.place.directory;
    const CompileResult result = compile_or_load(compile, workspace.inputs(context_));
    if (!result.ok()) {
      print_diagnostics(context_, result.diagnostics);
      return does_not_compile(options_.first, result.diagnostics);
    }
    for (const CompiledStep& step : result.pipeline->steps) {
      const ComponentSpec* spec = workspace.registry.find(step.component);
      if (spec && spec->keeps_state(step.cfg))
        return Error(Code::kInvalidArgument,
                     "step '" + step.id +
                         "' keeps a state from run to run: the second run would read other rows than "
                         "the first",
                     "compare a pipeline without incremental steps, or two runs: osiris diff RUN RUN");
    }
    return {};
  }

  std::vector<std::string> arguments_for(const std::string& adapter) const {
    std::vector<std::string> arguments = {"run", options_.first, "--adapter", adapter};
    const auto add = [&](const char* flag, const std::string& value) {
      if (!value.empty()) arguments.insert(arguments.end(), {flag, value});
    };
    add("--profile", options_.profile);
    add("--timeout", options_.timeout);
    for (const std::string& param : options_.params) add("--param", param);
    if (options_.allow_mock) arguments.push_back("--allow-mock");
    return arguments;
  }

  // The next run writes to the same places.
  Status keep_outputs(RecordedRun& run, size_t number) const {
    for (size_t i = 0; i < run.outputs.size(); ++i) {
      const fs::path from = run.outputs[i].target;
      const fs::path to = copies_ / std::to_string(number) / std::to_string(i) / from.filename();
      OSIRIS_TRY(make_directories(to.parent_path()));
      const Status copied = copy_whole_file(from, to);
      if (!copied.ok() && copied.error().code == Code::kNotFound) continue;  // of a run that failed
      OSIRIS_TRY(copied);
      run.outputs[i].target = to.string();
    }
    return {};
  }

  // The first run against each of the others.
  int report(const std::vector<RecordedRun>& runs) {
    bool is_same = true;
    Json documents = Json::array();
    OutputRows output_rows(context_, options_.limit, copies_);
    for (size_t i = 1; i < runs.size(); ++i) {
      RunComparison comparison = compare_runs(runs[0], runs[i]);
      if (!options_.no_rows) output_rows.compare(comparison, runs[0], runs[i]);
      is_same = is_same && comparison.is_same();
      Json document = to_json(comparison);
      document.set("left", side_document(runs[0]));
      document.set("right", side_document(runs[i]));
      documents.push_back(std::move(document));
      print_text(context_, comparison_text(comparison, runs[0], runs[i], context_.out.width()));
    }
    const Error differ(Code::kStepFailed, "the runs differ");
    const int exit_code = is_same ? to_int(ExitCode::kOk) : to_int(exit_code_for(differ, ErrorSource::kRun));
    if (context_.json)
      print_json(context_,
                 Json::object({{"same", is_same}, {"comparisons", std::move(documents)}, {"exit_code", exit_code}}));
    return exit_code;
  }

  const CommandContext& context_;
  const Options& options_;
  std::vector<std::string> adapters_;
  fs::path copies_;
};

int diff(const CommandContext& context, const Options& options) { return DiffCommand(context, options).run(); }

}  // namespace

void add_diff_command(const CommandTable& table) {
  table.add<Options>("diff", "Compare two runs, or the runs of a pipeline through several adapters",
                     {"osiris diff hello/1 hello/2", "osiris diff pipeline.yaml --adapter local,ssh"}, add_options,
                     diff);
}

}  // namespace osiris

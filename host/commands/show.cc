// osiris show STEP: the rows of a step, with the types, NULLs and ranges of its columns. Rows that the run has kept are
// read where they are; other steps are run again as far as the rows need them, but for writers.
#include "host/cache/run_rows.h"
#include "host/commands/commands.h"
#include "host/commands/interruptible.h"
#include "host/commands/look.h"
#include "host/commands/parameters.h"
#include "host/commands/rows_output.h"
#include "host/commands/run_options.h"
#include "host/commands/run_records.h"
#include "host/commands/standalone_adapter.h"
#include "host/display/format.h"
#include "host/inspection/look_plan.h"
#include "host/inspection/query_error.h"
#include "host/inspection/rows_table.h"
#include "host/run/pipeline_state.h"
#include "host/run/recorded_output.h"
#include "protocol/base/clock.h"
#include "protocol/base/temporary_directory.h"
#include "protocol/base/text.h"
#include "protocol/model/step_naming.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string step, run, file, profile, sql, timeout;
  std::vector<std::string> params;
  RowsOptions rows;
  bool allow_mock = false;
  FlagValues adapter_flags;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("step", options.step, "the step whose rows to show")->required()->type_name("STEP");
  command
      .add_option(
          "--run", options.run,
          "of this run: its id, its number, its beginning or end, or the session directory (default: the newest)")
      ->type_name("RUN");
  command.add_option("--file", options.file, "of this pipeline, whether it has run or not")->type_name("FILE");
  command.add_option("-p,--profile", options.profile, "with --file: profile to compile with")->type_name("NAME");
  command.add_option("--param", options.params, "with --file: parameter of the pipeline, repeatable")
      ->type_name("K=V")
      ->allow_extra_args(false);
  command.add_option("--sql", options.sql, "a query of the rows, which are input_df and df_STEP there")
      ->type_name("SQL");
  add_rows_options(command, options.rows);
  command.add_option("--timeout", options.timeout, "stop after this time (90, 15m, 1h30m)")->type_name("DURATION");
  command.add_flag("--allow-mock", options.allow_mock)->group("");
}

class ShowCommand {
 public:
  ShowCommand(const CommandContext& context, const AdapterFlags& adapters, const Options& options)
      : context_(context),
        adapters_(adapters),
        options_(options),
        started_ns_(system_clock().monotonic_ns()),
        rows_(context, options.rows, RowsOutput::kTableRows) {}

  int run() {
    if (const Status status = check_options(); !status.ok()) return fail(context_, status.error());
    if (!adapters_.adapter().ok()) return fail_adapter(context_, adapters_.adapter().error());
    if (const Status status = find_pipeline(); !status.ok()) return fail(context_, status.error());
    if (const auto exit = compile()) return *exit;
    if (const Status status = plan(); !status.ok()) return fail(context_, status.error());
    const LookOutcome outcome = run_look({context_, workspace_, *adapters_.adapter(), adapter_options_,
                                          deadline_after(started_ns_, timeout_s_), options_.allow_mock},
                                         plan_.inputs());
    if (outcome.error) return failed(outcome);
    return rows_.is_table() ? show_table() : deliver();
  }

 private:
  Status check_options() {
    OSIRIS_TRY(rows_.check());
    const auto wrong = [](std::string message, std::string hint) {
      return Error(Code::kInvalidArgument, std::move(message), std::move(hint));
    };
    if (!options_.run.empty() && !options_.file.empty())
      return wrong("--run and --file both say whose step it is", "leave one of them out");
    if (options_.file.empty() && !(options_.params.empty() && options_.profile.empty()))
      return wrong("a run has its profile and its parameters already", "--file FILE takes others");
    if (options_.timeout.empty()) return {};
    OSIRIS_ASSIGN(timeout_s_, duration_of_flag("--timeout", options_.timeout));
    return {};
  }

  // The file to compile: the pipeline, or the manifest of the run.
  Status find_pipeline() {
    if (!options_.file.empty()) {
      file_ = options_.file;
      return {};
    }
    OSIRIS_ASSIGN(record_, options_.run.empty() ? newest_run(context_) : find_run(context_, options_.run));
    file_ = record_->build_manifest_path;
    if (record_->build_manifest_path.empty())
      return Error(Code::kNotFound, "run " + record_->run_id + " has no steps: its pipeline did not compile",
                   "osiris show " + shell_word(options_.step) + " --file FILE");
    if (std::error_code code; !fs::exists(file_, code))
      return Error(Code::kNotFound,
                   "what run " + record_->run_id + " was compiled to is not there any more: " + file_.string(),
                   "osiris show " + shell_word(options_.step) + " --file FILE");
    return {};
  }

  std::optional<int> compile() {
    const auto params = parse_parameters(options_.params);
    if (!params.ok()) return fail(context_, params.error());
    auto workspace = load_workspace(context_);
    if (!workspace.ok()) return fail(context_, workspace.error());
    workspace_ = *std::move(workspace);
    CompileOptions compile;
    compile.file = file_;
    compile.profile = options_.profile;
    compile.params = *params;
    compile.connections = ConnectionCheck::kResolves;
    compile.allow_hidden = options_.allow_mock;
    compile.require_drivers = true;
    compile.work_dir = context_.place.directory;
    CompileResult result = compile_or_load(compile, workspace_.inputs(context_));
    if (!result.ok()) {
      print_diagnostics(context_, result.diagnostics);
      return fail(context_, does_not_compile(file_.string(), result.diagnostics),
                  Json::object({{"errors", findings_json(result.diagnostics.errors())}}));
    }
    pipeline_ = *std::move(result.pipeline);
    return std::nullopt;
  }

  Result<const CompiledStep*> find_step() const {
    std::vector<std::string> ids;
    for (const CompiledStep& step : pipeline_.steps) {
      if (step.id == options_.step) return &step;
      ids.push_back(step.id);
    }
    const auto near = nearest(options_.step, ids);
    return Error(Code::kNotFound, "pipeline '" + pipeline_.name + "' has no step '" + options_.step + "'",
                 near ? "did you mean '" + *near + "'?" : "it has " + join(ids, ", "));
  }

  // The one file that the run's writer wrote, while it is as it was written.
  std::optional<Artifact> file_of(const CompiledStep& step) {
    if (!record_) return std::nullopt;
    std::vector<Artifact> files;
    for (const Artifact& file : recorded_outputs(record_->run_logs_path))
      if (file.step_id == step.id) files.push_back(file);
    if (files.size() != 1 || !holds_rows(files.front().path)) return std::nullopt;
    const std::string why_not = why_not_as_written(files.front());
    if (why_not.empty()) return files.front();
    notes_.push_back(files.front().path + ": " + why_not);
    return std::nullopt;
  }

  Status plan() {
    OSIRIS_ASSIGN(adapter_options_,
                  resolve_adapter_options(context_, workspace_.project, *adapters_.adapter(), options_.adapter_flags));
    OSIRIS_ASSIGN(step_, find_step());
    OSIRIS_ASSIGN(TemporaryDirectory directory, TemporaryDirectory::make());
    directory_.emplace(std::move(directory));
    const auto written = step_->mode == "write" ? file_of(*step_) : std::nullopt;
    if (written) {
      OSIRIS_TRY(plan_.add_file(step_->id, *written, step_->cfg));
      source_file_ = written->target;
      add_output(step_->id);
      return {};
    }
    OSIRIS_ASSIGN(const std::string source, step_with_the_rows());
    OSIRIS_TRY(plan_steps_before(source));
    add_output(source);
    return {};
  }

  Result<std::string> step_with_the_rows() {
    if (step_->mode != "write") return step_->id;
    for (const std::string& need : step_->needs)
      for (const CompiledStep& step : pipeline_.steps)
        if (step.id == need && step.mode != "write") {
          notes_.push_back("'" + step_->id + "' writes: these are the rows that '" + need + "' gives it");
          return need;
        }
    return Error(Code::kNotFound, "step '" + step_->id + "' has no rows: it writes and reads no other step");
  }

  // Of the run; none where it kept none.
  KeptEntries kept_rows() {
    KeptEntries kept;
    if (!record_) return kept;
    RunRows rows = rows_of_run(workspace_.project, *record_, system_clock());
    for (const std::string& damaged : rows.damaged) notes_.push_back("kept rows are not used: " + damaged);
    for (auto& [id, step] : rows.steps)
      if (step.entry) kept.emplace(id, *std::move(step.entry));
    return kept;
  }

  Status plan_steps_before(const std::string& source) {
    AdapterInputOptions input_options;
    input_options.work_dir = context_.place.directory;
    input_options.env_names = adapter_options_.env_names();
    OSIRIS_ASSIGN(AdapterInputs inputs, make_adapter_inputs(pipeline_, workspace_.inputs(context_), input_options));
    OSIRIS_TRY(give_state(workspace_.project, pipeline_, inputs, false));
    const KeptEntries kept = kept_rows();
    AdapterInputs cut = cut_to(inputs, source, kept, notes_);
    for (const PlanStep& step : cut.plan.steps) (step.kept.runs() ? run_again_ : taken_).push_back(step.id);
    for (const std::string& id : cut.stateful)
      notes_.push_back("step '" + id + "' goes on from its state: it reads what the next run would read");
    plan_ = LookPlan(std::move(cut));
    return {};
  }

  void add_output(std::string from) {
    source_ = from;
    if (!options_.sql.empty()) from = query_ = plan_.add_query({from}, options_.sql);
    rows_.add_to(plan_, std::move(from), directory_->path());
  }

  int failed(const LookOutcome& outcome) {
    if (!query_.empty() && outcome.failed_step == query_) {
      const std::string names = std::string(kOnlyInputName) + ", " + relation_name(source_);
      return fail(context_, query_error(outcome.step_error, outcome.error->hint, names).within("--sql"));
    }
    return fail(context_, *outcome.error, Json::object(), outcome.source);
  }

  static Json list_of(const std::vector<std::string>& texts) {
    Json list = Json::array();
    for (const std::string& text : texts) list.push_back(text);
    return list;
  }

  Json document() const {
    return Json::object({{"step_id", step_->id},
                         {"component", step_->component},
                         {"pipeline", pipeline_.id},
                         {"run_id", record_ ? Json(record_->run_id) : Json()},
                         {"read_from", source_file_.empty() ? Json() : Json(source_file_)},
                         {"taken", list_of(taken_)},
                         {"run_again", list_of(run_again_)},
                         {"sql", options_.sql.empty() ? Json() : Json(options_.sql)},
                         {"notes", list_of(notes_)}});
  }

  void print_notes() const {
    if (context_.json) return;
    for (const std::string& note : notes_) print_note(context_, "ℹ️  " + note);
  }

  int show_table() {
    const auto preview = rows_.preview();
    if (!preview.ok()) return fail(context_, preview.error(), Json::object(), ErrorSource::kService);
    if (context_.json) {
      Json out = document();
      for (const auto& [key, value] : preview->members()) out.set(key, value);
      print_json(context_, out);
      return to_int(ExitCode::kOk);
    }
    const std::string where = !source_file_.empty() ? source_file_
                              : !record_            ? file_.string()
                              : run_again_.empty()  ? "kept of " + record_->run_id
                                                    : "run again as in " + record_->run_id;
    print_out(context_, printable(step_->id) + "  " + printable(step_->component) + ": " +
                            counted((*preview)["rows"].as_uint(), "row") + ", " +
                            counted((*preview)["columns"].size(), "column") + "  (" + printable(where) + ")\n\n" +
                            preview_text(*preview, context_.out.width()));
    print_notes();
    return to_int(ExitCode::kOk);
  }

  int deliver() {
    if (const Status delivered = rows_.deliver(); !delivered.ok()) return fail(context_, delivered.error());
    if (context_.json) {
      Json out = document();
      rows_.describe(out);
      print_json(context_, out);
    }
    print_notes();
    return to_int(ExitCode::kOk);
  }

  const CommandContext& context_;
  const AdapterFlags& adapters_;
  const Options& options_;
  const int64_t started_ns_;
  RowsOutput rows_;
  double timeout_s_ = 0;
  fs::path file_;                    // compiled, or loaded
  std::optional<RunRecord> record_;  // nullopt: --file
  Workspace workspace_;
  CompiledPipeline pipeline_;
  ResolvedOptions adapter_options_;
  const CompiledStep* step_ = nullptr;
  std::optional<TemporaryDirectory> directory_;
  LookPlan plan_;
  std::string source_;                          // the step whose rows are shown
  std::string query_, source_file_;             // the id of the user's query; the file that is read
  std::vector<std::string> taken_, run_again_;  // steps whose kept rows are read; steps that are run
  std::vector<std::string> notes_;
};

int show(const CommandContext& context, const AdapterFlags& adapters, const Options& options) {
  return ShowCommand(context, adapters, options).run();
}

}  // namespace

void add_show_command(const CommandTable& table) {
  table.add_with_adapter<Options>(
      "show", "Show the rows of a step: columns, types, NULLs, ranges",
      {"osiris show clean_orders", "osiris show clean_orders --sql \"SELECT * FROM input_df WHERE total < 0\"",
       "osiris show clean_orders --run hello/2 --limit 0 --format parquet -o orders.parquet"},
      add_options, show);
}

}  // namespace osiris

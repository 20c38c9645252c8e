// osiris show STEP: the rows of a step, with the types, NULLs and ranges of its columns. Steps are run again as far as
// the rows need them; writers are not.
#include <unistd.h>

#include <fstream>

#include "host/commands/commands.h"
#include "host/commands/interruptible.h"
#include "host/commands/look.h"
#include "host/commands/parameters.h"
#include "host/commands/run_options.h"
#include "host/commands/run_records.h"
#include "host/commands/standalone_adapter.h"
#include "host/display/format.h"
#include "host/inspection/look_plan.h"
#include "host/inspection/rows_table.h"
#include "host/run/pipeline_state.h"
#include "host/run/recorded_output.h"
#include "protocol/base/clock.h"
#include "protocol/base/replacing_file.h"
#include "protocol/base/temporary_directory.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kTableRowsMax = 10'000;
constexpr size_t kCopiedBytes = size_t{1} << 18;

struct Options {
  std::string step, run, file, profile, sql, format = "table", output, timeout;
  std::vector<std::string> params;
  uint64_t limit = 20;
  bool allow_mock = false;
  FlagValues adapter_flags;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("step", options.step, "the step whose rows to show")->required()->type_name("STEP");
  command
      .add_option(
          "--run", options.run,
          "of this run: its id, its number, its beginning or end, or the session directory (default: the newest)")
      ->type_name("ID");
  command.add_option("--file", options.file, "of this pipeline, whether it has run or not")->type_name("FILE");
  command.add_option("-p,--profile", options.profile, "with --file: profile to compile with")->type_name("NAME");
  command.add_option("--param", options.params, "with --file: parameter of the pipeline, repeatable")
      ->type_name("K=V")
      ->allow_extra_args(false);
  command.add_option("--limit", options.limit, "at most this many rows; 0: all")->type_name("N");
  command.add_option("--sql", options.sql, "a query of the rows, which are input_df and df_STEP there")
      ->type_name("SQL");
  command.add_option("--format", options.format, "table (the default), csv, json or parquet")
      ->check(CLI::IsMember({"table", "csv", "json", "parquet"}))
      ->type_name("NAME");
  command.add_option("-o,--output", options.output, "write csv, json or parquet there; - is standard output")
      ->type_name("FILE");
  command.add_option("--timeout", options.timeout, "stop after this time (90, 15m, 1h30m)")->type_name("DURATION");
  command.add_flag("--allow-mock", options.allow_mock)->group("");
}

class ShowCommand {
 public:
  ShowCommand(const CommandContext& context, const AdapterFlags& adapters, const Options& options)
      : context_(context), adapters_(adapters), options_(options), started_ns_(system_clock().monotonic_ns()) {}

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
    return is_table() ? show_table() : deliver();
  }

 private:
  bool is_table() const { return options_.format == "table"; }
  bool goes_to_a_file() const { return !options_.output.empty() && options_.output != "-"; }

  Status check_options() {
    const auto wrong = [](std::string message, std::string hint) {
      return Error(Code::kInvalidArgument, std::move(message), std::move(hint));
    };
    if (is_table() && !options_.output.empty())
      return wrong("a table is for people, and -o is for files", "--format csv");
    if (is_table() && options_.limit > kTableRowsMax)
      return wrong("a table shows at most " + format_count(kTableRowsMax) + " rows", "--format csv, json or parquet");
    if (!is_table() && context_.json && !goes_to_a_file())
      return wrong("--format " + options_.format + " and --json both take standard output",
                   "-o FILE, or leave one of them out");
    if (options_.format == "parquet" && !goes_to_a_file() && ::isatty(context_.out.fd))
      return wrong("Parquet is nothing for a terminal", "-o rows.parquet");
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

  Status plan_steps_before(const std::string& source) {
    AdapterInputOptions input_options;
    input_options.work_dir = context_.place.directory;
    input_options.env_names = adapter_options_.env_names();
    OSIRIS_ASSIGN(AdapterInputs inputs, make_adapter_inputs(pipeline_, workspace_.inputs(context_), input_options));
    OSIRIS_TRY(give_state(workspace_.project, pipeline_, inputs, false));
    AdapterInputs cut = cut_to(inputs, source, notes_);
    for (const std::string& id : cut.stateful)
      notes_.push_back("step '" + id + "' goes on from its state: it reads what the next run would read");
    plan_ = LookPlan(std::move(cut));
    return {};
  }

  void add_output(std::string from) {
    if (!options_.sql.empty()) from = query_ = plan_.add_query(from, options_.sql);
    made_ = directory_->path() / ("rows." + (is_table() ? std::string("json") : options_.format));
    if (is_table()) {
      plan_.add_preview(from, options_.limit ? options_.limit : kTableRowsMax, made_);
      return;
    }
    if (options_.limit) from = plan_.add_query(from, "SELECT * FROM input_df LIMIT " + std::to_string(options_.limit));
    Json config = Json::object();
    if (options_.format == "csv") config.set("column_order", "query");
    plan_.add_writer(from, "filesystem." + options_.format + "_writer", std::move(config), made_);
  }

  int failed(const LookOutcome& outcome) {
    if (!query_.empty() && outcome.failed_step == query_)
      return fail(context_, Error(Code::kInvalidArgument, "--sql: " + outcome.step_error, outcome.error->hint));
    return fail(context_, *outcome.error, Json::object(), outcome.source);
  }

  Json document() const {
    Json notes = Json::array();
    for (const std::string& note : notes_) notes.push_back(note);
    return Json::object({{"step_id", step_->id},
                         {"component", step_->component},
                         {"pipeline", pipeline_.id},
                         {"run_id", record_ ? Json(record_->run_id) : Json()},
                         {"read_from", source_file_.empty() ? Json() : Json(source_file_)},
                         {"sql", options_.sql.empty() ? Json() : Json(options_.sql)},
                         {"notes", std::move(notes)}});
  }

  void print_notes() const {
    if (context_.json) return;
    for (const std::string& note : notes_) print_note(context_, "ℹ️  " + note);
  }

  int show_table() {
    const auto preview = read_answer(made_);
    if (!preview.ok()) return fail(context_, preview.error(), Json::object(), ErrorSource::kService);
    if (context_.json) {
      Json out = document();
      for (const auto& [key, value] : preview->members()) out.set(key, value);
      print_json(context_, out);
      return to_int(ExitCode::kOk);
    }
    const std::string where = !source_file_.empty() ? source_file_
                              : record_             ? "run again as in " + record_->run_id
                                                    : file_.string();
    print_out(context_, printable(step_->id) + "  " + printable(step_->component) + ": " +
                            counted((*preview)["rows"].as_uint(), "row") + ", " +
                            counted((*preview)["columns"].size(), "column") + "  (" + printable(where) + ")\n\n" +
                            preview_text(*preview, context_.out.width()));
    print_notes();
    return to_int(ExitCode::kOk);
  }

  // The file that was made, to where it is wanted.
  int deliver() {
    const Status delivered = goes_to_a_file() ? copy_to_file() : copy_to_output();
    if (!delivered.ok()) return fail(context_, delivered.error());
    if (context_.json) {
      Json out = document();
      out.set("format", options_.format);
      out.set("file", (context_.cwd / options_.output).lexically_normal().string());
      std::error_code code;
      out.set("size_bytes", uint64_t{fs::file_size(context_.cwd / options_.output, code)});
      print_json(context_, out);
    }
    print_notes();
    return to_int(ExitCode::kOk);
  }

  template <class Write>
  Status each_piece(Write write) const {
    std::ifstream in(made_, std::ios::binary);
    std::string piece(kCopiedBytes, '\0');
    while (in) {
      in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
      OSIRIS_TRY(write(std::string_view(piece).substr(0, static_cast<size_t>(in.gcount()))));
    }
    return in.eof() ? Status() : Status(Error(Code::kUnavailable, "cannot read " + made_.string()));
  }

  Status copy_to_file() const {
    ReplacingFile file(context_.cwd / options_.output);
    OSIRIS_TRY(file.open(true));
    OSIRIS_TRY(each_piece([&](std::string_view piece) { return file.write(piece); }));
    return file.commit();
  }

  // A program gets the bytes, a person what a terminal can show.
  Status copy_to_output() const {
    return each_piece([&](std::string_view piece) -> Status {
      if (::isatty(context_.out.fd)) {
        print_out(context_, piece);
      } else if (const int failed = write_text(context_.out.fd, piece); failed && failed != EPIPE) {
        context_.output_error = failed;
      }
      return {};
    });
  }

  const CommandContext& context_;
  const AdapterFlags& adapters_;
  const Options& options_;
  const int64_t started_ns_;
  double timeout_s_ = 0;
  fs::path file_;                    // compiled, or loaded
  std::optional<RunRecord> record_;  // nullopt: --file
  Workspace workspace_;
  CompiledPipeline pipeline_;
  ResolvedOptions adapter_options_;
  const CompiledStep* step_ = nullptr;
  std::optional<TemporaryDirectory> directory_;
  LookPlan plan_;
  std::string query_, source_file_;  // the id of the user's query; the file that is read
  fs::path made_;                    // what the plan writes
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

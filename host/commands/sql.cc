// osiris sql: queries of the rows that a run has left, read-only. Each is a plan of its own (docs/decisions/0236): the
// relations it names, the query as a step, confined as every step's SQL is, and the step that shows what came of it.
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>

#include "host/commands/commands.h"
#include "host/commands/interruptible.h"
#include "host/commands/look.h"
#include "host/commands/rows_output.h"
#include "host/commands/run_options.h"
#include "host/commands/run_records.h"
#include "host/commands/sql_prompt.h"
#include "host/display/format.h"
#include "host/inspection/kept_relations.h"
#include "host/inspection/query_error.h"
#include "host/inspection/rows_table.h"
#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/base/temporary_directory.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr uint64_t kSqlBytesMax = 64u << 20;
constexpr size_t kNamedMax = 10;
constexpr const char* kHint = "osiris run FILE --keep-outputs keeps rows of steps";

struct Options {
  std::string run, timeout;
  std::optional<std::string> command;
  RowsOptions rows;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("run", options.run, "the run, as osiris show --run names it (default: the newest)")
      ->type_name("RUN");
  command.add_option("-c,--command", options.command, "the SQL (default: standard input)")->type_name("SQL");
  add_rows_options(command, options.rows);
  command.add_option("--timeout", options.timeout, "stop a query after this time (90, 15m, 1h30m)")
      ->type_name("DURATION");
}

class SqlCommand {
 public:
  SqlCommand(const CommandContext& context, const Options& options)
      : context_(context), options_(options), rows_(context, options.rows, 0) {}

  int run() {
    if (const Status status = check_options(); !status.ok()) return fail(context_, status.error());
    if (const Status status = find_relations(); !status.ok()) return fail(context_, status.error());
    if (is_asked_at_a_terminal()) return talk();
    const auto sql = options_.command ? Result<std::string>(*options_.command)
                                      : read_all(STDIN_FILENO, "standard input", kSqlBytesMax);
    return sql.ok() ? answer(*sql) : fail(context_, sql.error());
  }

 private:
  bool is_asked_at_a_terminal() const { return !options_.command && ::isatty(STDIN_FILENO); }

  Status check_options() {
    OSIRIS_TRY(rows_.check());
    if (is_asked_at_a_terminal() && (context_.json || !rows_.is_table()))
      return Error(Code::kInvalidArgument,
                   "at a terminal answers are tables, and --json and --format are for one query",
                   "-c \"SELECT …\", or the SQL at standard input");
    if (options_.timeout.empty()) return {};
    OSIRIS_ASSIGN(timeout_s_, duration_of_flag("--timeout", options_.timeout));
    return {};
  }

  Status find_relations() {
    OSIRIS_ASSIGN(record_, options_.run.empty() ? newest_run(context_) : find_run(context_, options_.run));
    OSIRIS_ASSIGN(look_, LocalLook::open(context_));
    const Workspace& workspace = look_->workspace();
    relations_ = kept_relations(workspace.project, workspace.registry, record_.value(), system_clock());
    for (const std::string& damaged : relations_.damaged) print_warning(context_, "kept rows are not used: " + damaged);
    if (!relations_.there.empty()) return {};
    return Error(Code::kNotFound, "run " + record_->run_id + " has left no rows: " + missing_text(), kHint);
  }

  // "read (the files it reads are the copy), stamp (…)".
  std::string missing_text() const {
    std::vector<std::string> texts;
    for (const MissingRelation& relation : relations_.missing) {
      if (texts.size() == kNamedMax) break;
      texts.push_back(relation.step_id + " (" + relation.why + ")");
    }
    const size_t more = relations_.missing.size() - texts.size();
    if (texts.empty()) return "it has no steps";
    return join(texts, ", ") + (more ? " and " + std::to_string(more) + " more" : "");
  }

  std::string names_text() const {
    std::vector<std::string> names;
    for (const KeptRelation& relation : relations_.there) {
      if (names.size() == kNamedMax) break;
      names.push_back(relation.name);
    }
    const size_t more = relations_.there.size() - names.size();
    return join(names, ", ") + (more ? " and " + std::to_string(more) + " more" : "");
  }

  int answer(const std::string& sql) {
    if (trim(sql).empty())
      return fail(context_,
                  Error(Code::kInvalidArgument, "no SQL was given",
                        "osiris sql -c \"FROM " + relations_.there.front().name + "\"; there are " + names_text()));
    const auto scratch = TemporaryDirectory::make();
    if (!scratch.ok()) return fail(context_, scratch.error(), Json::object(), ErrorSource::kService);
    LookPlan plan;
    const auto read = add_relations(relations_, sql, plan);
    if (!read.ok()) return fail(context_, read.error());
    const std::string query = plan.add_query(*read, asks_for_relations(sql) ? list_of(relations_) : sql);
    rows_.add_to(plan, query, scratch->path());
    const LookOutcome outcome = look_->run(plan.inputs(), deadline_after(system_clock().monotonic_ns(), timeout_s_));
    if (outcome.error) return failed(outcome, query, sql);
    return rows_.is_table() ? show_table(sql) : deliver(sql);
  }

  int failed(const LookOutcome& outcome, const std::string& query, const std::string& sql) const {
    if (outcome.failed_step != query) return fail(context_, *outcome.error, Json::object(), outcome.source);
    for (const MissingRelation& relation : relations_.missing)
      if (mentions(sql, relation.name))
        return fail(context_, Error(Code::kInvalidArgument,
                                    "the rows of step '" + relation.step_id + "' are not there: " + relation.why,
                                    "osiris show " + shell_word(relation.step_id) +
                                        " --sql \"SELECT … FROM input_df\" makes them again; " + kHint));
    return fail(context_, query_error(outcome.step_error, outcome.error->hint, names_text()));
  }

  Json document(const std::string& sql) const {
    Json there = Json::array(), missing = Json::array();
    for (const KeptRelation& relation : relations_.there)
      there.push_back(
          Json::object({{"name", relation.name},
                        {"step_id", relation.step_id},
                        {"rows", relation.entry ? Json(relation.entry->rows_out) : Json()},
                        {"read_from", relation.entry ? relation.entry->file.string() : relation.file.target}}));
    for (const MissingRelation& relation : relations_.missing)
      missing.push_back(Json::object({{"step_id", relation.step_id}, {"why", relation.why}}));
    return Json::object({{"run_id", record_->run_id},
                         {"pipeline", record_->pipeline_slug},
                         {"relations", std::move(there)},
                         {"missing", std::move(missing)},
                         {"sql", sql}});
  }

  int show_table(const std::string& sql) const {
    const auto preview = rows_.preview();
    if (!preview.ok()) return fail(context_, preview.error(), Json::object(), ErrorSource::kService);
    if (context_.json) {
      Json out = document(sql);
      for (const auto& [key, value] : preview->members()) out.set(key, value);
      print_json(context_, out);
    } else {
      print_out(context_,
                rows_text(*preview, context_.out.width()) + counted((*preview)["rows"].as_uint(), "row") + "\n");
    }
    return to_int(ExitCode::kOk);
  }

  int deliver(const std::string& sql) const {
    if (const Status delivered = rows_.deliver(); !delivered.ok()) return fail(context_, delivered.error());
    if (context_.json) {
      Json out = document(sql);
      rows_.describe(out);
      print_json(context_, out);
    }
    return to_int(ExitCode::kOk);
  }

  // What is wrong with one query ends no session.
  int talk() {
    Table table({{"Relation"}, {"Rows", true}, {"Of step"}});
    for (const KeptRelation& relation : relations_.there)
      table.row({printable(relation.name), relation.entry ? format_count(relation.entry->rows_out) : "",
                 printable(relation.step_id) + (relation.entry ? "" : " (" + printable(relation.file.path) + ")")});
    print_out(context_, "Rows of " + printable(record_->run_id) + ", read-only\n\n" + table.text());
    if (!relations_.missing.empty()) print_out(context_, "\nNot there: " + printable(missing_text()) + "\n");
    print_out(context_,
              "\nEnd a query with ;  SHOW TABLES lists relations, DESCRIBE their columns, \\q or Ctrl-D leaves\n");
    read_statements(context_, [&](const std::string& sql) { answer(sql); });
    return to_int(ExitCode::kOk);
  }

  const CommandContext& context_;
  const Options& options_;
  RowsOutput rows_;
  double timeout_s_ = 0;
  std::optional<RunRecord> record_;
  std::unique_ptr<LocalLook> look_;
  KeptRelations relations_;
};

int sql(const CommandContext& context, const Options& options) { return SqlCommand(context, options).run(); }

}  // namespace

void add_sql_command(const CommandTable& table) {
  table.add<Options>("sql", "Query the rows that a run has kept, read-only",
                     {"osiris sql -c \"SELECT count(*) FROM df_total\"", "osiris sql hello/2 --format csv < query.sql"},
                     add_options, sql);
}

}  // namespace osiris

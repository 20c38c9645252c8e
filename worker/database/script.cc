// Runs a user's SQL script on a confined connection, statement by statement. The text is parsed once; what is run are
// the parsed statements, never text put together from parts of it. Kinds of statements are an allow-list, databases
// written to are checked after binding, and engine.cc checks every plan.
#include <duckdb.hpp>
#include <duckdb/main/appender.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/main/prepared_statement.hpp>
#include <duckdb/parser/parsed_data/create_table_info.hpp>
#include <duckdb/parser/parsed_data/create_view_info.hpp>
#include <duckdb/parser/parser.hpp>
#include <duckdb/parser/statement/create_statement.hpp>
#include <duckdb/parser/statement/explain_statement.hpp>
#include <duckdb/parser/statement/multi_statement.hpp>
#include <duckdb/parser/statement/select_statement.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/database/access.h"
#include "worker/database/engine.h"

namespace osiris::worker {
namespace {

using duckdb::SQLStatement;
using duckdb::StatementType;
using Statements = duckdb::vector<duckdb::unique_ptr<SQLStatement>>;

// The word that follows `what` in the engine's text: the table it did not find.
std::string name_after(const std::string& text, std::string_view what) {
  const size_t at = text.find(what);
  if (at == std::string::npos) return {};
  const size_t begin = at + what.size();
  return text.substr(begin, text.find_first_of(" !\n", begin) - begin);
}

std::string inputs_hint(const ScriptTarget& target) {
  if (target.inputs.empty()) return "This step has no inputs: name the steps it reads in `needs`.";
  return "This step reads " + join(target.inputs, ", ") + "; name further steps in `needs`.";
}

// The input that `name` was meant for: "people" and "read-people" for df_read_people.
std::optional<std::string> meant_input(const std::string& name, const ScriptTarget& target) {
  std::string written = ascii_lower(name);
  std::replace(written.begin(), written.end(), '-', '_');
  for (const std::string& input : target.inputs)
    if (input == written || input == "df_" + written) return input;
  if (const auto near = nearest(written, target.inputs)) return near;
  for (const std::string& input : target.inputs)
    if (written.size() >= 3 && input.ends_with("_" + written)) return input;
  return std::nullopt;
}

// A step's id stands in the SQL as it is written in the pipeline, dashes included.
std::optional<std::string> dashed_input(std::string_view sql, const ScriptTarget& target) {
  for (const std::string& input : target.inputs) {
    for (std::string_view plain :
         {std::string_view(input), std::string_view(input).substr(std::min<size_t>(3, input.size()))}) {
      for (size_t at = 0; at + plain.size() <= sql.size(); ++at) {
        bool has_dash = false;
        size_t i = 0;
        for (; i < plain.size(); ++i) {
          const char c = sql[at + i];
          if (c == plain[i]) continue;
          if (c != '-' || plain[i] != '_') break;
          has_dash = true;
        }
        if (i == plain.size() && has_dash && plain.size() >= 3) return input;
      }
    }
  }
  return std::nullopt;
}

Error sql_error(std::string_view what, const std::string& text, const ScriptTarget& target) {
  Error error(Code::kStepFailed, std::string(what) + ": " + text, "", category::kTransformFailed);
  if (text.starts_with("Catalog Error: Table with name ") && text.find("does not exist") != std::string::npos) {
    // The engine would suggest tables of its own.
    const std::string name = name_after(text, "Table with name ");
    const size_t line = text.find("\n\nLINE ");
    error.message =
        std::string(what) + ": there is no table " + name + (line == std::string::npos ? "" : text.substr(line));
    const auto meant = meant_input(name, target);
    error.hint = (meant ? "Did you mean " + *meant + "? " : "") + inputs_hint(target);
  }
  constexpr std::string_view kNear = "syntax error at or near \"";
  if (const size_t at = text.find(kNear); at != std::string::npos) {
    static const std::vector<std::string> kWords = {"SELECT", "FROM",   "WHERE", "WITH",   "GROUP",    "ORDER", "LIMIT",
                                                    "JOIN",   "HAVING", "UNION", "CREATE", "DISTINCT", "VALUES"};
    const std::string word = text.substr(at + kNear.size(), text.find('"', at + kNear.size()) - at - kNear.size());
    std::string upper = word;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
    const bool is_word = std::find(kWords.begin(), kWords.end(), upper) != kWords.end();
    const auto near = is_word ? std::nullopt : nearest(upper, kWords);
    error.hint = near ? "Did you mean " + *near + "?"
                      : "Look at what stands before it: a comma, a parenthesis or a word is missing or too much.";
  }
  return error;
}

Error refused(std::string_view what) {
  return Error(Code::kStepFailed, "a step's SQL cannot use " + std::string(what),
               "A step may SELECT from its inputs and CREATE, INSERT, UPDATE, DELETE, MERGE, DROP, ALTER and EXPLAIN "
               "with tables "
               "it makes itself. Read files and databases in an extractor step.",
               category::kTransformInvalidInput);
}

// Without the engine's stack trace, its advice to change settings (which a step cannot), and the blank lines at its
// end.
std::string readable(const std::string& message) {
  const size_t end = std::min(message.find("\n\nStack Trace"), message.find("\nPossible solutions:"));
  return std::string(trim(std::string_view(message).substr(0, end)));
}

// The engine's errors by their kind: what the user can fix, what the machine lacks, what was cut short.
Error kind_of_error(const duckdb::ErrorData& data, const ScriptTarget& target) {
  const std::string text = readable(data.Message());
  switch (data.Type()) {
    case duckdb::ExceptionType::INTERRUPT:
      return Error(Code::kCancelled, "the query was interrupted");
    case duckdb::ExceptionType::OUT_OF_MEMORY:
      return Error(Code::kExhausted, "the query ran out of memory: " + text,
                   "Allow more with --memory-limit, or free space for spilling.", category::kRuntimeMemoryExceeded);
    case duckdb::ExceptionType::IO:
      return Error(Code::kExhausted, "the query could not spill to disk: " + text,
                   "Free space in the session directory.", category::kWriteDiskFull);
    case duckdb::ExceptionType::PERMISSION: {
      Error error = refused("this");
      error.message = "the SQL was refused: " + text.substr(text.starts_with("Permission Error: ") ? 18 : 0);
      return error;
    }
    case duckdb::ExceptionType::INTERNAL:
    case duckdb::ExceptionType::FATAL:
      return Error(Code::kInternal, "the SQL engine failed: " + text, "This is a bug: report it with the query.");
    default:
      if (const std::string function = removed_function_in(text); !function.empty()) return refused(function + "()");
      return sql_error("the SQL failed", text, target);
  }
}

// The same, with the place in the SQL where the engine knows it.
Error engine_error(const duckdb::ErrorData& data, const ScriptTarget& target) {
  Error error = kind_of_error(data, target);
  const auto found = data.ExtraInfo().find("position");
  if (found == data.ExtraInfo().end()) return error;
  uint64_t offset = 0;
  const auto [end, failed] = std::from_chars(found->second.data(), found->second.data() + found->second.size(), offset);
  if (failed == std::errc()) error.detail = Json::object({{kSqlOffset, offset}});
  return error;
}

bool may_create(duckdb::CatalogType type) {
  switch (type) {
    case duckdb::CatalogType::TABLE_ENTRY:
    case duckdb::CatalogType::VIEW_ENTRY:
    case duckdb::CatalogType::INDEX_ENTRY:
    case duckdb::CatalogType::SEQUENCE_ENTRY:
    case duckdb::CatalogType::TYPE_ENTRY:
    case duckdb::CatalogType::MACRO_ENTRY:
    case duckdb::CatalogType::TABLE_MACRO_ENTRY:
      return true;
    default:
      return false;
  }
}

// A table or view that hides behind an input of the same name would be made and never read.
Status check_name(const duckdb::CreateInfo& info, const ScriptTarget& target) {
  std::string name;
  if (info.type == duckdb::CatalogType::TABLE_ENTRY) name = info.Cast<duckdb::CreateTableInfo>().table;
  if (info.type == duckdb::CatalogType::VIEW_ENTRY) name = info.Cast<duckdb::CreateViewInfo>().view_name;
  for (const std::string& input : target.inputs) {
    if (duckdb::StringUtil::CIEquals(input, name))
      return Error(Code::kStepFailed, "the SQL makes a table named " + name + ", which is an input of this step",
                   "Choose another name.", category::kTransformInvalidInput);
  }
  return {};
}

Status check_kind(const SQLStatement& statement, const ScriptTarget& target) {
  if (!statement.named_param_map.empty()) return refused("parameters ($1, ?)");
  switch (statement.type) {
    case StatementType::SELECT_STATEMENT:
    case StatementType::INSERT_STATEMENT:
    case StatementType::UPDATE_STATEMENT:
    case StatementType::DELETE_STATEMENT:
    case StatementType::MERGE_INTO_STATEMENT:
    case StatementType::DROP_STATEMENT:
    case StatementType::ALTER_STATEMENT:
      return {};
    case StatementType::EXPLAIN_STATEMENT:
      return check_kind(*statement.Cast<duckdb::ExplainStatement>().stmt, target);
    case StatementType::MULTI_STATEMENT:  // what PIVOT is taken apart into
      for (const auto& part : statement.Cast<duckdb::MultiStatement>().statements)
        OSIRIS_TRY(check_kind(*part, target));
      return {};
    case StatementType::CREATE_STATEMENT: {
      const auto& info = *statement.Cast<duckdb::CreateStatement>().info;
      if (may_create(info.type)) return check_name(info, target);
      return refused("CREATE " + duckdb::CatalogTypeToString(info.type));
    }
    default: {
      std::string kind = duckdb::StatementTypeToString(statement.type);
      return refused(kind == "VARIABLE_SET" ? "SET" : kind);
    }
  }
}

class Script {
 public:
  Script(duckdb::Connection& confined, Access access, const ScriptTarget& target)
      : confined_(confined), access_(std::move(access)), target_(target) {
    access_.trusted = false;
    access_.output_database.clear();
    access_.scratch_database.clear();
    AccessState::give(*confined_.context, access_);
  }

  Result<uint64_t> run(std::string_view sql) {
    OSIRIS_TRY(parse(sql));
    OSIRIS_TRY(run_all_but_the_last());
    if (statements_.back()->type == StatementType::SELECT_STATEMENT) return keep_select(std::move(statements_.back()));
    return keep_rows(std::move(statements_.back()));
  }

  Status describe(std::string_view sql) {
    OSIRIS_TRY(parse(sql));
    if (!target_.unknown_inputs.empty()) OSIRIS_TRY(check_tables(sql));
    if (depends_on_rows_ || !target_.unknown_inputs.empty())
      return Error(Code::kUnsupported, "the columns are known when it runs", "", category::kTransformFailed);
    OSIRIS_TRY(run_all_but_the_last());
    const std::string kind = duckdb::StatementTypeToString(statements_.back()->type);
    auto prepared = confined_.Prepare(std::move(statements_.back()));
    if (prepared->HasError()) return engine_error(prepared->error, target_);
    if (prepared->GetStatementProperties().return_type != duckdb::StatementReturnType::QUERY_RESULT)
      return gives_no_rows(kind);
    return make_output(prepared->GetNames(), prepared->GetTypes());
  }

 private:
  Status parse(std::string_view sql) {
    duckdb::Parser parser(confined_.context->GetParserOptions());
    parser.ParseQuery(std::string(sql));
    for (const auto& statement : parser.statements) OSIRIS_TRY(check_kind(*statement, target_));
    for (auto& statement : parser.statements) {
      if (statement->type == StatementType::MULTI_STATEMENT) {
        depends_on_rows_ = true;
        for (auto& part : statement->Cast<duckdb::MultiStatement>().statements) statements_.push_back(std::move(part));
      } else {
        statements_.push_back(std::move(statement));
      }
    }
    if (statements_.empty())
      return Error(Code::kStepFailed, "the SQL holds no statement", "Write a SELECT.",
                   category::kTransformInvalidInput);
    return {};
  }

  // Every table that is read must be an input, or made by a statement before.
  Status check_tables(std::string_view sql) {
    std::vector<std::string> own;
    for (const auto& statement : statements_) {
      if (statement->type != StatementType::CREATE_STATEMENT) continue;
      const auto& info = *statement->Cast<duckdb::CreateStatement>().info;
      if (info.type == duckdb::CatalogType::TABLE_ENTRY) own.push_back(info.Cast<duckdb::CreateTableInfo>().table);
      if (info.type == duckdb::CatalogType::VIEW_ENTRY) own.push_back(info.Cast<duckdb::CreateViewInfo>().view_name);
    }
    const auto is_known = [&](const std::string& name) {
      const auto same = [&](const std::string& other) { return duckdb::StringUtil::CIEquals(name, other); };
      return std::any_of(own.begin(), own.end(), same) ||
             std::any_of(target_.inputs.begin(), target_.inputs.end(), same);
    };
    if (statements_.size() > 1) return {};  // the engine names the tables of one statement only
    for (const std::string& name : confined_.GetTableNames(std::string(sql)))
      if (!is_known(name))
        return sql_error("the SQL failed", "Catalog Error: Table with name " + name + " does not exist!", target_);
    return {};
  }

  Status run_all_but_the_last() {
    if (statements_.size() > 1 || statements_[0]->type != StatementType::SELECT_STATEMENT) OSIRIS_TRY(enter_scratch());
    for (size_t i = 0; i + 1 < statements_.size(); ++i) OSIRIS_TRY(execute(std::move(statements_[i])));
    return {};
  }

  static Error gives_no_rows(const std::string& kind) {
    return Error(Code::kStepFailed, "the SQL gives no rows: its last statement is " + kind,
                 "End it with a SELECT; the last statement's rows are the step's output.",
                 category::kTransformInvalidInput);
  }

  Status make_output(duckdb::vector<std::string> names, const duckdb::vector<duckdb::LogicalType>& types) {
    allow_output();
    auto info = duckdb::make_uniq<duckdb::CreateTableInfo>(target_.output_database, "main", target_.output_table);
    duckdb::QueryResult::DeduplicateColumns(names);
    for (size_t i = 0; i < types.size(); ++i) info->columns.AddColumn(duckdb::ColumnDefinition(names[i], types[i]));
    auto create = duckdb::make_uniq<duckdb::CreateStatement>();
    create->info = std::move(info);
    OSIRIS_TRY(execute(std::move(create)));
    return {};
  }

  Status enter_scratch() {
    Access wide = access_;
    wide.trusted = true;
    AccessState::give(*confined_.context, wide);
    auto result = confined_.Query("USE " + duckdb::KeywordHelper::WriteOptionallyQuoted(target_.scratch_database));
    access_.scratch_database = target_.scratch_database;
    AccessState::give(*confined_.context, access_);
    if (result->HasError()) return engine_error(result->GetErrorObject(), target_);
    return {};
  }

  // Binds the statement, which reveals every database it would change, and only then runs it.
  Result<duckdb::unique_ptr<duckdb::QueryResult>> execute(duckdb::unique_ptr<SQLStatement> statement) {
    auto prepared = confined_.Prepare(std::move(statement));
    if (prepared->HasError()) return engine_error(prepared->error, target_);
    const auto state = AccessState::of(*confined_.context);
    for (const auto& entry : prepared->GetStatementProperties().modified_databases) {
      if (!state->may_write(entry.first))
        return engine_error(
            duckdb::ErrorData(duckdb::PermissionException("a step's SQL can only change tables that it made itself")),
            target_);
    }
    duckdb::vector<duckdb::Value> no_values;
    auto result = prepared->Execute(no_values, /*allow_stream_result=*/false);
    if (result->HasError()) return engine_error(result->GetErrorObject(), target_);
    return Result<duckdb::unique_ptr<duckdb::QueryResult>>(std::move(result));
  }

  duckdb::unique_ptr<SQLStatement> create_as(duckdb::unique_ptr<SQLStatement> select,
                                             const std::string& database) const {
    auto info = duckdb::make_uniq<duckdb::CreateTableInfo>(database, "main", target_.output_table);
    info->query = duckdb::unique_ptr_cast<SQLStatement, duckdb::SelectStatement>(std::move(select));
    auto create = duckdb::make_uniq<duckdb::CreateStatement>();
    create->info = std::move(info);
    return create;
  }

  // CREATE TABLE output AS <the statement>, put together as a tree. Only this statement may write to the output
  // database.
  Result<uint64_t> keep_select(duckdb::unique_ptr<SQLStatement> statement) {
    // One transaction writes to one database only, and nextval() writes to the scratch one: then by way of a table
    // there.
    if (!access_.scratch_database.empty()) {
      auto prepared = confined_.Prepare(statement->Copy());
      if (!prepared->HasError() && !prepared->GetStatementProperties().IsReadOnly()) {
        OSIRIS_TRY(execute(create_as(std::move(statement), target_.scratch_database)));
        duckdb::Parser parser;
        parser.ParseQuery("SELECT * FROM " + duckdb::KeywordHelper::WriteQuoted(target_.scratch_database, '"') +
                          ".main." + duckdb::KeywordHelper::WriteQuoted(target_.output_table, '"'));
        statement = std::move(parser.statements[0]);
      }
    }
    allow_output();
    OSIRIS_ASSIGN(auto result, execute(create_as(std::move(statement), target_.output_database)));
    return single_count(*result);
  }

  void allow_output() {
    access_.output_database = target_.output_database;
    AccessState::give(*confined_.context, access_);
  }

  // INSERT ... RETURNING, EXPLAIN: the rows are appended to a table of their types.
  Result<uint64_t> keep_rows(duckdb::unique_ptr<SQLStatement> statement) {
    const std::string kind = duckdb::StatementTypeToString(statement->type);
    OSIRIS_ASSIGN(auto result, execute(std::move(statement)));
    if (result->properties.return_type != duckdb::StatementReturnType::QUERY_RESULT) return gives_no_rows(kind);
    auto& rows = result->Cast<duckdb::MaterializedQueryResult>();
    OSIRIS_TRY(make_output(rows.names, rows.types));
    duckdb::Appender appender(confined_, target_.output_database, "main", target_.output_table);
    for (auto& chunk : rows.Collection().Chunks()) appender.AppendDataChunk(chunk);
    appender.Close();
    return rows.RowCount();
  }

  static uint64_t single_count(duckdb::QueryResult& result) {
    auto chunk = result.Fetch();
    return chunk && chunk->size() ? chunk->GetValue(0, 0).GetValue<uint64_t>() : 0;
  }

  duckdb::Connection& confined_;
  Access access_;
  const ScriptTarget& target_;
  Statements statements_;         // as they are run: PIVOT is taken apart
  bool depends_on_rows_ = false;  // the columns of the result, in the case of PIVOT
};

// The place that the engine has only drawn: "LINE 2: ...FROM people JOIN x" and a caret below.
std::optional<uint64_t> drawn_offset(const std::string& message, std::string_view sql) {
  size_t at = message.find("\nLINE ");
  if (at == std::string::npos) return std::nullopt;
  at += 6;
  uint64_t number = 0;
  const auto [end, failed] = std::from_chars(message.data() + at, message.data() + message.size(), number);
  if (failed != std::errc() || number == 0) return std::nullopt;
  const size_t prefix_begin = message.rfind('\n', at) + 1;
  const size_t text_begin = static_cast<size_t>(end - message.data()) + 2;  // behind ": "
  const size_t line_end = message.find('\n', text_begin);
  const size_t caret = message.find('^', line_end == std::string::npos ? message.size() : line_end);
  if (caret == std::string::npos) return std::nullopt;
  const size_t column = caret - (line_end + 1);
  if (column < text_begin - prefix_begin) return std::nullopt;
  std::string_view shown = std::string_view(message).substr(text_begin, line_end - text_begin);
  size_t inside = column - (text_begin - prefix_begin);
  if (shown.starts_with("...") && inside >= 3) shown.remove_prefix(3), inside -= 3;
  if (shown.ends_with("...")) shown.remove_suffix(3);
  size_t begin = 0;
  for (uint64_t line = 1; line < number; ++line) {
    begin = sql.find('\n', begin);
    if (begin == std::string_view::npos) return std::nullopt;
    ++begin;
  }
  const std::string_view line = sql.substr(begin, sql.find('\n', begin) - begin);
  const size_t found = line.find(shown);
  if (found == std::string_view::npos || found + inside > line.size()) return std::nullopt;
  return begin + found + inside;
}

// What can be told with the SQL at hand: where in it the error is, and that it names a table by a step's id, which the
// engine reads as a subtraction.
Error in_text(Error error, std::string_view sql, const ScriptTarget& target) {
  if (error.detail.is_null())
    if (const auto offset = drawn_offset(error.message, sql)) error.detail = Json::object({{kSqlOffset, *offset}});
  if (error.code != Code::kStepFailed || error.message.find("there is no table") != std::string::npos) return error;
  if (const auto meant = dashed_input(sql, target))
    error.hint = "In SQL the step's rows are named " + *meant + ": '-' becomes '_'.";
  return error;
}

}  // namespace

Result<uint64_t> run_script(duckdb_connection confined, std::string_view sql, Access access,
                            const ScriptTarget& target) {
  try {
    auto rows = Script(*reinterpret_cast<duckdb::Connection*>(confined), std::move(access), target).run(sql);
    return rows.ok() ? rows : Result<uint64_t>(in_text(rows.error(), sql, target));
  } catch (const std::exception& failure) {
    return in_text(engine_error(duckdb::ErrorData(failure), target), sql, target);
  }
}

Status describe_script(duckdb_connection confined, std::string_view sql, Access access, const ScriptTarget& target) {
  try {
    const Status described =
        Script(*reinterpret_cast<duckdb::Connection*>(confined), std::move(access), target).describe(sql);
    return described.ok() ? described : Status(in_text(described.error(), sql, target));
  } catch (const std::exception& failure) {
    return in_text(engine_error(duckdb::ErrorData(failure), target), sql, target);
  }
}

}  // namespace osiris::worker

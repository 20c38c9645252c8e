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
#include <duckdb/parser/statement/multi_statement.hpp>
#include <duckdb/parser/statement/select_statement.hpp>
#include <duckdb/planner/binder.hpp>
#include <duckdb/planner/bound_parameter_map.hpp>

#include <algorithm>
#include <set>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/database/access.h"
#include "worker/database/allowed_statements.h"
#include "worker/database/bound_values.h"
#include "worker/database/constant_faults.h"
#include "worker/database/engine.h"
#include "worker/database/script_errors.h"

namespace osiris::worker {
namespace {

using duckdb::SQLStatement;
using duckdb::StatementType;
using Statements = duckdb::vector<duckdb::unique_ptr<SQLStatement>>;

class Script {
 public:
  Script(duckdb::Connection& confined, Access access, const ScriptTarget& target, BoundValues values)
      : confined_(confined), access_(std::move(access)), target_(target), values_(std::move(values)) {
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

  Status leave(std::string_view sql) {
    OSIRIS_TRY(parse(sql));
    const Error unsupported(Code::kUnsupported, "not a query that another statement can run");
    if (statements_.size() != 1 || statements_[0]->type != StatementType::SELECT_STATEMENT || depends_on_rows_ ||
        !values_.empty() || !only_reads(*statements_[0]))
      return unsupported;
    std::set<std::string> names;
    const Columns columns = inner_columns(statements_[0]->Copy());
    for (const std::string& name : columns.names)
      if (!names.insert(duckdb::StringUtil::Lower(name)).second) return unsupported;
    if (has_untyped(columns)) return unsupported;  // a table keeps that, or not, as there are rows
    allow_output();
    auto info = duckdb::make_uniq<duckdb::CreateViewInfo>(target_.output_database, "main", target_.output_table);
    info->query = duckdb::unique_ptr_cast<SQLStatement, duckdb::SelectStatement>(std::move(statements_[0]));
    auto create = duckdb::make_uniq<duckdb::CreateStatement>();
    create->info = std::move(info);
    const auto created = execute(std::move(create));
    return created.ok() ? Status() : Status(created.error());
  }

  Status describe(std::string_view sql) {
    OSIRIS_TRY(parse(sql));
    if (!target_.unknown_inputs.empty()) OSIRIS_TRY(check_tables(sql));
    if (!depends_on_rows_ && ends_with_select())
      OSIRIS_TRY(fault_status(fault_of_constants(*confined_.context, *statements_.back())));
    if (depends_on_rows_ || !target_.unknown_inputs.empty())
      return Error(Code::kUnsupported, "the columns are known when it runs", "", category::kTransformFailed);
    OSIRIS_TRY(run_all_but_the_last());
    const std::string kind = duckdb::StatementTypeToString(statements_.back()->type);
    const bool is_select = ends_with_select();
    auto again = statements_.back()->Copy();
    // Planned with its values, because their types decide what it gives. Its inputs have no rows here.
    BoundValues values = values_of(*statements_.back(), values_);
    auto pending = confined_.PendingQuery(std::move(statements_.back()), values);
    if (pending->HasError()) return engine_error(pending->GetErrorObject(), target_);
    if (pending->properties.return_type != duckdb::StatementReturnType::QUERY_RESULT) return gives_no_rows(kind);
    const auto names = pending->names;
    const auto types = pending->types;
    pending.reset();
    if (is_select) OSIRIS_TRY(fault_status(fault_of_values(*confined_.context, *again, values)));
    return make_output(names, is_select ? inner_columns(std::move(again)).types : types);
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
    OSIRIS_TRY(check_bound_names(statements_, values_));
    if (statements_.empty())
      return Error(Code::kStepFailed, "the SQL holds no statement", "Write a SELECT.",
                   category::kTransformInvalidInput);
    return {};
  }

  bool ends_with_select() const { return statements_.back()->type == StatementType::SELECT_STATEMENT; }

  Status fault_status(const std::optional<ConstantFault>& fault) const {
    if (!fault) return {};
    return constant_error(*fault, values_, target_);
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
    // The engine names the tables of one statement only, and of none with parameters.
    if (statements_.size() > 1 || !statements_[0]->named_param_map.empty()) return {};
    for (const std::string& name : confined_.GetTableNames(std::string(sql)))
      if (!is_known(name)) return no_such_table(name, target_);
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

  Status make_output(duckdb::vector<std::string> names, const duckdb::vector<duckdb::LogicalType>& types,
                     duckdb::OnCreateConflict conflict = duckdb::OnCreateConflict::ERROR_ON_CONFLICT) {
    allow_output();
    auto info = duckdb::make_uniq<duckdb::CreateTableInfo>(target_.output_database, "main", target_.output_table);
    duckdb::QueryResult::DeduplicateColumns(names);
    for (size_t i = 0; i < types.size(); ++i) info->columns.AddColumn(duckdb::ColumnDefinition(names[i], types[i]));
    info->on_conflict = conflict;
    auto create = duckdb::make_uniq<duckdb::CreateStatement>();
    create->info = std::move(info);
    OSIRIS_TRY(execute(std::move(create)));
    return {};
  }

  Status enter_scratch() {
    OSIRIS_ASSIGN(const std::string scratch, target_.scratch_database());
    Access wide = access_;
    wide.trusted = true;
    AccessState::give(*confined_.context, wide);
    auto result = confined_.Query("USE " + duckdb::KeywordHelper::WriteOptionallyQuoted(scratch));
    access_.scratch_database = scratch;
    AccessState::give(*confined_.context, access_);
    if (result->HasError()) return engine_error(result->GetErrorObject(), target_);
    return {};
  }

  // Binds the statement, which reveals every database it would change, and only then runs it.
  Result<duckdb::unique_ptr<duckdb::QueryResult>> execute(duckdb::unique_ptr<SQLStatement> statement) {
    if (!statement->named_param_map.empty()) return execute_with_values(std::move(statement));
    auto prepared = confined_.Prepare(std::move(statement));
    if (prepared->HasError()) return engine_error(prepared->error, target_);
    OSIRIS_TRY(check_changes(prepared->GetStatementProperties()));
    duckdb::vector<duckdb::Value> no_values;
    return checked(prepared->Execute(no_values, /*allow_stream_result=*/false));
  }

  // Planned with its values, because their types decide what it means.
  Result<duckdb::unique_ptr<duckdb::QueryResult>> execute_with_values(duckdb::unique_ptr<SQLStatement> statement) {
    if (statement->type != StatementType::EXPLAIN_STATEMENT) {
      OSIRIS_ASSIGN(const duckdb::StatementProperties properties, planned(*statement));
      OSIRIS_TRY(check_changes(properties));
    }
    BoundValues values = values_of(*statement, values_);
    auto pending = confined_.PendingQuery(std::move(statement), values);
    if (pending->HasError()) return engine_error(pending->GetErrorObject(), target_);
    return checked(pending->Execute());
  }

  Status check_changes(const duckdb::StatementProperties& properties) const {
    const auto state = AccessState::of(*confined_.context);
    for (const auto& entry : properties.modified_databases) {
      if (!state->may_write(entry.first))
        return engine_error(
            duckdb::ErrorData(duckdb::PermissionException("a step's SQL can only change tables that it made itself")),
            target_);
    }
    return {};
  }

  Result<duckdb::unique_ptr<duckdb::QueryResult>> checked(duckdb::unique_ptr<duckdb::QueryResult> result) const {
    if (result->HasError()) return engine_error(result->GetErrorObject(), target_);
    return Result<duckdb::unique_ptr<duckdb::QueryResult>>(std::move(result));
  }

  // Whether it only reads; also true of one that cannot be bound, whose error comes when it runs.
  bool only_reads(const SQLStatement& statement) {
    if (statement.named_param_map.empty()) {
      const auto prepared = confined_.Prepare(statement.Copy());
      return prepared->HasError() || prepared->GetStatementProperties().IsReadOnly();
    }
    auto properties = planned(statement);
    return !properties.ok() || properties->IsReadOnly();
  }

  // What planning it with its values shows. A pending query may run before it is asked to; an explained one never does.
  Result<duckdb::StatementProperties> planned(const SQLStatement& statement) {
    BoundValues values = values_of(statement, values_);
    auto explain = duckdb::make_uniq<duckdb::ExplainStatement>(statement.Copy());
    explain->named_param_map = statement.named_param_map;
    const auto pending = confined_.PendingQuery(std::move(explain), values);
    if (pending->HasError()) return engine_error(pending->GetErrorObject(), target_);
    return pending->properties;
  }

  duckdb::unique_ptr<SQLStatement> create_as(duckdb::unique_ptr<SQLStatement> select,
                                             const std::string& database) const {
    auto info = duckdb::make_uniq<duckdb::CreateTableInfo>(database, "main", target_.output_table);
    auto create = duckdb::make_uniq<duckdb::CreateStatement>();
    create->named_param_map = select->named_param_map;
    info->query = duckdb::unique_ptr_cast<SQLStatement, duckdb::SelectStatement>(std::move(select));
    create->info = std::move(info);
    return create;
  }

  // CREATE TABLE output AS <the statement>, put together as a tree. Only this statement may write to the output
  // database.
  Result<uint64_t> keep_select(duckdb::unique_ptr<SQLStatement> statement) {
    // One transaction writes to one database only, and nextval() writes to the scratch one: then by way of a table
    // there.
    if (!access_.scratch_database.empty() && !only_reads(*statement)) {
      OSIRIS_TRY(execute(create_as(std::move(statement), access_.scratch_database)));
      duckdb::Parser parser;
      parser.ParseQuery("SELECT * FROM " + duckdb::KeywordHelper::WriteQuoted(access_.scratch_database, '"') +
                        ".main." + duckdb::KeywordHelper::WriteQuoted(target_.output_table, '"'));
      statement = std::move(parser.statements[0]);
    }
    allow_output();
    auto again = statement->Copy();
    OSIRIS_ASSIGN(auto result, execute(create_as(std::move(statement), target_.output_database)));
    const uint64_t rows = single_count(*result);
    if (rows == 0) OSIRIS_TRY(keep_untyped(std::move(again)));
    return rows;
  }

  // A column of a file without rows has the type NULL, which goes with every SQL, and CREATE TABLE AS makes INTEGER of
  // it. Where there are still no rows it stays NULL for the steps that follow.
  Status keep_untyped(duckdb::unique_ptr<SQLStatement> select) {
    const Columns columns = inner_columns(std::move(select));
    if (!has_untyped(columns)) return {};
    return make_output(columns.names, columns.types, duckdb::OnCreateConflict::REPLACE_ON_CONFLICT);
  }

  struct Columns {
    duckdb::vector<std::string> names;
    duckdb::vector<duckdb::LogicalType> types;
  };
  static bool has_untyped(const Columns& columns) {
    return std::any_of(columns.types.begin(), columns.types.end(),
                       [](const duckdb::LogicalType& type) { return type.id() == duckdb::LogicalTypeId::SQLNULL; });
  }
  // Of a SELECT's result as a query around it would see them: at the root the engine makes INTEGER of NULL.
  Columns inner_columns(duckdb::unique_ptr<SQLStatement> select) {
    Columns columns;
    BoundValues values = values_of(*select, values_);
    confined_.context->RunFunctionInTransaction([&] {
      const auto binder = duckdb::Binder::CreateBinder(*confined_.context);
      binder->SetCanContainNulls(true);
      duckdb::BoundParameterMap parameters(values);
      binder->SetParameters(parameters);
      const auto bound = binder->Bind(*select);
      columns = {bound.names, bound.types};
    });
    return columns;
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
  BoundValues values_;
};

// Whatever goes wrong is an error about the text.
template <class Outcome>
Outcome with_script(duckdb_connection confined, std::string_view sql, const Json& values, Access access,
                    const ScriptTarget& target, Outcome (Script::*run)(std::string_view)) {
  try {
    OSIRIS_ASSIGN(BoundValues bound, bound_values(values));
    Script script(*reinterpret_cast<duckdb::Connection*>(confined), std::move(access), target, std::move(bound));
    auto outcome = (script.*run)(sql);
    return outcome.ok() ? outcome : Outcome(in_text(outcome.error(), sql, target));
  } catch (const std::exception& failure) {
    return in_text(engine_error(duckdb::ErrorData(failure), target), sql, target);
  }
}

}  // namespace

Result<uint64_t> run_script(duckdb_connection confined, std::string_view sql, const Json& values, Access access,
                            const ScriptTarget& target) {
  return with_script(confined, sql, values, std::move(access), target, &Script::run);
}

Status leave_query(duckdb_connection confined, std::string_view sql, const Json& values, Access access,
                   const ScriptTarget& target) {
  return with_script(confined, sql, values, std::move(access), target, &Script::leave);
}

Status describe_script(duckdb_connection confined, std::string_view sql, const Json& values, Access access,
                       const ScriptTarget& target) {
  return with_script(confined, sql, values, std::move(access), target, &Script::describe);
}

}  // namespace osiris::worker

#include "protocol/model/step_naming.h"
#include "worker/database/column_comments.h"
#include "worker/database/database.h"
#include "worker/database/engine.h"

namespace osiris::worker {

StepDatabase::StepDatabase(std::shared_ptr<Database> database, std::string step_id, std::vector<StepInput> inputs,
                           std::vector<std::string> unknown)
    : database_(std::move(database)),
      step_id_(std::move(step_id)),
      inputs_(std::move(inputs)),
      unknown_(std::move(unknown)) {}

StepDatabase::~StepDatabase() {
  // Connections first: an attached database in use cannot be detached.
  confined_.reset();
  connection_.reset();
}

Status StepDatabase::make_views(Connection& connection) {
  for (const StepInput& input : inputs_) {
    for (const std::string& name : input.names)
      OSIRIS_TRY(connection.execute("CREATE TEMPORARY VIEW " + sql::quote_identifier(name) + " AS SELECT * FROM " +
                                    input.relation->qualified_name()));
  }
  return {};
}

// A view has no comments of the table it shows.
Status StepDatabase::take_comments(Connection& connection) {
  for (const StepInput& input : inputs_) {
    OSIRIS_ASSIGN(const auto comments, column_comments(connection.handle(), input.relation->name()));
    for (const auto& [column, comment] : comments) {
      for (const std::string& name : input.names)
        OSIRIS_TRY(connection.execute("COMMENT ON COLUMN " + sql::TableName{"temp", "main", name}.quoted() + "." +
                                      sql::quote_identifier(column) + " IS " + sql::quote_literal(comment)));
    }
  }
  return {};
}

Status StepDatabase::ensure_connection() {
  if (connection_) return {};
  OSIRIS_ASSIGN(auto connection, database_->connect());
  OSIRIS_TRY(make_views(*connection));
  OSIRIS_TRY(take_comments(*connection));
  measure_progress(connection->handle());
  const std::lock_guard lock(mutex_);
  connection_ = std::move(connection);
  return {};
}

Status StepDatabase::ensure_output() {
  if (output_) return {};
  OSIRIS_ASSIGN(output_, database_->attach());
  output_table_ = {output_->name(), "main", relation_name(step_id_)};
  return {};
}

duckdb_connection StepDatabase::handle() {
  if (const Status status = ensure_connection(); !status.ok()) {
    error_ = status;
    return nullptr;
  }
  return connection_->handle();
}

duckdb_connection StepDatabase::open_another() {
  auto connection = database_->connect();
  if (!connection.ok()) {
    error_ = connection.error();
    return nullptr;
  }
  return (*connection)->release();
}

const sql::TableName& StepDatabase::output_table() {
  if (const Status status = ensure_output(); !status.ok()) error_ = status;
  return output_table_;
}

Result<uint64_t> StepDatabase::run_confined(std::string_view sql, const Json& values) {
  return with_confined([sql, &values](duckdb_connection confined, Access access, const ScriptTarget& target) {
    return run_script(confined, sql, values, std::move(access), target);
  });
}

Status StepDatabase::describe_confined(std::string_view sql, const Json& values) {
  const auto described =
      with_confined([sql, &values](duckdb_connection confined, Access access, const ScriptTarget& target) {
        const Status status = describe_script(confined, sql, values, std::move(access), target);
        return status.ok() ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(status.error());
      });
  return described.ok() ? Status() : Status(described.error());
}

Result<uint64_t> StepDatabase::with_confined(
    const std::function<Result<uint64_t>(duckdb_connection, Access, const ScriptTarget&)>& run) {
  OSIRIS_TRY(ensure_output());
  OSIRIS_ASSIGN(auto connection, database_->connect());
  OSIRIS_TRY(make_views(*connection));
  OSIRIS_ASSIGN(const auto scratch, database_->attach());
  Access access;
  ScriptTarget target;
  for (const StepInput& input : inputs_) {
    access.readable_databases.push_back(input.relation->database());
    target.inputs.insert(target.inputs.end(), input.names.begin(), input.names.end());
    for (const std::string& name : input.names) {
      const bool shows_step =
          input.from_step.empty() || name == relation_name(input.from_step) || name == kOnlyInputName;
      target.inputs_shown.push_back(shows_step ? name : name + " (step " + input.from_step + ")");
    }
  }
  target.inputs_shown.insert(target.inputs_shown.end(), unknown_.begin(), unknown_.end());
  target.inputs.insert(target.inputs.end(), unknown_.begin(), unknown_.end());
  target.unknown_inputs = unknown_;
  target.scratch_database = scratch->name();
  target.output_database = output_->name();
  target.output_table = relation_name(step_id_);
  {
    const std::lock_guard lock(mutex_);
    confined_ = std::move(connection);
  }
  auto rows = run(confined_->handle(), std::move(access), target);
  {
    const std::lock_guard lock(mutex_);
    confined_.reset();  // before its scratch database goes
  }
  if (rows.ok()) return rows;
  Error error = rows.error();
  error.message = without_random_names(error.message);
  return error;
}

Result<std::shared_ptr<const Relation>> StepDatabase::take_output() {
  if (!output_) return std::shared_ptr<const Relation>();
  OSIRIS_ASSIGN(const auto connection, database_->connect());
  const auto rows = connection->single_number("SELECT count(*) FROM " + output_table_.quoted());
  if (!rows.ok()) {
    if (!rows.error().message.starts_with("Catalog Error")) return rows.error();
    output_.reset();  // the driver asked for its name and made no table
    return std::shared_ptr<const Relation>();
  }
  return std::shared_ptr<const Relation>(
      std::make_shared<Relation>(std::move(output_), relation_name(step_id_), *rows));
}

void StepDatabase::interrupt() {
  const std::lock_guard lock(mutex_);
  if (connection_) duckdb_interrupt(connection_->handle());
  if (confined_) duckdb_interrupt(confined_->handle());
}

}  // namespace osiris::worker

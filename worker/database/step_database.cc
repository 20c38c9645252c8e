#include <algorithm>

#include "protocol/model/step_naming.h"
#include "worker/database/catalog_changes.h"
#include "worker/database/database.h"
#include "worker/database/engine.h"
#include "worker/driver_api/file_columns.h"
#include "worker/driver_api/kept_rows.h"

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

bool StepDatabase::has_streams() const {
  return std::any_of(inputs_.begin(), inputs_.end(), [](const StepInput& input) { return input.stream != nullptr; });
}

// In a database of their own and not among the temporary views, which come first wherever a name is looked for: a query
// that was left as a view looks for its inputs beside itself.
Status StepDatabase::make_stream_views(Connection& connection, const std::string& database) {
  for (const StepInput& input : inputs_) {
    const std::string rows = input.stream ? input.stream->rows : input.relation->qualified_name();
    for (const std::string& name : input.names)
      OSIRIS_TRY(connection.execute("CREATE VIEW " + sql::TableName{database, "main", name}.quoted() +
                                    " AS SELECT * FROM " + rows));
  }
  return connection.execute("USE " + sql::quote_identifier(database));
}

// What reading the inputs touches.
Access StepDatabase::input_access() const {
  Access access;
  const auto add = [](std::vector<std::string>& to, const std::vector<std::string>& more) {
    to.insert(to.end(), more.begin(), more.end());
  };
  for (const StepInput& input : inputs_) {
    if (input.relation) access.readable_databases.push_back(input.relation->database());
    if (!input.stream) continue;
    add(access.streams, input.stream->functions);
    add(access.stream_files, input.stream->files);
    access.stream_bytes += input.stream->bytes;
    for (const auto& relation : input.stream->relations) access.readable_databases.push_back(relation->database());
  }
  return access;
}

Status StepDatabase::ensure_connection() {
  if (connection_) return {};
  OSIRIS_ASSIGN(auto connection, database_->connect());
  if (has_streams()) {
    // The user's SQL of steps before runs here, so this connection may do no more than they.
    OSIRIS_ASSIGN(views_, database_->attach());
    OSIRIS_TRY(make_stream_views(*connection, views_->name()));
    set_access(connection->handle(), input_access());
  } else {
    OSIRIS_TRY(make_input_views(connection->handle(), inputs_, true));
  }
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
  rows_made_.reset();
  if (const Status status = ensure_connection(); !status.ok()) {
    error_ = status;
    return nullptr;
  }
  return connection_->handle();
}

void StepDatabase::may_write(const std::string& file) {
  if (!has_streams() || !handle()) return;
  written_files_.push_back(file);
  Access access = input_access();
  access.written_files = written_files_;
  set_access(connection_->handle(), std::move(access));
}

Status StepDatabase::keep_input(const std::string& file) {
  may_write(file);
  OSIRIS_TRY(error_);
  const Input input{inputs_.front().names.front(), inputs_.front().from_step, 0, true};
  OSIRIS_ASSIGN(auto columns, input_columns(connection_->handle(), input, FileFormat::kParquet, FileReader::kWorker));
  kept_ = std::make_unique<KeptRows>(std::move(columns), file);
  kept_->keep_from(connection_->handle());
  return {};
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
  rows_made_.reset();
  if (const Status status = ensure_output(); !status.ok()) error_ = status;
  return output_table_;
}

Result<uint64_t> StepDatabase::run_confined(std::string_view sql, const Json& values) {
  return with_confined([this, sql, &values](duckdb_connection confined, Access access, const ScriptTarget& target) {
    if (leaves_queries_) {
      const Status left = leave_query(confined, sql, values, target);
      return left.ok() ? Result<uint64_t>(uint64_t{0}) : Result<uint64_t>(left.error());
    }
    auto rows = run_script(confined, sql, values, std::move(access), target);
    if (rows.ok()) rows_made_ = *rows;
    return rows;
  });
}

Status StepDatabase::leave_query(duckdb_connection confined, std::string_view sql, const Json& values,
                                 const ScriptTarget& target) {
  OSIRIS_TRY(worker::leave_query(confined, sql, values, input_access(), target));
  auto stream = std::make_shared<RowStream>();
  stream->rows = output_table_.quoted();
  const Access access = input_access();
  stream->functions = access.streams;
  stream->files = access.stream_files;
  stream->bytes = access.stream_bytes;
  for (const StepInput& input : inputs_) {
    if (input.relation) stream->relations.push_back(input.relation);
    if (!input.stream) continue;
    const RowStream& before = *input.stream;
    stream->relations.insert(stream->relations.end(), before.relations.begin(), before.relations.end());
    stream->views.insert(stream->views.end(), before.views.begin(), before.views.end());
  }
  stream->views.push_back(std::move(output_));
  left_ = std::move(stream);
  return {};
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
  std::unique_ptr<AttachedDatabase> scratch;  // most scripts are one SELECT and need none
  const auto attach_scratch = [this, &scratch]() -> Result<std::string> {
    if (!scratch) {
      OSIRIS_ASSIGN(scratch, database_->attach());
    }
    return scratch->name();
  };
  OSIRIS_ASSIGN(auto connection, database_->connect());
  if (leaves_queries_) {
    OSIRIS_TRY(make_stream_views(*connection, output_->name()));
  } else if (has_streams()) {
    OSIRIS_ASSIGN(const std::string name, attach_scratch());
    OSIRIS_TRY(make_stream_views(*connection, name));
  } else {
    OSIRIS_TRY(make_input_views(connection->handle(), inputs_, false));
  }
  const Access access = input_access();
  ScriptTarget target;
  for (const StepInput& input : inputs_) {
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
  target.scratch_database = attach_scratch;
  target.output_database = output_->name();
  target.output_table = relation_name(step_id_);
  {
    const std::lock_guard lock(mutex_);
    confined_ = std::move(connection);
  }
  auto rows = run(confined_->handle(), access, target);
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
  Result<uint64_t> rows = rows_made_.value_or(0);
  if (!rows_made_) {
    OSIRIS_ASSIGN(const auto connection, database_->connect());
    rows = connection->single_number("SELECT count(*) FROM " + output_table_.quoted());
  }
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

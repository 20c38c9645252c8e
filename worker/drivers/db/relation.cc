#include "worker/drivers/db/relation.h"

#include "protocol/base/categories.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::db {

// What the engine says, as a failure of this step.
Error Relation::not_stored(Error error) const {
  error.message = reader_ + " execution failed: the rows could not be stored: " + error.message;
  if (error.code == Code::kStepFailed) error.category = category::kSystemError;
  if (error.code == Code::kExhausted) error.hint = "give the run more memory or disk, or select fewer columns";
  return error;
}

Relation::~Relation() {
  if (appender_) duckdb_appender_destroy(&appender_);
  if (exists_ && !is_complete_) (void)run("DROP TABLE IF EXISTS " + table_.quoted());
}

Status Relation::run(const std::string& statement) {
  const Status done = sql::execute(connection_, statement);
  return done ? done : Status(not_stored(done.error()));
}

Error Relation::appender_error() { return not_stored(sql::appender_error(appender_)); }

Status Relation::create(const RelationColumns& columns) {
  std::string statement = "CREATE TABLE " + table_.quoted() + " (";
  for (size_t i = 0; i < columns.size(); ++i)
    statement += (i > 0 ? ", " : "") + sql::quote_identifier(columns[i].name) + " " + columns[i].type.sql();
  OSIRIS_TRY(run(statement + ")"));
  exists_ = true;

  if (duckdb_appender_create_ext(connection_, table_.catalog.c_str(), table_.schema.c_str(), table_.table.c_str(),
                                 &appender_) == DuckDBError)
    return appender_error();
  return {};
}

Status Relation::append(Chunk& chunk) {
  if (duckdb_append_data_chunk(appender_, chunk.handle()) == DuckDBError) return appender_error();
  return {};
}

Status Relation::finish() {
  if (duckdb_appender_close(appender_) == DuckDBError) return appender_error();
  is_complete_ = true;
  return {};
}

}  // namespace osiris::worker::db

// The step's output table while it is being filled. Dropped again unless finish() succeeded.
#pragma once

#include <duckdb.h>

#include <string>

#include "protocol/base/error.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/db/chunk.h"

namespace osiris::worker::db {

class Relation {
 public:
  // `connection` outlives it. `reader`: how an error begins, "MySQL".
  Relation(std::string reader, duckdb_connection connection, sql::TableName table)
      : reader_(std::move(reader)), connection_(connection), table_(std::move(table)) {}
  ~Relation();
  Relation(const Relation&) = delete;
  Relation& operator=(const Relation&) = delete;

  Status create(const RelationColumns& columns);
  Status append(Chunk& chunk);
  Status finish();

 private:
  Status run(const std::string& statement);
  Error appender_error();
  Error not_stored(Error error) const;

  std::string reader_;
  duckdb_connection connection_;
  sql::TableName table_;
  duckdb_appender appender_ = nullptr;
  bool exists_ = false;
  bool is_complete_ = false;
};

}  // namespace osiris::worker::db

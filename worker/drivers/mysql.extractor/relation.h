// The step's output table while it is being filled. Dropped again unless finish() succeeded.
#pragma once

#include <duckdb.h>

#include <string>

#include "protocol/base/error.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/mysql.extractor/batch.h"
#include "worker/drivers/mysql.extractor/columns.h"

namespace osiris::worker::mysql {

class Relation {
 public:
  // `connection` outlives it.
  Relation(duckdb_connection connection, sql::TableName table) : connection_(connection), table_(std::move(table)) {}
  ~Relation();
  Relation(const Relation&) = delete;
  Relation& operator=(const Relation&) = delete;

  Status create(const Columns& columns);
  Status append(Chunk& chunk);
  Status finish();

 private:
  Status run(const std::string& statement);
  Error appender_error();

  duckdb_connection connection_;
  sql::TableName table_;
  duckdb_appender appender_ = nullptr;
  bool exists_ = false;
  bool is_complete_ = false;
};

}  // namespace osiris::worker::mysql

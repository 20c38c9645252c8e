// A relation made of JSON records as they come: columns appear with the first record that has them, and their types are
// settled when all records are there. Records wait in a table of the engine's, which spills like any other.
#pragma once

#include <duckdb.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "worker/driver_api/driver.h"

namespace osiris::worker::web {

// Used by one thread. On error nothing is left but the step's own temporary table.
class RecordTable {
 public:
  // `flattens`: members of objects become columns, "author.name"; otherwise an object stays one JSON value.
  RecordTable(StepContext& step, bool flattens) : step_(step), flattens_(flattens) {}
  ~RecordTable();
  RecordTable(const RecordTable&) = delete;
  RecordTable& operator=(const RecordTable&) = delete;

  // Columns the relation has even where no record has them; they come first.
  Status expect(const std::vector<std::string>& columns);
  // An object is a row; anything else is a row of the column "value".
  Status add(const Json& record);
  uint64_t rows() const { return rows_; }

  // Makes the step's output. Types: BIGINT, HUGEINT where unsigned values beyond it come, DOUBLE, BOOLEAN, VARCHAR,
  // JSON for lists and objects. A column of several types is VARCHAR, each value as JSON writes it, and the log says
  // so; one without values is VARCHAR, and without any record "NULL", which goes with every SQL. kStepFailed where no
  // column is known.
  Status finish();

 private:
  struct Column {
    std::string name;
    // What was seen in it.
    bool integers = false, unsigneds = false, doubles = false, booleans = false, texts = false, values = false;
    bool is_exact = true;  // no integer that a DOUBLE would change
    bool is_empty() const { return kinds() == 0; }
    bool is_mixed() const { return kinds() > 1 || (doubles && !is_exact); }
    std::string type() const;

   private:
    int kinds() const { return int{integers || unsigneds || doubles} + int{booleans} + int{texts} + int{values}; }
  };
  using Fields = std::vector<std::pair<size_t, const Json*>>;

  Status flatten(const Json& object, const std::string& prefix, Fields& fields);
  Result<size_t> column(const std::string& name);
  Status append(const Fields& fields);
  Status open();
  Status close();

  StepContext& step_;
  const bool flattens_;
  std::vector<Column> columns_;
  std::map<std::string, size_t, std::less<>> by_name_;  // in lower case
  size_t made_ = 0;                                     // columns that the table has
  duckdb_appender appender_ = nullptr;
  uint64_t rows_ = 0;
};

}  // namespace osiris::worker::web

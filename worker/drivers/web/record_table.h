// A relation made of JSON records as they come: columns appear with the first record that has them, and their types are
// settled when all records are there.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/driver_api/row_spool.h"
#include "worker/driver_api/settled_rows.h"

namespace osiris::worker::web {

// Used by one thread.
class RecordTable : public SettledRows {
 public:
  // `flattens`: members of objects become columns, "author.name"; otherwise an object stays one JSON value.
  RecordTable(StepContext& step, bool flattens);

  // Columns the relation has even where no record has them; they come first.
  Status expect(const std::vector<std::string>& columns);
  // An object is a row; anything else is a row of the column "value".
  Status add(const Json& record);
  uint64_t rows() const { return rows_; }

  // All records are there. Types: BIGINT, HUGEINT where unsigned values beyond it come, DOUBLE, BOOLEAN, VARCHAR, JSON
  // for lists and objects. A column of several types is VARCHAR, each value as JSON writes it, and the log says so; one
  // without values is VARCHAR, and without any record "NULL", which goes with every SQL. kStepFailed where no column is
  // known.
  Status settle();

  // After settle().
  Status create(StepContext& step) override;
  Result<std::optional<Select>> select(StepContext& step) override;
  bool is_read_to_its_end() const override { return spool_.is_read_to_its_end(); }

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
  // Whether it is an object that was NULL in some records, or in all that were expected: its parts are columns.
  bool has_parts(const Column& column) const;

  StepContext& step_;
  const bool flattens_;
  std::vector<Column> columns_;
  std::map<std::string, size_t, std::less<>> by_name_;  // in lower case
  RowSpool spool_;
  std::string list_, untyped_;  // of the relation's columns, settled: expressions of a SELECT, and names with NULL
  uint64_t rows_ = 0;
};

}  // namespace osiris::worker::web

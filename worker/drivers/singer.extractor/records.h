// The records of one stream on their way to the step's output: as text onto the disk, and from there with the types of
// the schema, once the tap has ended well.
#pragma once

#include <duckdb.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/driver_api/row_spool.h"
#include "worker/driver_api/settled_rows.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/singer.extractor/json_cursor.h"
#include "worker/drivers/singer.extractor/schema.h"

namespace osiris::worker::singer {

// Used by one thread.
class Records : public SettledRows {
 public:
  Records(StepContext& step, std::vector<Column> columns);

  const std::vector<Column>& columns() const { return columns_; }
  uint64_t rows() const { return rows_; }
  // `record`: the text of a JSON object. kStepFailed for a value that its column does not take, with the record's
  // number.
  Status add(std::string_view record);
  // All records are there: every value goes into its type, or is named with its column.
  Status settle();

  // After settle().
  Status create(StepContext& step) override;
  Result<std::optional<Select>> select(StepContext& step) override;
  bool is_read_to_its_end() const override { return spool_.is_read_to_its_end(); }

 private:
  Status put(size_t column, const Token& token);
  Error unfit(const Column& column, std::string_view value, const std::string& why) const;
  Result<sql::QueryResult> ask(const std::string& list, const std::string& condition);
  Status find_unfit(const Column& column, const std::string& name);

  StepContext& step_;
  const std::vector<Column> columns_;
  std::map<std::string, size_t, std::less<>> places_;  // by name
  std::vector<Token> found_;                           // of the record at hand; kNull: nothing
  std::vector<std::string> unknown_;                   // members that no column is for, as far as they were told
  RowSpool spool_;
  std::string buffer_;
  uint64_t rows_ = 0;
};

}  // namespace osiris::worker::singer

// The records of one stream on their way to the step's output: as text into a table of the engine's, which spills like
// any other, and from there with the types of the schema.
#pragma once

#include <duckdb.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/drivers/db/chunk.h"
#include "worker/drivers/singer.extractor/json_cursor.h"
#include "worker/drivers/singer.extractor/schema.h"

namespace osiris::worker::singer {

// Used by one thread. On error nothing is left but the step's own temporary table.
class Records {
 public:
  Records(StepContext& step, std::vector<Column> columns);
  ~Records();
  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;

  const std::vector<Column>& columns() const { return columns_; }
  uint64_t rows() const { return rows_; }
  // `record`: the text of a JSON object. kStepFailed for a value that its column does not take, with the record's
  // number.
  Status add(std::string_view record);
  // Makes output_table().
  Status finish();

 private:
  Status open();
  Status flush();
  Status put(size_t column, const Token& token);
  Error unfit(const Column& column, std::string_view value, const std::string& why) const;
  Status check_casts(const std::string& table);

  StepContext& step_;
  const std::vector<Column> columns_;
  std::map<std::string, size_t, std::less<>> places_;  // by name
  std::vector<Token> found_;                           // of the record at hand; kNull: nothing
  std::vector<std::string> unknown_;                   // members that no column is for, as far as they were told
  std::unique_ptr<db::Chunk> chunk_;
  size_t in_chunk_ = 0;
  duckdb_appender appender_ = nullptr;
  std::string buffer_;
  uint64_t rows_ = 0;
};

}  // namespace osiris::worker::singer

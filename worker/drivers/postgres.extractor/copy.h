// One COPY of a query's rows: its statement, and its rows into batches.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "worker/drivers/db/row_queue.h"
#include "worker/drivers/postgres.extractor/raw_rows.h"
#include "worker/drivers/postgres.extractor/row_reader.h"
#include "worker/drivers/postgres.extractor/settings.h"

namespace osiris::worker::postgres {

// What column `place` of the query is called in a filter.
std::string place_name(uint32_t place);
// The query, as a subquery whose columns have those names.
std::string named_subquery(const ExtractSettings& settings, const Columns& columns);
// The query as a statement that the server can copy out. `filter`: a condition on its columns, or empty.
std::string copy_sql(const ExtractSettings& settings, const Columns& columns, const std::string& filter);

class Copy {
 public:
  // All outlive it.
  Copy(const ExtractSettings& settings, const CallContext& call, const Columns& columns, db::RowQueue& queue);
  // Runs a statement of copy_sql(), whose rows are of chunk `chunk`.
  Status run(Connection& connection, const std::string& sql, size_t chunk = 0);

 private:
  std::string so_far() const;
  Status make_room();
  Status take_rows();
  RowReader::Outcome take_row(Bytes& bytes);
  Bytes rest() const { return Bytes(buffer_).substr(begin_, end_ - begin_); }
  void move_to_front();
  bool is_full() const;
  void close_chunk();
  Status offer();

  const ExtractSettings& settings_;
  const CallContext& call_;
  const Columns& columns_;
  const db::RelationColumns relation_;
  db::RowQueue& queue_;
  RowReader reader_;
  RawRows raw_;
  bool is_raw_ = false;  // rows are handed on as they come
  // What has come, its first `end_` bytes; the first `begin_` of them are done with. Rows that are handed on stay
  // there: the buffer becomes that of the batch.
  std::string buffer_;
  size_t begin_ = 0, end_ = 0;
  std::unique_ptr<db::Chunk> chunk_;
  db::Batch batch_;
  size_t in_chunk_ = 0;
  size_t of_chunk_ = 0;
  uint64_t rows_ = 0, bytes_ = 0;
  bool has_header_ = false, is_ended_ = false;
};

}  // namespace osiris::worker::postgres

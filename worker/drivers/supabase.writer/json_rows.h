// Rows of a relation as the JSON objects that PostgREST takes: every value in a form that its column in PostgreSQL
// reads back as it was.
#pragma once

#include <string>
#include <vector>

#include "worker/driver_api/batch_writer.h"
#include "worker/drivers/db/chunk.h"

namespace osiris::worker::supabase {

// A SELECT whose only column is each row of `source` as a JSON object.
std::string json_rows_select(const std::string& source, const db::RelationColumns& columns);

// The texts of rows that follow each other.
class RowTexts : public BatchWriter::Batch {
 public:
  void add(duckdb_data_chunk chunk) override;
  size_t size_bytes() const override { return bytes_; }
  const std::vector<std::string>& rows() const { return rows_; }

 private:
  std::vector<std::string> rows_;
  size_t bytes_ = 0;
};

}  // namespace osiris::worker::supabase

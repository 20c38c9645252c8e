// How timestamps of a stream are shown, which depends on all rows: the first values of a column say it, and all others
// have to agree.
#pragma once

#include <duckdb.h>

#include <mutex>
#include <vector>

#include "worker/drivers/filesystem.csv_writer/columns.h"

namespace osiris::worker::csv_out {

class TimestampForms {
 public:
  // Fills in what `columns`, which outlive it, say of timestamps.
  explicit TimestampForms(std::vector<Column>& columns);

  // [any thread] Before the chunk is formatted. False: a value of it shows that those before were shown wrong.
  bool take(duckdb_data_chunk chunk);

 private:
  struct Timestamps {
    size_t place;
    bool is_known = false;
  };
  std::mutex mutex_;
  std::vector<Column>& columns_;
  std::vector<Timestamps> timestamps_;
};

}  // namespace osiris::worker::csv_out

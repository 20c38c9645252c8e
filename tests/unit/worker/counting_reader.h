// A step that reads a stream, or a stored relation, and looks while it does how many copies of it the engine holds.
#pragma once

#include <atomic>

#include "worker/driver_api/driver.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker {

struct Counted {
  std::atomic<uint64_t> rows{0}, copies{0};
};
inline Counted counted;

inline Result<StepOutcome> count_copies(StepContext& step) {
  const std::string input = step.inputs().front().name;
  OSIRIS_ASSIGN(sql::QueryResult rows, sql::run_query(step.connection_handle(), "SELECT count(*) FROM " + input));
  duckdb_connection other = step.open_connection();
  auto copies = sql::run_query(other, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'df_read'");
  duckdb_disconnect(&other);
  if (!copies.ok()) return copies.error();
  OSIRIS_TRY(step.inputs_are_sound());
  counted.rows = static_cast<uint64_t>(rows.integer());
  counted.copies = static_cast<uint64_t>(copies->integer());
  return StepOutcome{.rows_read = 0, .rows_written = counted.rows};
}

inline const Driver& counting_reader() {
  static constexpr Driver driver{.name = "counting.reader", .run = count_copies, .reads_streams = true};
  return driver;
}

}  // namespace osiris::worker

// What a table holds of the rows that were written, in the transaction that writes them. No other connection sees them,
// so the server is at work for as long as it writes and reads: but piece by piece while others make the next rows,
// where the table is plain: pages that are full are read once, and the rest when all is written
// (docs/decisions/0266-read-back-while-it-is-written.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/drivers/postgres.writer/copied_rows.h"
#include "worker/drivers/postgres/connection.h"

namespace osiris::worker::postgres {

class ReadBack {
 public:
  // `table` and `columns` are quoted. `own_rows`: the condition that tells the rows from others that are beside them;
  // empty: there are none. All outlive it.
  ReadBack(Connection& connection, const std::vector<ColumnPlan>& plans, std::string table, std::string columns,
           std::string own_rows);

  // Before the first row is written: whether read_piece() may be called.
  Result<bool> begin();
  // How many bytes are to be written before the next read_piece(): more where the server is far.
  uint64_t piece_bytes() const { return piece_bytes_; }
  // What is on pages that are full.
  Status read_piece();
  // What read_piece() has left.
  Status read_rest();
  // All of it, of a ReadBack that has read nothing.
  Status read_all();
  const db::Fingerprint& held() const { return held_.fingerprint(); }

 private:
  using Clock = std::chrono::steady_clock;

  Status read(const std::string& from);
  Status read_pages(uint64_t first, const uint64_t* end);

  Connection& connection_;
  const std::string table_, columns_, own_rows_;
  CopiedRows held_;
  std::string buffer_;
  uint64_t pages_before_ = 0, next_page_ = 0;
  uint64_t piece_bytes_;
  Clock::time_point piece_began_;
};

}  // namespace osiris::worker::postgres

// How much of a server's a step that reads may take, and what it took: connections at once over all steps of this
// process, how long one statement and one transaction may last, bytes.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "protocol/base/error.h"
#include "worker/driver_api/driver.h"
#include "worker/drivers/db/deadline.h"

namespace osiris::worker::db {

// 0: no limit.
struct SourceLimits {
  uint32_t connections_max = 0;
  uint32_t statement_s = 0;
  uint32_t transaction_s = 0;

  // What the server is told: a transaction that waits for a statement is as long as it.
  uint32_t statement_limit_s() const;
  // Rows are stored as they come, and not given to the next step as it takes them.
  bool store_rows() const { return connections_max > 0 || transaction_s > 0; }
};

// `source: {max_connections, statement_timeout, max_transaction}` of the step, and `max_connections` of its connection.
Result<SourceLimits> read_source_limits(const StepContext& context);

// One step's. [any thread]
class SourceUse {
 public:
  // Cancels `deadline` when a transaction is open for longer than it may. It outlives this.
  SourceUse(const SourceLimits& limits, Deadline& deadline);
  ~SourceUse();
  SourceUse(const SourceUse&) = delete;
  SourceUse& operator=(const SourceUse&) = delete;

  // A connection with its transaction, for as long as it lives.
  class Transaction {
   public:
    Transaction() = default;
    Transaction(SourceUse& use, std::string server);
    Transaction(Transaction&& other) noexcept;
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();
    // Counts the time from now on: before, the connection was opened.
    void begin();

   private:
    SourceUse* use_ = nullptr;
    std::string server_;
    std::multiset<Deadline::Clock::time_point>::iterator begun_;
    bool has_begun_ = false;
  };

  // Waits for its turn where `server` has as many connections of this process's as it may, less `spare` that are to be
  // left free; kCancelled.
  Result<Transaction> open(const std::string& server, const std::string& step_id, uint32_t spare = 0);
  // nullopt where it would have to wait.
  std::optional<Transaction> try_open(const std::string& server);

  // `status`, or that a transaction took too long where that was its cause. `start`: "PostgreSQL query failed".
  Status judged(Status status, const std::string& start) const;

  // As metrics of the step: source_transaction (seconds, the longest), source_connections (the most at once).
  void report(StepContext& context) const;

 private:
  void watch();
  void note_open();

  const SourceLimits limits_;
  Deadline& deadline_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::multiset<Deadline::Clock::time_point> begun_;  // of the transactions that are open
  double longest_s_ = 0;
  uint32_t open_ = 0, most_ = 0;
  bool has_run_out_ = false, is_over_ = false;
  std::thread watch_;  // where transactions have a limit
  bool is_watched_ = true;
};

}  // namespace osiris::worker::db

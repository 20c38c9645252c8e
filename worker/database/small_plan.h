// Statements that one thread runs as fast as many: those over few rows. The engine begins with the thread of who asks
// and gets its others with the first plan that is larger. Until then no statement wakes a thread that has nothing to
// do.
#pragma once

#include <mutex>

namespace duckdb {
class ClientContext;
class LogicalOperator;
}  // namespace duckdb

namespace osiris::worker {

// Whether its tables, however they are joined, hold no more rows than the engine gives one thread at a time. False
// where nothing tells how many rows there will be: of a file, of a stream.
bool is_small(duckdb::LogicalOperator& plan, duckdb::ClientContext& context);

class EngineThreads {
 public:
  // 0 or 1: it has all of its threads already.
  explicit EngineThreads(unsigned threads) : threads_(threads) {}
  // Once. Before the statement of the plan is turned into what is run. [any thread]
  void start(duckdb::ClientContext& context);

 private:
  const unsigned threads_;
  std::once_flag started_;
};

}  // namespace osiris::worker

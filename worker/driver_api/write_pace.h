// How far the scan of a stream may be ahead of what is written of it. The engine writes batches in their order, and
// while one thread formats or writes one, those of the others wait in memory, up to a quarter of the limit: a disk that
// holds up one write, or a thread that gets no processor, would be enough to fill it. So a thread that comes for
// another block waits once the others are far enough ahead, for as long as such a call lasts. It holds nothing that the
// call needs. Needs DuckDB's C++ API.
#pragma once

#include <duckdb.hpp>
#include <duckdb/main/client_context_state.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>

namespace osiris::worker {

// Left with the connection of a statement that writes rows, under kWritePace. All members: [any thread].
class WritePace : public duckdb::ClientContextState {
 public:
  // `threads`: of the engine.
  explicit WritePace(size_t threads)
      : blocks_max_(kBlocksOfAThread * (threads > 1 ? threads - 1 : 1)),
        batches_max_(2 * (threads > 1 ? threads : 1)) {}

  // While it lives a batch is being formatted or written.
  class Call {
   public:
    explicit Call(WritePace& pace);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    WritePace& pace_;
    std::multiset<uint64_t>::iterator begun_;
  };
  // A batch is formatted and waits for its turn; or it had its turn.
  void add_waiting();
  void end_waiting();

  // Before a thread takes a block of the source. Returns at once when the statement is interrupted.
  void take(const duckdb::ClientContext& context);
  uint64_t taken() const;

  size_t blocks_max() const { return blocks_max_; }

 private:
  // What another thread reads while a batch is formatted, and one more.
  static constexpr size_t kBlocksOfAThread = 3;

  bool is_far_ahead() const;

  const size_t blocks_max_, batches_max_;
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::multiset<uint64_t> calls_;  // how many blocks were taken when each began
  uint64_t taken_ = 0;
  size_t waiting_ = 0;
};

inline constexpr const char* kWritePace = "osiris_write_pace";

}  // namespace osiris::worker

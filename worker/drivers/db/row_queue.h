// Carries batches from the thread that reads the network to the one that fills the relation, and empty ones back. It
// holds a few batches at most, so a quick server waits for a slow disk and memory stays bounded.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/driver.h"
#include "worker/drivers/db/chunk.h"

namespace osiris::worker::db {

class RowQueue {
 public:
  // Reader's side.
  // Once, before the first batch. `form`: what the rows are as the server sends them, if they may be taken so.
  void announce(RelationColumns columns, std::unique_ptr<const SourceRows::Form> form = nullptr);
  // Whether the rows are wanted in that form: waits until it is known. False also where no more are wanted.
  bool wants_raw();
  bool offer(Batch batch);              // waits for room; false: the reader wants no more
  std::unique_ptr<Chunk> used_chunk();  // one to fill again; null: make a new one
  std::string used_raw();               // the same, empty
  void finish(Status status);           // no more comes

  // Filler's side.
  struct Delivery {
    const RelationColumns* columns = nullptr;  // of columns() only
    std::optional<Batch> batch;
    std::optional<Status> end;
  };
  // The columns, or an end that came before them, within `wait`; both empty: nothing yet.
  Delivery columns(std::chrono::milliseconds wait);
  const SourceRows::Form* form() const { return form_.get(); }  // once the columns are known
  void want(bool raw);                                          // before the first next()
  // The same of what follows: a batch or the end.
  Delivery next(std::chrono::milliseconds wait);
  void give_back(Batch batch);
  void close();  // offer() refuses from now on

 private:
  static constexpr size_t kBatchesMax = 3;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<RelationColumns> columns_;
  std::unique_ptr<const SourceRows::Form> form_;
  std::optional<bool> wants_raw_;
  std::vector<Batch> batches_;  // oldest first
  std::vector<std::unique_ptr<Chunk>> used_;
  std::vector<std::string> used_raw_;
  std::optional<Status> end_;
  bool closed_ = false;
};

}  // namespace osiris::worker::db

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
#include "protocol/base/json.h"
#include "worker/driver_api/chunked_rows.h"
#include "worker/driver_api/driver.h"
#include "worker/drivers/db/chunk.h"

namespace osiris::worker::db {

class RowQueue {
 public:
  // Which chunks are read, each as rows of its own or, without `by_chunk`, all as one.
  struct Choice {
    ChunkPlan plan;
    std::vector<size_t> chunks;
    bool by_chunk = false;
  };

  // Reader's side.
  void offer_chunks(ChunkPlan plan, Json identity);  // before announce(): the rows can be read in chunks
  // Then, after it: waits until it is known what to read; nullopt: nothing is wanted any more.
  std::optional<Choice> choice();
  // A range of a chosen chunk: waits until its chunk is taken, or the next one to be; false: no more is wanted.
  bool begin_range(size_t chunk);
  void end_range(size_t chunk);  // every batch of it was offered
  // Once, before the first batch. `form`: what the rows are as the server sends them, if they may be taken so.
  void announce(RelationColumns columns, std::unique_ptr<const SourceRows::Form> form = nullptr);
  // Whether the rows are wanted in that form: waits until it is known. False also where no more are wanted.
  bool wants_raw();
  bool offer(Batch batch);              // waits for room; false: the reader wants no more
  std::unique_ptr<Chunk> used_chunk();  // one to fill again; null: make a new one
  std::string used_raw();               // the same, of some size; empty: there is none
  void finish(Status status);           // no more comes

  // Filler's side.
  struct Delivery {
    const RelationColumns* columns = nullptr;  // of columns() only
    std::optional<Batch> batch;
    bool is_chunk_end = false;  // the next batch is of the next chunk
    std::optional<Status> end;
  };
  // The columns, or an end that came before them, within `wait`; both empty: nothing yet.
  Delivery columns(std::chrono::milliseconds wait);
  const SourceRows::Form* form() const { return form_.get(); }  // once the columns are known
  void want(bool raw);                                          // before the first next()
  // Once the columns are known; null: the rows have no chunks.
  const ChunkPlan* plan() const { return plan_ ? &*plan_ : nullptr; }
  const Json& identity() const { return identity_; }
  void choose(Choice choice);  // before the first next()
  void choose_all();           // where nothing was chosen
  // The same of what follows: a batch or the end.
  Delivery next(std::chrono::milliseconds wait);
  void give_back(Batch batch);
  // [any thread] A reader's side that fails ends the others by it.
  void close();  // readers that wait, and offer(), are refused from now on

 private:
  static constexpr size_t kBatchesMax = 3;  // of one chunk

  // With the lock.
  std::vector<Batch>::iterator next_batch();
  bool is_chunk_over() const;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<RelationColumns> columns_;
  std::unique_ptr<const SourceRows::Form> form_;
  std::optional<bool> wants_raw_;
  std::optional<ChunkPlan> plan_;
  Json identity_;
  std::optional<Choice> choice_;
  std::vector<size_t> ranges_left_;  // of each chosen chunk
  size_t chunk_ = 0;                 // that next() gives the batches of
  size_t taken_ = 0;                 // that its last call was about: the one before is done with
  std::vector<Batch> batches_;       // oldest first
  std::vector<std::unique_ptr<Chunk>> used_;
  std::vector<std::string> used_raw_;
  std::optional<Status> end_;
  bool closed_ = false;
};

}  // namespace osiris::worker::db

// The two threads of an extracting step: one reads the network and offers batches, the other takes them: the step's
// own, which appends them to the relation, or one of the engine's, for the statement that reads them. The reader needs
// no DuckDB connection and the other no network, so each can be stopped while the other is blocked.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/chunk_batches.h"
#include "worker/driver_api/chunk_scan.h"
#include "worker/driver_api/driver.h"
#include "worker/drivers/db/deadline.h"
#include "worker/drivers/db/row_queue.h"

namespace osiris::worker::db {

Error cancelled_error(const std::string& step_id);
// std::bad_alloc in a thread that reads.
Error out_of_memory_error(const std::string& server, const std::string& step_id);

// Feeds the queue: announces the columns and offers batches, and returns when there are no more.
using ReadRows = std::function<Status(RowQueue&)>;

class ServerRows : public StreamedOutput,
                   private ChunkSource,
                   private ChunkedRows,
                   public SourceRows,
                   public ChunkBatches {
 public:
  // Runs `read` on a thread of its own. `deadline`, which `read` waits by, lives as long as `read`; it is cancelled
  // when the rows are not wanted to their end. `server`: how errors begin, "MySQL". `context` outlives it.
  ServerRows(StepContext& context, std::string server, Deadline& deadline, ReadRows read);
  ~ServerRows() override;
  ServerRows(const ServerRows&) = delete;
  ServerRows& operator=(const ServerRows&) = delete;

  // Waits for the columns and makes the function that gives the rows. An error is that of `read`.
  Status open();
  std::string rows() const override { return function_ + "()"; }
  std::vector<std::string> functions() const override { return {function_}; }
  SourceRows* source_rows() override { return this; }
  Result<StepOutcome> finish() override;
  std::optional<Error> failure() const override;
  ChunkedRows* chunked_rows() override { return queue_.plan() ? this : nullptr; }
  Result<StepOutcome> stop() override;
  // Everything that `read` brings, into the step's output_table().
  std::optional<Result<StepOutcome>> store(StepContext& context) override;

 private:
  Result<duckdb_data_chunk> next() override;
  const Form* form() const override { return queue_.form(); }
  bool take() override;
  Result<std::optional<Piece>> next_piece() override;
  std::vector<std::string> batch_columns() const override;
  bool take_batches(const std::vector<size_t>& places) override;
  // One thread reads the network.
  size_t threads_max() const override { return 4; }
  Result<std::unique_ptr<ChunkBatches::Batch>> take_batch() override;
  // The next batch; false at the end.
  Result<bool> next_batch();
  void want(bool raw);
  const ChunkPlan& plan() const override { return *queue_.plan(); }
  const Json& identity() const override { return queue_.identity(); }
  void claim() override { is_claimed_ = true; }
  void choose(ChunkPlan plan, std::vector<size_t> chunks) override;
  void note(std::string hint) override { note_ = std::move(hint); }
  Status take_end();
  Status wait_for_columns();
  Result<uint64_t> fill(StepContext& context);
  void note(StepContext& context, const db::Batch& batch);
  void end();

  StepContext& context_;
  const std::string server_;
  const ReadRows read_;
  Deadline& deadline_;
  RowQueue queue_;
  std::string function_;
  std::shared_ptr<ChunkScan> scan_;
  const RelationColumns* columns_ = nullptr;
  db::Batch batch_;               // whose chunks are being given
  size_t next_ = 0;               // of them
  bool is_claimed_ = false;       // by a reader of chunks
  bool by_chunk_ = false;         // a scan gives a chunk
  std::string note_;              // of who reads them
  bool ended_ = false;            // all rows were given
  std::optional<Error> failure_;  // what ended them early
  uint64_t rows_ = 0, bytes_ = 0;
  std::thread reader_;
};

// All at once: stores what `read` brings.
Result<StepOutcome> extract(StepContext& context, const std::string& server, Deadline& deadline, ReadRows read);
// As a stream, which is open.
Result<std::unique_ptr<StreamedOutput>> open_rows(StepContext& context, const std::string& server, Deadline& deadline,
                                                  ReadRows read);

// Makes output_table() with these columns and no rows.
Status make_empty(StepContext& context, const std::string& server, const RelationColumns& columns);

}  // namespace osiris::worker::db

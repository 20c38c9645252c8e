#include "worker/drivers/db/server_rows.h"

#include <algorithm>
#include <new>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "protocol/base/thread.h"
#include "worker/drivers/db/relation.h"

namespace osiris::worker::db {
namespace {

constexpr std::chrono::milliseconds kCancelPoll(50);

Status read_caught(const std::string& step_id, const std::string& server, const ReadRows& read, RowQueue& queue) try {
  return read(queue);
} catch (const std::bad_alloc&) {
  return out_of_memory_error(server, step_id);
}

// Goes back to the queue when it ends.
class LentBatch : public ChunkBatches::Batch {
 public:
  LentBatch(RowQueue& queue, db::Batch batch) : queue_(queue), batch_(std::move(batch)) {}
  ~LentBatch() override { queue_.give_back(std::move(batch_)); }
  LentBatch(const LentBatch&) = delete;
  LentBatch& operator=(const LentBatch&) = delete;

  Result<duckdb_data_chunk> next_chunk() override {
    return next_ < batch_.chunks.size() ? batch_.chunks[next_++]->handle() : nullptr;
  }
  uint64_t bytes() const override { return batch_.bytes; }

 private:
  RowQueue& queue_;
  db::Batch batch_;
  size_t next_ = 0;  // of its chunks
};

}  // namespace

Error cancelled_error(const std::string& step_id) {
  return Error(Code::kCancelled, "Step " + step_id + " was cancelled", {}, category::kRuntimeDependencyFailed);
}

Error out_of_memory_error(const std::string& server, const std::string& step_id) {
  return Error(
      Code::kExhausted, server + " execution failed: out of memory in step " + step_id,
      "raise --memory-limit, lower batch_size, or select fewer columns: a value, which may have up to 1 GiB, is "
      "held several times on its way",
      category::kRuntimeMemoryExceeded);
}

ServerRows::ServerRows(StepContext& context, std::string server, Deadline& deadline, ReadRows read)
    : context_(context), server_(std::move(server)), read_(std::move(read)), deadline_(deadline) {
  const auto read_all = [this] { queue_.finish(read_caught(context_.step_id(), server_, read_, queue_)); };
  if (!begin_thread(reader_, read_all)) queue_.finish(no_more_threads(server_ + " cannot be read"));
}

ServerRows::~ServerRows() {
  if (scan_) scan_->close();
  end();
}

void ServerRows::end() {
  if (!reader_.joinable()) return;
  queue_.close();
  if (!ended_) deadline_.cancel();
  reader_.join();
}

Status ServerRows::wait_for_columns() {
  while (!columns_) {
    if (context_.is_cancelled()) return cancelled_error(context_.step_id());
    const RowQueue::Delivery delivery = queue_.columns(kCancelPoll);
    if (delivery.end) return *delivery.end;
    columns_ = delivery.columns;
  }
  return {};
}

Status ServerRows::open() {
  OSIRIS_TRY(wait_for_columns());
  std::vector<std::string> names;
  for (const RelationColumn& column : *columns_) names.push_back(column.name);
  Chunk like(*columns_);
  scan_ = std::make_shared<ChunkScan>(static_cast<ChunkSource&>(*this));
  OSIRIS_ASSIGN(function_, define_chunk_scan(context_.connection_handle(), names, like.handle(), scan_));
  return {};
}

void ServerRows::note(StepContext& context, const db::Batch& batch) {
  rows_ += batch.rows;
  bytes_ += batch.bytes;
  context.progress(rows_);
  context.progress_bytes(bytes_, 0);
}

void ServerRows::choose(ChunkPlan plan, std::vector<size_t> chunks) {
  by_chunk_ = true;
  queue_.choose({std::move(plan), std::move(chunks), true});
}

Result<bool> ServerRows::next_batch() {
  queue_.give_back(std::exchange(batch_, {}));
  next_ = 0;
  for (;;) {
    if (context_.is_cancelled()) return cancelled_error(context_.step_id());
    RowQueue::Delivery delivery = queue_.next(kCancelPoll);
    if (delivery.end) {
      if (!delivery.end->ok() && delivery.end->error().code != Code::kCancelled) failure_ = delivery.end->error();
      OSIRIS_TRY(*delivery.end);
      ended_ = true;
      return false;
    }
    if (delivery.is_chunk_end) {
      scan_->reopen();
      return false;
    }
    if (!delivery.batch) continue;
    batch_ = *std::move(delivery.batch);
    note(context_, batch_);
    return true;
  }
}

// Where nothing was chosen, all rows.
void ServerRows::want(bool raw) {
  queue_.choose_all();
  queue_.want(raw);
}

Result<duckdb_data_chunk> ServerRows::next() {
  want(false);
  while (next_ == batch_.chunks.size()) {
    OSIRIS_ASSIGN(const bool is_there, next_batch());
    if (!is_there) return nullptr;
  }
  return batch_.chunks[next_++]->handle();
}

bool ServerRows::take() {
  if (!scan_ || !scan_->begin()) return false;
  want(true);
  return true;
}

Result<std::optional<SourceRows::Piece>> ServerRows::next_piece() {
  OSIRIS_ASSIGN(const bool is_there, next_batch());
  if (!is_there) return std::optional<Piece>();
  return std::optional<Piece>(Piece{std::string_view(batch_.raw).substr(0, batch_.raw_bytes), batch_.rows});
}

std::vector<std::string> ServerRows::batch_columns() const {
  std::vector<std::string> names;
  for (const RelationColumn& column : *columns_) names.push_back(column.name);
  return names;
}

bool ServerRows::take_batches(const std::vector<size_t>& /*places*/) {
  if (!scan_ || !scan_->begin()) return false;
  want(false);
  return true;
}

Result<std::unique_ptr<ChunkBatches::Batch>> ServerRows::take_batch() {
  OSIRIS_ASSIGN(const bool is_there, next_batch());
  if (!is_there) return std::unique_ptr<ChunkBatches::Batch>();
  return std::unique_ptr<ChunkBatches::Batch>(std::make_unique<LentBatch>(queue_, std::exchange(batch_, {})));
}

// Of the source, once its last chunk was given.
Status ServerRows::take_end() {
  while (!ended_) {
    if (context_.is_cancelled()) return cancelled_error(context_.step_id());
    const RowQueue::Delivery delivery = queue_.next(kCancelPoll);
    if (delivery.end && !delivery.end->ok()) failure_ = delivery.end->error();
    if (delivery.end) OSIRIS_TRY(*delivery.end);
    if (delivery.batch || delivery.is_chunk_end) break;
    ended_ = delivery.end.has_value();
  }
  return {};
}

Result<StepOutcome> ServerRows::stop() {
  if (!is_claimed_) return StreamedOutput::stop();
  end();
  context_.metric("source_bytes", static_cast<double>(bytes_), "bytes");
  return StepOutcome{rows_, 0};
}

std::optional<Error> ServerRows::failure() const {
  if (!failure_ || note_.empty()) return failure_;
  Error failure = *failure_;
  failure.hint += (failure.hint.empty() ? "" : "; ") + note_;
  return failure;
}

Result<StepOutcome> ServerRows::finish() {
  if (by_chunk_) OSIRIS_TRY(take_end());
  if (!ended_) return Error(Code::kUnavailable, "the rows were not read to their end");
  end();
  context_.metric("source_bytes", static_cast<double>(bytes_), "bytes");
  return StepOutcome{rows_, 0};
}

// Everything the queue brings, into the relation. Returns the rows.
Result<uint64_t> ServerRows::fill(StepContext& context) {
  OSIRIS_TRY(wait_for_columns());
  Relation relation(server_, context.connection_handle(), context.output_table());
  OSIRIS_TRY(relation.create(*columns_));
  want(false);
  for (;;) {
    if (context.is_cancelled()) return cancelled_error(context.step_id());
    RowQueue::Delivery delivery = queue_.next(kCancelPoll);
    if (delivery.batch) {
      for (const auto& chunk : delivery.batch->chunks) OSIRIS_TRY(relation.append(*chunk));
      note(context, *delivery.batch);
      queue_.give_back(std::move(*delivery.batch));
    }
    if (delivery.end) {
      OSIRIS_TRY(*delivery.end);
      OSIRIS_TRY(relation.finish());
      context.metric("source_bytes", static_cast<double>(bytes_), "bytes");
      ended_ = true;
      return rows_;
    }
  }
}

std::optional<Result<StepOutcome>> ServerRows::store(StepContext& context) {
  if (by_chunk_ || (scan_ && scan_->begun())) return std::nullopt;  // some rows are gone
  const Result<uint64_t> rows = fill(context);
  end();
  // An interrupted statement of ours fails with DuckDB's words; the cause is the cancelling.
  if (!rows.ok() && context.is_cancelled()) return cancelled_error(context.step_id());
  if (!rows.ok()) return rows.error();
  return StepOutcome{*rows, 0};
}

Result<StepOutcome> extract(StepContext& context, const std::string& server, Deadline& deadline, ReadRows read) {
  return *ServerRows(context, server, deadline, std::move(read)).store(context);
}

Result<std::unique_ptr<StreamedOutput>> open_rows(StepContext& context, const std::string& server, Deadline& deadline,
                                                  ReadRows read) {
  auto rows = std::make_unique<ServerRows>(context, server, deadline, std::move(read));
  OSIRIS_TRY(rows->open());
  return std::unique_ptr<StreamedOutput>(std::move(rows));
}

Status make_empty(StepContext& context, const std::string& server, const RelationColumns& columns) {
  Relation relation(server, context.connection_handle(), context.output_table());
  OSIRIS_TRY(relation.create(columns));
  return relation.finish();
}

}  // namespace osiris::worker::db

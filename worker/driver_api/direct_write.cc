#include "worker/driver_api/direct_write.h"

#include <duckdb.hpp>

#include <condition_variable>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/side_by_side.h"

namespace osiris::worker {
namespace {

// Of a batch of more bytes no other is taken until it is written, piece by piece: the text of several batches of large
// values is not held in memory at once.
constexpr uint64_t kLargeBatchBytes = uint64_t{8} << 20;
constexpr size_t kPieceBytes = size_t{4} << 20;

class DirectWrite {
 public:
  DirectWrite(ChunkBatches& rows, const std::vector<size_t>& places, BatchWriter& writer)
      : rows_(rows), places_(places), writer_(writer) {}

  // [any thread] Until there are no more rows, or something failed.
  void work() {
    try {
      while (take_one()) {
      }
    } catch (const std::bad_alloc&) {
      fail(Error(Code::kExhausted, "out of memory while rows were formatted",
                 "lower batch_size, or select fewer columns", category::kRuntimeMemoryExceeded));
    } catch (const std::exception& failure) {
      fail(Error(Code::kInternal, std::string("rows could not be formatted: ") + failure.what()));
    }
  }

  Result<uint64_t> outcome() const {
    if (failure_) return *failure_;
    return written_;
  }

 private:
  using Rows = std::unique_ptr<ChunkBatches::Batch>;

  // False after the last batch.
  bool take_one() {
    std::unique_lock taking(take_mutex_);
    if (is_ended_ || has_failed()) return false;
    auto next = rows_.take_batch();
    if (!next.ok()) return fail(next.error());
    if (!*next) {
      is_ended_ = true;
      return false;
    }
    Rows batch = *std::move(next);
    const uint64_t turn = taken_++;
    if (batch->bytes() > kLargeBatchBytes) return write_in_pieces(std::move(batch), turn);
    taking.unlock();
    return write_at_once(std::move(batch), turn);
  }

  bool write_at_once(Rows batch, uint64_t turn) {
    auto text = writer_.begin();
    uint64_t rows = 0;
    for (;;) {
      const auto chunk = batch->next_chunk();
      if (!chunk.ok()) return fail(chunk.error());
      if (!*chunk) break;
      rows += add(*chunk, *text);
    }
    batch.reset();
    if (!wait_for(turn)) return false;
    const Status written = writer_.write(*text);
    text.reset();
    return end_turn(written, rows);
  }

  bool write_in_pieces(Rows batch, uint64_t turn) {
    if (!wait_for(turn)) return false;
    uint64_t rows = 0;
    Status written;
    std::unique_ptr<BatchWriter::Batch> text;
    for (bool more = true; written.ok() && more;) {
      const auto chunk = batch->next_chunk();
      if (!chunk.ok()) return fail(chunk.error());
      more = *chunk != nullptr;
      if (more) {
        if (!text) text = writer_.begin();
        rows += add(*chunk, *text);
      }
      if (!text || (more && text->size_bytes() < kPieceBytes)) continue;
      written = writer_.write(*text);
      text.reset();
    }
    return end_turn(written, rows);
  }

  // The columns that are wanted, without a copy of them.
  uint64_t add(duckdb_data_chunk from, BatchWriter::Batch& text) {
    auto& source = *reinterpret_cast<duckdb::DataChunk*>(from);
    duckdb::vector<duckdb::LogicalType> types;
    for (const size_t place : places_) types.push_back(source.data[place].GetType());
    duckdb::DataChunk wanted;
    wanted.InitializeEmpty(types);
    for (size_t i = 0; i < places_.size(); ++i) wanted.data[i].Reference(source.data[places_[i]]);
    wanted.SetCardinality(source.size());
    text.add(reinterpret_cast<duckdb_data_chunk>(&wanted));
    return source.size();
  }

  bool wait_for(uint64_t turn) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return turn_ == turn || failure_; });
    return !failure_;
  }

  bool end_turn(const Status& written, uint64_t rows) {
    if (!written.ok()) return fail(written.error());
    const std::lock_guard lock(mutex_);
    ++turn_;
    written_ += rows;
    changed_.notify_all();
    return true;
  }

  // The first failure counts. Rows that were taken before it may be formatted, and are not written.
  bool fail(Error error) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(error);
    changed_.notify_all();
    return false;
  }

  bool has_failed() {
    const std::lock_guard lock(mutex_);
    return failure_.has_value();
  }

  ChunkBatches& rows_;
  const std::vector<size_t>& places_;
  BatchWriter& writer_;

  std::mutex take_mutex_;
  bool is_ended_ = false;
  uint64_t taken_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t turn_ = 0;  // of the batch that is written next
  uint64_t written_ = 0;
  std::optional<Error> failure_;
};

}  // namespace

Result<uint64_t> write_batches(ChunkBatches& rows, const std::vector<size_t>& places, size_t threads,
                               BatchWriter& writer) {
  DirectWrite write(rows, places, writer);
  side_by_side(threads, [&write](size_t) { write.work(); });
  return write.outcome();
}

}  // namespace osiris::worker

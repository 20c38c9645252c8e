#include "worker/drivers/mysql.extractor/extract.h"

#include <algorithm>

#include "protocol/base/categories.h"
#include "worker/drivers/mysql.extractor/errors.h"
#include "worker/drivers/mysql.extractor/pool.h"
#include "worker/drivers/mysql.extractor/row_reader.h"

namespace osiris::worker::mysql {
namespace {

// A batch ends early at this many bytes, so that wide rows do not fill memory.
constexpr uint64_t kBatchBytesMax = 32u << 20;

struct CloseStatement {
  void operator()(MYSQL_STMT* statement) const { mysql_stmt_close(statement); }
};
using Statement = std::unique_ptr<MYSQL_STMT, CloseStatement>;

class Extraction {
 public:
  Extraction(const ExtractSettings& settings, const CallContext& call, RowQueue& queue, MYSQL* mysql)
      : settings_(settings), call_(call), queue_(queue), mysql_(mysql) {}

  Status run() {
    OSIRIS_TRY(prepare());
    OSIRIS_TRY(execute());
    OSIRIS_TRY(skip_rows());
    return read_rows();
  }
  // Nothing of the result is left on the wire.
  bool is_drained() const { return is_drained_; }

 private:
  Error failed() {
    return query_error(call_.step_id, settings_.server, last_error(mysql_, statement_.get()), *call_.deadline,
                       row_number_);
  }

  Status prepare() {
    statement_.reset(mysql_stmt_init(mysql_));
    if (!statement_)
      return Error(Code::kExhausted, "Step " + call_.step_id + ": out of memory", {}, category::kRuntimeMemoryExceeded);
    if (call_.echo) call_.echo(settings_.sql);
    if (mysql_stmt_prepare(statement_.get(), settings_.sql.data(), settings_.sql.size()) != 0) return failed();
    if (const unsigned long marks = mysql_stmt_param_count(statement_.get()); marks > 0) {
      return Error(Code::kStepFailed, "MySQL query failed: it holds " + std::to_string(marks) + " parameter marks (?)",
                   "write the value itself, or ${params.name}", category::kExtractQueryFailed);
    }
    return {};
  }

  Status execute() {
    if (mysql_stmt_execute(statement_.get()) != 0) return failed();
    const unsigned count = mysql_stmt_field_count(statement_.get());
    const MYSQL_FIELD* fields = mariadb_stmt_fetch_fields(statement_.get());
    if (count == 0 || !fields) {
      return Error(Code::kStepFailed, "MySQL query failed: the statement returns no rows",
                   "an extractor needs a SELECT, or another statement that returns rows",
                   category::kExtractQueryFailed);
    }
    OSIRIS_ASSIGN(columns_, columns_of(fields, count, settings_.columns));
    reader_.emplace(columns_, mysql_);
    mysql_stmt_attr_set(statement_.get(), STMT_ATTR_CB_USER_DATA, &*reader_);
    mysql_stmt_attr_set(statement_.get(), STMT_ATTR_CB_RESULT, reinterpret_cast<const void*>(&RowReader::on_value));
    queue_.announce(columns_);
    return {};
  }

  // Reads the next row to where the reader is aimed; false after the last one.
  Result<bool> fetch() {
    const int outcome = mysql_stmt_fetch(statement_.get());
    if (outcome == MYSQL_NO_DATA) {
      note_end();
      return false;
    }
    if (outcome != 0 && outcome != MYSQL_DATA_TRUNCATED) return failed();
    if (reader_->error()) return *reader_->error();
    ++row_number_;
    return true;
  }

  // The packet that ended the rows says whether another result follows (a CALL sends several); the library does not
  // look.
  void note_end() {
    constexpr unsigned kMoreResults = 0x0008;
    const unsigned char* packet = mysql_->net.read_pos;
    is_drained_ = packet[0] == 0xfe && !(fixed<uint16_t>(packet + 3) & kMoreResults);
  }

  Status skip_rows() {
    reader_->aim(nullptr, 0, 0);
    while (row_number_ < settings_.rows_skipped) {
      OSIRIS_ASSIGN(const bool is_there, fetch());
      if (!is_there) {
        is_done_ = true;
        break;
      }
    }
    return {};
  }

  Status read_rows() {
    uint64_t left = settings_.rows_max.value_or(UINT64_MAX);
    while (!is_done_ && left > 0) {
      OSIRIS_ASSIGN(Batch batch, read_batch(std::min(left, settings_.batch_rows)));
      left -= batch.rows;
      if (batch.rows > 0 && !queue_.offer(std::move(batch))) return cancelled_error(call_.step_id);
    }
    return {};
  }

  Result<Batch> read_batch(uint64_t rows_max) {
    Batch batch;
    const uint64_t bytes_before = reader_->bytes();
    while (!is_done_ && batch.rows < rows_max && batch.bytes < kBatchBytesMax) {
      auto chunk = queue_.used_chunk();
      if (!chunk) chunk = std::make_unique<Chunk>(columns_);
      const size_t chunk_rows_max = std::min<uint64_t>(rows_max - batch.rows, duckdb_vector_size());
      size_t rows = 0;
      while (rows < chunk_rows_max && reader_->bytes() - bytes_before < kBatchBytesMax) {
        reader_->aim(chunk.get(), rows, row_number_ + 1);
        OSIRIS_ASSIGN(const bool is_there, fetch());
        if (!is_there) {
          is_done_ = true;
          break;
        }
        ++rows;
      }
      chunk->set_rows(rows);
      batch.rows += rows;
      batch.bytes = reader_->bytes() - bytes_before;
      if (rows > 0) batch.chunks.push_back(std::move(chunk));
    }
    return batch;
  }

  const ExtractSettings& settings_;
  const CallContext& call_;
  RowQueue& queue_;
  MYSQL* mysql_;
  Columns columns_;
  std::optional<RowReader> reader_;
  uint64_t row_number_ = 0;
  bool is_done_ = false;
  bool is_drained_ = false;
  Statement statement_;
};

}  // namespace

Status extract(const ExtractSettings& settings, const CallContext& call, RowQueue& queue) {
  OSIRIS_ASSIGN(ConnectionPool::Lease lease,
                ConnectionPool::of_process().acquire(settings.server, settings.pool, call));
  const Deadline::Scope scope(*call.deadline);
  Status status;
  bool is_drained = false;
  {
    Extraction extraction(settings, call, queue, lease->handle());
    status = extraction.run();
    is_drained = extraction.is_drained();
    // Closing a statement reads the rest of its result; the rest of a large one is not worth it.
    if (!status.ok() || !is_drained) lease->abandon();
  }
  if (status.ok() && is_drained) lease.declare_clean();
  return status;
}

}  // namespace osiris::worker::mysql

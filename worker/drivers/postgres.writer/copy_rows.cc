// The rows of a load on their way to the server: COPY after COPY, in one transaction.
#include <new>

#include "protocol/base/categories.h"
#include "worker/drivers/db/server_rows.h"
#include "worker/drivers/postgres.writer/load.h"
#include "worker/drivers/postgres.writer/value_writer.h"
#include "worker/drivers/postgres/types.h"

namespace osiris::worker::postgres {
namespace {

// A server that refuses a row goes on taking what follows it, so it is asked now and then.
constexpr uint64_t kCopyBytesMax = uint64_t{64} << 20;
constexpr size_t kUsedBytesMax = size_t{16} << 20;  // of one batch, to be written to again

std::string header() {
  std::string bytes(kCopySignature, kCopySignatureBytes);
  bytes.append(8, '\0');
  return bytes;
}

constexpr std::string_view kTrailer("\xff\xff", 2);

// "COPY orders, line 12, column id": 12. 0: it says none.
uint64_t line_in(const std::string& context) {
  const size_t at = context.find(", line ");
  return at == std::string::npos ? 0 : std::strtoull(context.c_str() + at + 7, nullptr, 10);
}

}  // namespace

ByteBuffer Load::used_buffer() {
  const std::lock_guard lock(used_mutex_);
  if (used_.empty()) return {};
  ByteBuffer used = std::move(used_.back());
  used_.pop_back();
  used.clear();
  return used;
}

void Load::keep(ByteBuffer used) {
  const std::lock_guard lock(used_mutex_);
  if (used.room() <= kUsedBytesMax) used_.push_back(std::move(used));
}

std::unique_ptr<BatchWriter::Batch> Load::begin() {
  return std::make_unique<RowBatch>(plans_, sent_.has_value(), used_buffer());
}

Status Load::begin_copy() {
  OSIRIS_TRY(
      connection_->begin_copy_in("COPY " + destination_ + " (" + target_columns() + ") FROM STDIN (FORMAT binary)"));
  is_copying_ = true;
  copy_bytes_ = 0;
  rows_before_copy_ = rows_sent_;
  return connection_->put_copy_data(header());
}

Status Load::end_copy() {
  if (!is_copying_) return {};
  is_copying_ = false;
  OSIRIS_TRY(connection_->put_copy_data(kTrailer));
  const auto answer = connection_->end_copy_in();
  if (answer.ok()) {
    rows_copied_ += answer->affected();
    return {};
  }
  const uint64_t line = line_in(connection_->last_error().context);
  return connection_->last_failure(" in table " + target_.shown() +
                                   (line > 0 ? ", row " + std::to_string(rows_before_copy_ + line) : ""));
}

Status Load::write(Batch& batch) {
  auto& rows = static_cast<RowBatch&>(batch);
  if (const auto& unfit = rows.unfit())
    return failed("table " + target_.shown() + ", column '" + unfit->column + "', row " +
                      std::to_string(rows_ + unfit->row + 1) + ": " + unfit->what,
                  "CAST or filter it in the step before");
  if (sent_) sent_->add(*rows.sum());
  rows_ += rows.rows();
  if (queue_) return queue_->put(rows.take_bytes(), rows.rows());
  OSIRIS_TRY(send(rows.bytes(), rows.rows()));
  keep(rows.take_bytes());
  return {};
}

Status Load::hand_over(SourceRows& rows) {
  if (call_.echo) call_.echo("the rows go on as the server they come from sends them");
  for (;;) {
    OSIRIS_ASSIGN(const auto piece, rows.next_piece());
    if (!piece) return {};
    rows_ += piece->rows;
    if (sent_) OSIRIS_TRY(sent_->add(piece->bytes));
    if (queue_) {
      ByteBuffer bytes = used_buffer();
      bytes.append(piece->bytes);
      OSIRIS_TRY(queue_->put(std::move(bytes), piece->rows));
    } else {
      OSIRIS_TRY(send(piece->bytes, piece->rows));
    }
  }
}

Status Load::send(std::string_view bytes, uint64_t rows) {
  if (context_.is_cancelled()) return cancelled_error(call_.step_id);
  if (!is_copying_) OSIRIS_TRY(begin_copy());
  OSIRIS_TRY(connection_->put_copy_data(bytes));
  rows_sent_ += rows;
  bytes_ += bytes.size();
  copy_bytes_ += bytes.size();
  context_.progress(rows_sent_);
  context_.progress_bytes(bytes_, 0);
  if (copy_bytes_ < (read_back_ ? read_back_->piece_bytes() : kCopyBytesMax)) return {};
  OSIRIS_TRY(end_copy());
  return read_back_ ? read_back_->read_piece() : Status();
}

Status Load::give_rows() {
  if (SourceRows* rows = rows_to_hand_over()) return hand_over(*rows);
  const auto rows = write_rows(context_, written_columns(), *this);
  return rows.ok() ? Status() : Status(rows.error());
}

Status Load::copy_rows() {
  if (settings_.verifies_values) sent_.emplace(plans_);
  OSIRIS_TRY(begin_read_back());
  if (!read_back_) {
    OSIRIS_TRY(give_rows());
    return end_copy();
  }
  SendQueue queue([this](ByteBuffer bytes, uint64_t rows) -> Status {
    try {
      OSIRIS_TRY(send(bytes.view(), rows));
      keep(std::move(bytes));
      return {};
    } catch (const std::bad_alloc&) {
      return db::out_of_memory_error("PostgreSQL", call_.step_id);
    }
  });
  queue_ = &queue;
  Status given = give_rows();
  if (given.ok()) given = queue.finish();
  queue_ = nullptr;
  if (given.ok()) return end_copy();
  call_.deadline->cancel();  // what is under way is of no use any more
  return given;
}

}  // namespace osiris::worker::postgres

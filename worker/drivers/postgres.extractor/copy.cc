#include "worker/drivers/postgres.extractor/copy.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/postgres/types.h"

namespace osiris::worker::postgres {
namespace {

// A batch ends early at this many bytes, so that wide rows do not fill memory.
constexpr uint64_t kBatchBytesMax = 32u << 20;
// One of rows that are handed on as they are.
constexpr size_t kRawBytes = size_t{256} << 10;
constexpr size_t kBufferBytes = kRawBytes + (size_t{64} << 10);

}  // namespace

std::string place_name(uint32_t place) { return "c" + std::to_string(place + 1); }

std::string named_subquery(const ExtractSettings& settings, const Columns& columns) {
  std::vector<std::string> names;
  for (uint32_t i = 0; i < columns.count; ++i) names.push_back(place_name(i));
  // On lines of its own: the statement may end in a comment.
  return "(\n" + settings.sql + "\n) AS osiris_rows(" + join(names, ", ") + ")";
}

std::string copy_sql(const ExtractSettings& settings, const Columns& columns, const std::string& filter) {
  bool is_plain = filter.empty() && !settings.rows_max && settings.rows_skipped == 0 && settings.columns.empty();
  std::vector<std::string> selected;
  for (size_t i = 0; i < columns.kept.size(); ++i) {
    const Column& column = columns.kept[i];
    is_plain &= !column.is_cast;
    selected.push_back(place_name(columns.places[i]) + (!column.is_cast ? "" : column.is_list ? "::text[]" : "::text"));
  }
  if (is_plain) return "COPY (\n" + settings.sql + "\n) TO STDOUT (FORMAT binary)";
  // Selecting from a subquery keeps its order: the server neither sorts nor flattens what has an ORDER BY.
  std::string select = "SELECT " + join(selected, ", ") + " FROM " + named_subquery(settings, columns);
  if (!filter.empty()) select += " WHERE " + filter;
  if (settings.rows_max) select += " LIMIT " + std::to_string(*settings.rows_max);
  if (settings.rows_skipped > 0) select += " OFFSET " + std::to_string(settings.rows_skipped);
  return "COPY (" + select + ") TO STDOUT (FORMAT binary)";
}

Copy::Copy(const ExtractSettings& settings, const CallContext& call, const Columns& columns, db::RowQueue& queue)
    : settings_(settings),
      call_(call),
      columns_(columns),
      relation_(columns.relation()),
      queue_(queue),
      reader_(columns),
      raw_(columns) {}

Status Copy::run(Connection& connection, const std::string& sql, size_t chunk) {
  of_chunk_ = chunk;
  OSIRIS_TRY(connection.begin_copy_out(sql));
  is_raw_ = queue_.wants_raw();
  const std::function<std::string()> so_far = [this] { return this->so_far(); };
  for (;;) {
    OSIRIS_TRY(make_room());
    OSIRIS_ASSIGN(const size_t got, connection.next_copy_data(buffer_.data() + end_, buffer_.size() - end_, so_far));
    if (got == 0) break;
    end_ += got;
    OSIRIS_TRY(take_rows());
  }
  if (!is_ended_)
    return Error(Code::kUnavailable, "PostgreSQL query failed" + so_far() + ": the rows end in the middle", {},
                 category::kConnectionFailed);
  return offer();
}

std::string Copy::so_far() const {
  return rows_ == 0 ? "" : " after " + std::to_string(rows_) + " rows of step " + call_.step_id;
}

void Copy::move_to_front() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= std::exchange(begin_, 0);
}

// For more of the row that has come in part.
Status Copy::make_room() {
  if (buffer_.empty()) buffer_.resize(kBufferBytes);
  if (!is_raw_) {
    move_to_front();
  } else if (end_ == buffer_.size() && begin_ > 0) {
    OSIRIS_TRY(offer());
  }
  // What is known of a large value is taken at once, and not twice as much.
  if (end_ == buffer_.size())
    buffer_.resize(std::max(end_ + end_ / 2, begin_ + row_bytes_at_least(rest()) + kBufferBytes));
  return {};
}

Status Copy::take_rows() {
  Bytes bytes = rest();
  if (!has_header_) {
    const auto outcome = reader_.take_header(bytes);
    if (outcome == RowReader::Outcome::kRefused) return reader_.error();
    if (outcome == RowReader::Outcome::kIncomplete) return {};
    has_header_ = true;
    begin_ = end_ - bytes.size();
    bytes_ += begin_;
    move_to_front();
    bytes = rest();
  }
  while (!is_ended_) {
    switch (take_row(bytes)) {
      case RowReader::Outcome::kRefused:
        return reader_.error();
      case RowReader::Outcome::kIncomplete:
        return {};
      case RowReader::Outcome::kEnd:
        is_ended_ = true;
        end_ = begin_;
        return {};
      case RowReader::Outcome::kRow:
        break;
    }
    bytes_ += rest().size() - bytes.size();
    begin_ = end_ - bytes.size();
    ++rows_, ++batch_.rows;
    if (in_chunk_ == duckdb_vector_size()) close_chunk();
    if (!is_full()) continue;
    OSIRIS_TRY(offer());
    bytes = rest();
  }
  end_ = begin_;  // nothing follows the mark that ends the rows
  return {};
}

RowReader::Outcome Copy::take_row(Bytes& bytes) {
  if (const size_t size = is_raw_ ? raw_.whole_row(bytes) : 0; size > 0) {
    bytes.remove_prefix(size);
    return RowReader::Outcome::kRow;
  }
  if (!chunk_) chunk_ = queue_.used_chunk();
  if (!chunk_) chunk_ = std::make_unique<db::Chunk>(relation_);
  const auto outcome = reader_.take_row(bytes, *chunk_, in_chunk_, rows_ + 1);
  if (outcome == RowReader::Outcome::kRow && !is_raw_) ++in_chunk_;
  return outcome;
}

bool Copy::is_full() const {
  if (is_raw_) return begin_ >= kRawBytes;
  return batch_.rows >= settings_.batch_rows || bytes_ >= kBatchBytesMax;
}

void Copy::close_chunk() {
  if (in_chunk_ == 0) return;
  chunk_->set_rows(in_chunk_);
  batch_.chunks.push_back(std::move(chunk_));
  in_chunk_ = 0;
}

Status Copy::offer() {
  close_chunk();
  if (batch_.rows == 0) return {};
  batch_.bytes = std::exchange(bytes_, 0);
  batch_.chunk = of_chunk_;
  if (is_raw_) {
    const Bytes left = rest();
    std::string next = queue_.used_raw();
    if (next.size() < left.size() + kBufferBytes - kRawBytes) next.resize(left.size() + kBufferBytes);
    if (!left.empty()) std::memcpy(next.data(), left.data(), left.size());
    end_ = left.size();
    batch_.raw = std::exchange(buffer_, std::move(next));
    batch_.raw_bytes = std::exchange(begin_, 0);
  }
  if (!queue_.offer(std::exchange(batch_, {}))) return cancelled_error(call_.step_id);
  return {};
}

}  // namespace osiris::worker::postgres

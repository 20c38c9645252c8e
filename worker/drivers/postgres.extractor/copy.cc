#include "worker/drivers/postgres.extractor/copy.h"

#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::postgres {
namespace {

// A batch ends early at this many bytes, so that wide rows do not fill memory.
constexpr uint64_t kBatchBytesMax = 32u << 20;
// One of rows that are handed on as they are.
constexpr size_t kRawBytes = size_t{256} << 10;

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
    OSIRIS_ASSIGN(const auto data, connection.next_copy_data(so_far));
    if (!data) break;
    OSIRIS_TRY(take(data->view()));
  }
  if (!is_ended_)
    return Error(Code::kUnavailable, "PostgreSQL query failed" + so_far() + ": the rows end in the middle", {},
                 category::kConnectionFailed);
  return offer();
}

std::string Copy::so_far() const {
  return rows_ == 0 ? "" : " after " + std::to_string(rows_) + " rows of step " + call_.step_id;
}

// Servers send a row in one message, and do not have to.
Status Copy::take(Bytes bytes) {
  bytes_ += bytes.size();
  if (!rest_.empty()) {
    rest_ += bytes;
    bytes = rest_;
  }
  OSIRIS_TRY(take_rows(bytes));
  if (bytes.empty()) {
    rest_.clear();
  } else {
    rest_ = std::string(bytes);
  }
  return {};
}

Status Copy::take_rows(Bytes& bytes) {
  if (!has_header_) {
    const auto outcome = reader_.take_header(bytes);
    if (outcome == RowReader::Outcome::kRefused) return reader_.error();
    if (outcome == RowReader::Outcome::kIncomplete) return {};
    has_header_ = true;
  }
  while (!is_ended_) {
    switch (take_row(bytes)) {
      case RowReader::Outcome::kRefused:
        return reader_.error();
      case RowReader::Outcome::kIncomplete:
        return {};
      case RowReader::Outcome::kEnd:
        is_ended_ = true;
        bytes = {};
        return {};
      case RowReader::Outcome::kRow:
        break;
    }
    ++rows_, ++batch_.rows;
    if (in_chunk_ == duckdb_vector_size()) close_chunk();
    if (is_full()) OSIRIS_TRY(offer());
  }
  return {};
}

RowReader::Outcome Copy::take_row(Bytes& bytes) {
  size_t size = is_raw_ ? raw_.whole_row(bytes) : 0;
  const Bytes row = bytes;
  if (size > 0) {
    bytes.remove_prefix(size);
  } else {
    if (!chunk_) chunk_ = queue_.used_chunk();
    if (!chunk_) chunk_ = std::make_unique<db::Chunk>(relation_);
    const auto outcome = reader_.take_row(bytes, *chunk_, in_chunk_, rows_ + 1);
    if (outcome != RowReader::Outcome::kRow) return outcome;
    size = row.size() - bytes.size();
  }
  if (!is_raw_) {
    ++in_chunk_;
    return RowReader::Outcome::kRow;
  }
  if (batch_.raw.capacity() < kRawBytes) {
    batch_.raw = queue_.used_raw();
    batch_.raw.reserve(kRawBytes + kRawBytes / 4);
  }
  batch_.raw.append(row.data(), size);
  return RowReader::Outcome::kRow;
}

bool Copy::is_full() const {
  if (is_raw_) return batch_.raw.size() >= kRawBytes;
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
  if (!queue_.offer(std::exchange(batch_, {}))) return cancelled_error(call_.step_id);
  return {};
}

}  // namespace osiris::worker::postgres

#include "worker/drivers/filesystem.csv_writer/csv_batch.h"

#include <algorithm>
#include <utility>

#include "protocol/base/categories.h"
#include "worker/drivers/filesystem.csv_writer/encoder.h"

namespace osiris::worker::csv_out {
namespace {

// Taken at once for rows to come.
constexpr size_t kRoomBytes = size_t{64} << 10;

}  // namespace

Error UnfitValue::error(const Options& options, uint64_t rows_before) const {
  const std::string where = in_header ? "header" : "row " + std::to_string(rows_before + row + 1);
  if (character.empty())
    return Error(Code::kStepFailed,
                 where + ", column '" + column +
                     "': an infinity in a list, struct or map, which is written as JSON, and JSON has none",
                 "replace it by NULL, or cast the column to VARCHAR, in a SQL step", category::kWriteFailed);
  return Error(Code::kStepFailed,
               "CSV encoding error (" + options.encoding_name + "): " + where + ", column '" + column +
                   "': " + character + " cannot be written",
               hint, category::kWriteFailed);
}

void CsvBatch::add_header() {
  formatter_.append_header(text_);
  if (options_.encoding != Encoding::kUtf8) return encode();
  bytes_ = std::exchange(text_, {});
  end_ = bytes_.size();
}

void CsvBatch::add(duckdb_data_chunk chunk) {
  if (unfit_ || is_outdated_) return;
  is_outdated_ = forms_ && !forms_->take(chunk);
  const bool is_utf8 = options_.encoding == Encoding::kUtf8;
  std::string& text = is_utf8 ? bytes_ : text_;
  formatter_.use_chunk(chunk);
  const uint64_t first_row = rows_;
  size_t end = is_utf8 ? end_ : 0;  // of what is written; behind it there is room
  for (idx_t row = 0, size = duckdb_data_chunk_get_size(chunk); row < size; ++row) {
    if (const size_t room = formatter_.room_for(row); text.size() - end < room) text.resize(end + room + kRoomBytes);
    end = static_cast<size_t>(formatter_.put_row(row, text.data() + end) - text.data());
    if (const Column* column = formatter_.unfit()) {
      unfit_ = UnfitValue{.row = first_row + row, .column = column->name, .character = {}, .hint = {}};
      break;
    }
    if (!is_utf8) row_ends_.push_back(end);
    ++rows_;
  }
  if (is_utf8) {
    end_ = end;
  } else if (!unfit_) {
    text_.resize(end);
    encode();
  }
}

void CsvBatch::encode() {
  bytes_.resize(end_);
  const size_t stopped = csv_out::encode(options_.encoding, text_, bytes_);
  end_ = bytes_.size();
  if (stopped != std::string::npos) {
    const auto row =
        static_cast<size_t>(std::upper_bound(row_ends_.begin(), row_ends_.end(), stopped) - row_ends_.begin());
    unfit_ = UnfitValue{.row = rows_ - row_ends_.size() + row,
                        .column = columns_[column_at(row == 0 ? 0 : row_ends_[row - 1], stopped)].name,
                        .character = describe_character(text_, stopped),
                        .hint = hint_of_character(options_.encoding, text_, stopped),
                        .in_header = row_ends_.empty()};
  }
  text_.clear();
  row_ends_.clear();
}

// The place of the column of the character at `offset` of text_.
size_t CsvBatch::column_at(size_t row_start, size_t offset) const {
  size_t column = 0;
  bool quoted = false;
  for (size_t at = row_start; at < offset; ++at) {
    if (quoted && options_.escape != '\0' && text_[at] == options_.escape) {
      ++at;  // the next one is text
      continue;
    }
    quoted ^= text_[at] == options_.quote;
    column += !quoted && text_[at] == options_.delimiter;
  }
  return column;
}

}  // namespace osiris::worker::csv_out

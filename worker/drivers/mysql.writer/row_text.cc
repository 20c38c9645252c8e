#include "worker/drivers/mysql.writer/row_text.h"

#include <array>

#include "protocol/base/text.h"
#include "worker/drivers/mysql.writer/value_text.h"

namespace osiris::worker::mysql {
namespace {

// What stands after a backslash in the place of a character; '\0': it stands for itself.
constexpr std::array<char, 256> kEscaped = [] {
  std::array<char, 256> escaped{};
  escaped[static_cast<unsigned char>('\0')] = '0';
  escaped[static_cast<unsigned char>('\n')] = 'n';
  escaped[static_cast<unsigned char>('\t')] = 't';
  for (const char c : {'\\', '\''}) escaped[static_cast<unsigned char>(c)] = c;
  return escaped;
}();

// No server sends or takes more in one piece: it would be there, and no client could read it.
constexpr size_t kValueBytesMax = size_t{1} << 30;

}  // namespace

// Before the value becomes text, of which it would have up to twice its size.
std::optional<Unfit> RowText::too_large(const ColumnPlan& plan, size_t value_bytes, size_t row_bytes) const {
  if (value_bytes >= kValueBytesMax)
    return Unfit{ends_.size(), plan.target, "the value has 1 GiB or more, which no client of MySQL reads"};
  if (row_bytes + value_bytes <= row_bytes_max_) return std::nullopt;
  return Unfit{ends_.size(), plan.target,
               "the row has more than the " + std::to_string(row_bytes_max_) +
                   " bytes of text that the server takes in a statement",
               "let the server take LOAD DATA LOCAL (local_infile), which has no such limit, or raise its "
               "max_allowed_packet"};
}

//   lines    values between tabs, \N for NULL; bytes in hexadecimal, which the statement undoes
//   values   (1,'it\'s',x'00ff',NULL),
void RowText::add_value(const ColumnPlan& plan, std::string_view value) {
  const bool is_bytes = plan.check == Check::kBytes;
  if (is_bytes) {
    text_ += form_ == RowForm::kValues ? "x'" + to_hex(value) + "'" : to_hex(value);
    return;
  }
  if (form_ == RowForm::kValues) text_ += '\'';
  // Most values have none of those characters: what is between two is taken at once.
  size_t from = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    const char after = kEscaped[static_cast<unsigned char>(value[i])];
    if (after == '\0') continue;
    text_.append(value, from, i - from);
    text_ += '\\';
    text_ += after;
    from = i + 1;
  }
  text_.append(value, from);
  if (form_ == RowForm::kValues) text_ += '\'';
}

void RowText::add(duckdb_data_chunk chunk) {
  if (unfit_) return;
  struct Column {
    const void* data;
    const uint64_t* validity;
  };
  std::vector<Column> columns;
  for (size_t i = 0; i < plans_.size(); ++i) {
    const duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
    columns.push_back({duckdb_vector_get_data(vector), duckdb_vector_get_validity(vector)});
  }
  const bool are_values = form_ == RowForm::kValues;
  std::string why;
  char room[kValueTextMax];
  for (size_t row = 0, rows = duckdb_data_chunk_get_size(chunk); row < rows; ++row) {
    const size_t begin = text_.size();
    if (are_values) text_ += '(';
    for (size_t i = 0; i < plans_.size(); ++i) {
      if (i > 0) text_ += are_values ? ',' : '\t';
      const auto& [data, validity] = columns[i];
      if (validity && !(validity[row / 64] >> (row % 64) & 1)) {
        if (plans_[i].refuses_null) {
          unfit_ =
              Unfit{ends_.size(), plans_[i].target, "it is NULL, and the server would put a value of its own there",
                    "leave the column out of the rows, or give it a value in the step before"};
          return;
        }
        text_ += are_values ? "NULL" : "\\N";
        if (sum_) sum_->add_null();
        continue;
      }
      const std::string_view value = text_of(plans_[i], data, row, room, why);
      if (!why.empty())
        unfit_ = Unfit{ends_.size(), plans_[i].target, std::move(why)};
      else
        unfit_ = too_large(plans_[i], value.size(), text_.size() - begin);
      if (unfit_) return;
      add_value(plans_[i], value);
      if (unfit_ = too_large(plans_[i], 0, text_.size() - begin); unfit_) return;
      if (sum_) sum_->add(one_form(plans_[i].form, value));
    }
    if (sum_) sum_->end_row();
    text_ += are_values ? ")," : "\n";
    ends_.push_back(text_.size());
  }
}

}  // namespace osiris::worker::mysql

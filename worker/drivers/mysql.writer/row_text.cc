#include "worker/drivers/mysql.writer/row_text.h"

#include <algorithm>
#include <array>

#include "protocol/base/text.h"

namespace osiris::worker::mysql {
namespace {

// As many digits after the point, trailing zeros left out.
size_t fraction_digits(std::string_view text) {
  const size_t point = text.find('.');
  if (point == std::string_view::npos) return 0;
  while (text.ends_with('0')) text.remove_suffix(1);
  return text.size() - point - 1;
}

// "-838:59:59.999999" at most: an interval of days or months is written otherwise.
bool is_time(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon > 3) return false;
  unsigned hours = 0;
  for (const char c : text.substr(0, colon)) {
    if (c < '0' || c > '9') return false;
    hours = hours * 10 + static_cast<unsigned>(c - '0');
  }
  return hours <= 838;
}

// Each of them once, in their order.
bool is_set_of(const std::vector<std::string>& labels, std::string_view value) {
  if (value.empty()) return true;
  auto next = labels.begin();
  for (const std::string& one : split(value, ',')) {
    next = std::find(next, labels.end(), one);
    if (next++ == labels.end()) return false;
  }
  return true;
}

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

std::string_view value_at(duckdb_vector vector, size_t row) {
  const auto& text = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector))[row].value;
  return {text.inlined.length <= 12 ? text.inlined.inlined : text.pointer.ptr, text.inlined.length};
}

}  // namespace

std::string why_unfit(const ColumnPlan& plan, std::string_view value) {
  switch (plan.check) {
    case Check::kNumber:
      if (plan.scale_max >= 0 && fraction_digits(value) > static_cast<size_t>(plan.scale_max))
        return "the number has more digits than " + plan.type_name;
      return {};
    case Check::kYear:
      return value.size() == 4 && value >= "1901" && value <= "2155" ? "" : "the year is not between 1901 and 2155";
    case Check::kLabel:
      return std::find(plan.labels.begin(), plan.labels.end(), value) == plan.labels.end()
                 ? "the text is no label of " + plan.type_name
                 : "";
    case Check::kLabels:
      return is_set_of(plan.labels, value) ? ""
                                           : "the text is no list of labels of " + plan.type_name + " in their order";
    case Check::kFloat:
      return value == "nan" || value == "-nan" || value == "inf" || value == "-inf"
                 ? "the number is NaN or infinite, which MySQL does not have"
                 : "";
    case Check::kDate:
      // "2024-01-01", and not "infinity", "0044-03-15 (BC)" or "12024-01-01".
      if (value.size() < 10 || value[4] != '-' || value.find("(BC)") != std::string_view::npos)
        return "the date is not between the years 1 and 9999";
      return fraction_digits(value) > static_cast<size_t>(plan.fraction_digits)
                 ? "the time is finer than " + plan.type_name
                 : "";
    case Check::kTime:
      if (!is_time(value)) return "the time is not between -838:59:59 and 838:59:59";
      return fraction_digits(value) > static_cast<size_t>(plan.fraction_digits)
                 ? "the time is finer than " + plan.type_name
                 : "";
    case Check::kNone:
    case Check::kText:
    case Check::kBytes:
      break;
  }
  return {};
}

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
  const size_t rows = duckdb_data_chunk_get_size(chunk);
  std::vector<duckdb_vector> vectors;
  for (size_t i = 0; i < plans_.size(); ++i) vectors.push_back(duckdb_data_chunk_get_vector(chunk, i));
  for (size_t row = 0; row < rows; ++row) {
    const size_t begin = text_.size();
    if (form_ == RowForm::kValues) text_ += '(';
    for (size_t i = 0; i < plans_.size(); ++i) {
      if (i > 0) text_ += form_ == RowForm::kValues ? ',' : '\t';
      const uint64_t* validity = duckdb_vector_get_validity(vectors[i]);
      if (validity && !(validity[row / 64] >> (row % 64) & 1)) {
        text_ += form_ == RowForm::kValues ? "NULL" : "\\N";
        if (sum_) sum_->add_null();
        continue;
      }
      const std::string_view value = value_at(vectors[i], row);
      if (std::string why = why_unfit(plans_[i], value); !why.empty())
        unfit_ = Unfit{ends_.size(), plans_[i].target, std::move(why)};
      else
        unfit_ = too_large(plans_[i], value.size(), text_.size() - begin);
      if (unfit_) return;
      add_value(plans_[i], value);
      if (unfit_ = too_large(plans_[i], 0, text_.size() - begin); unfit_) return;
      if (sum_) sum_->add(one_form(plans_[i].form, value));
    }
    if (sum_) sum_->end_row();
    text_ += form_ == RowForm::kValues ? ")," : "\n";
    ends_.push_back(text_.size());
  }
}

}  // namespace osiris::worker::mysql

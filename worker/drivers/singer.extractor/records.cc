#include "worker/drivers/singer.extractor/records.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "worker/driver_api/changed_values.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::singer {
namespace {

constexpr size_t kShownBytes = 60;
constexpr size_t kUnknownMax = 20;
constexpr uint64_t kRowsPerReport = 10'000;

std::string staged_name(size_t column) { return "c" + std::to_string(column); }

// Of a text that its column's type does not take, or would change.
std::string unfit_condition(const std::string& text, const Column& column) {
  const std::string changes = text_changes(column.type(), text);
  return text + " IS NOT NULL AND (TRY_CAST(" + text + " AS " + column.type() + ") IS NULL" +
         (changes.empty() ? "" : " OR " + changes) + ")";
}

bool is_whole(std::string_view number) { return number.find_first_of(".eE") == std::string_view::npos; }

// Digits after the point without zeros at the end; -1 for an exponent.
int fraction_digits(std::string_view number) {
  if (number.find_first_of("eE") != std::string_view::npos) return -1;
  const size_t point = number.find('.');
  if (point == std::string_view::npos) return 0;
  while (number.ends_with('0')) number.remove_suffix(1);
  return static_cast<int>(number.size() - point - 1);
}

// Whether a double, printed, is that number: 17 digits may not come back as they were.
bool is_exact_double(const std::string& number) {
  const double value = std::strtod(number.c_str(), nullptr);
  size_t digits = 0;
  for (const char c : number) {
    if (c == 'e' || c == 'E') break;
    digits += c >= '0' && c <= '9';
  }
  if (digits <= 15) return std::isfinite(value);
  const auto shortened = [](std::string text) {
    if (text.find('.') != std::string::npos && text.find('e') == std::string::npos) {
      while (text.ends_with('0')) text.pop_back();
      if (text.ends_with('.')) text.pop_back();
    }
    return text;
  };
  return shortened(format_double(value)) == shortened(number);
}

// Beyond microseconds, which no type here keeps.
bool has_nanoseconds(std::string_view time) {
  const size_t point = time.find('.');
  if (point == std::string_view::npos) return false;
  size_t digits = 0, last = 0;
  for (size_t at = point + 1; at < time.size() && time[at] >= '0' && time[at] <= '9'; ++at) {
    ++digits;
    if (time[at] != '0') last = digits;
  }
  return last > 6;
}

}  // namespace

Records::Records(StepContext& step, std::vector<Column> columns)
    : step_(step), columns_(std::move(columns)), found_(columns_.size()), spool_(step) {
  for (size_t i = 0; i < columns_.size(); ++i) places_[columns_[i].name] = i;
}

Error Records::unfit(const Column& column, std::string_view value, const std::string& why) const {
  std::string shown = printable_line(std::string(value.substr(0, kShownBytes)));
  if (value.size() > kShownBytes) shown += "…";
  return Error(
      Code::kStepFailed, "record " + std::to_string(rows_ + 1) + ", column '" + column.name + "': " + shown + " " + why,
      "The tap's schema says " + column.type() + ". A schema in 'catalog', or 'numbers', may say it otherwise.",
      category::kExtractSchemaMismatch);
}

Status Records::add(std::string_view record) {
  std::fill(found_.begin(), found_.end(), Token());
  JsonCursor cursor(record);
  if (!cursor.take('{'))
    return Error(Code::kStepFailed, "record " + std::to_string(rows_ + 1) + " of the tap is no object", "",
                 category::kExtractSchemaMismatch);
  for (bool more = !cursor.take('}'); more; more = cursor.take(',')) {
    Token name, value;
    std::string_view text;
    if (!cursor.value(name) || name.kind != TokenKind::kString || !text_of(name, buffer_, text) || !cursor.take(':') ||
        !cursor.value(value))
      return Error(Code::kStepFailed, "record " + std::to_string(rows_ + 1) + " of the tap cannot be read", "",
                   category::kExtractSchemaMismatch);
    if (const auto place = places_.find(text); place != places_.end()) {
      found_[place->second] = value;
    } else if (std::find(unknown_.begin(), unknown_.end(), text) == unknown_.end() && unknown_.size() < kUnknownMax) {
      unknown_.emplace_back(text);
      step_.log("the records have '" + printable_line(unknown_.back()) + "', which is no column here: it is left out");
    }
  }
  for (size_t i = 0; i < found_.size(); ++i) OSIRIS_TRY(put(i, found_[i]));
  ++rows_;
  OSIRIS_TRY(spool_.end_row());
  if (rows_ % kRowsPerReport == 0) step_.progress(rows_);
  return {};
}

Status Records::put(size_t place, const Token& token) {
  const Column& column = columns_[place];
  if (token.kind == TokenKind::kNull) return {};
  const auto keep = [&](std::string_view text) {
    spool_.put(place, text);
    return Status();
  };
  const std::string_view raw = token.raw;
  const bool is_number = token.kind == TokenKind::kNumber;
  switch (column.kind) {
    case Kind::kBoolean:
      if (token.kind != TokenKind::kTrue && token.kind != TokenKind::kFalse) return unfit(column, raw, "is no boolean");
      return keep(raw);
    case Kind::kInteger: {
      int64_t value = 0;
      std::string_view digits = raw;
      if (is_number && digits.ends_with(".0")) digits.remove_suffix(2);
      if (!is_number || !is_whole(digits)) return unfit(column, raw, "is no integer");
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (error != std::errc()) return unfit(column, raw, "is beyond 64 bits");
      return keep(digits);
    }
    case Kind::kDouble:
      if (!is_number) return unfit(column, raw, "is no number");
      if (!is_exact_double(std::string(raw))) return unfit(column, raw, "has more digits than a double keeps");
      return keep(raw);
    case Kind::kDecimal:
      if (!is_number) return unfit(column, raw, "is no number");
      if (const int digits = fraction_digits(raw); digits < 0 || digits > column.scale)
        return unfit(column, raw, "would be rounded to " + std::to_string(column.scale) + " digits after the point");
      return keep(raw);
    case Kind::kJson:
      return keep(raw);
    default:
      break;
  }
  if (column.kind == Kind::kText && is_number) return keep(raw);  // `numbers: text`, and schemas that say "string"
  std::string_view text;
  if (token.kind != TokenKind::kString) return unfit(column, raw, "is no text");
  if (!text_of(token, buffer_, text)) return unfit(column, raw, "is no text in Unicode");
  if (column.kind != Kind::kText && has_nanoseconds(text)) return unfit(column, raw, "is finer than a microsecond");
  return keep(text);
}

// A SELECT of all records, by their texts.
Result<sql::QueryResult> Records::ask(const std::string& list, const std::string& condition) {
  OSIRIS_ASSIGN(const std::string pass, spool_.begin_pass(step_.connection_handle(), columns_.size()));
  return sql::run_query(step_.connection_handle(), "SELECT " + list +
                                                       " FROM (SELECT *, row_number() OVER () AS record FROM " + pass +
                                                       "()) WHERE " + condition + " ORDER BY record LIMIT 1");
}

Status Records::settle() {
  OSIRIS_TRY(spool_.close());
  std::vector<std::pair<const Column*, std::string>> checked;  // with their staged names
  std::string any;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    if (column.kind != Kind::kDecimal && column.kind != Kind::kDate && column.kind != Kind::kTime &&
        column.kind != Kind::kTimestamp)
      continue;
    const std::string name = staged_name(i);
    checked.emplace_back(&column, name);
    any += (any.empty() ? "(" : " OR (") + unfit_condition(name, column) + ")";
  }
  if (checked.empty() || rows_ == 0) return {};
  OSIRIS_ASSIGN(sql::QueryResult wrong, ask("record", any));
  if (wrong.rows() == 0) return {};
  for (const auto& [column, name] : checked) OSIRIS_TRY(find_unfit(*column, name));
  return {};
}

Status Records::find_unfit(const Column& column, const std::string& name) {
  OSIRIS_ASSIGN(sql::QueryResult wrong, ask(name + ", record", unfit_condition(name, column)));
  if (wrong.rows() == 0) return {};
  return Error(Code::kStepFailed,
               "record " + std::to_string(wrong.integer(1)) + ", column '" + column.name + "': '" +
                   printable_line(wrong.text().substr(0, kShownBytes)) + "' is no " + column.type(),
               "", category::kExtractSchemaMismatch);
}

Result<std::optional<Records::Select>> Records::select(StepContext& step) {
  OSIRIS_ASSIGN(const std::string pass, spool_.begin_pass(step.connection_handle(), columns_.size()));
  std::string list;
  for (size_t i = 0; i < columns_.size(); ++i)
    list += (i ? ", CAST(" : "CAST(") + staged_name(i) + " AS " + columns_[i].type() + ") AS " +
            sql::quote_identifier(columns_[i].name);
  return std::optional<Select>({.sql = "SELECT " + list + " FROM " + pass + "()", .functions = {pass}});
}

Status Records::create(StepContext& step) {
  OSIRIS_ASSIGN(const std::optional<Select> rows, select(step));
  return sql::execute(step.connection_handle(), "CREATE TABLE " + step.output_table().quoted() + " AS " + rows->sql);
}

}  // namespace osiris::worker::singer

#include "worker/drivers/filesystem.json_extractor/shape.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "protocol/base/text.h"

namespace osiris::worker::json_in {
namespace {

constexpr size_t kHugeDigitsMax = 38, kExactDigits = 15;
constexpr uint64_t kExactInDouble = uint64_t{1} << 53;

// Significant digits, and the power of ten of the last of them: "1.50e3" is 15 and 2.
struct Decimal {
  std::string digits;
  int64_t exponent = 0;
  friend bool operator==(const Decimal&, const Decimal&) = default;
};

Decimal decimal_of(std::string_view text) {
  Decimal decimal;
  if (text.starts_with('-')) text.remove_prefix(1);
  const size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    std::string_view power = text.substr(e + 1);
    if (power.starts_with('+')) power.remove_prefix(1);
    (void)std::from_chars(power.data(), power.data() + power.size(), decimal.exponent);
    text = text.substr(0, e);
  }
  bool in_fraction = false;
  for (const char c : text) {
    if (c == '.') {
      in_fraction = true;
      continue;
    }
    if (c != '0' || !decimal.digits.empty()) decimal.digits += c;
    if (in_fraction) --decimal.exponent;
  }
  while (decimal.digits.ends_with('0')) {
    decimal.digits.pop_back();
    ++decimal.exponent;
  }
  if (decimal.digits.empty()) decimal.exponent = 0;
  return decimal;
}

// Whether a DOUBLE, written with as many digits as it takes, is the number of the text.
bool keeps_digits(std::string_view text, double value) {
  const Decimal wanted = decimal_of(text);
  if (wanted.digits.size() <= kExactDigits) return true;
  char shortest[64];
  const auto end = std::to_chars(shortest, shortest + sizeof shortest, value, std::chars_format::scientific).ptr;
  return decimal_of(std::string_view(shortest, static_cast<size_t>(end - shortest))) == wanted;
}

}  // namespace

void Shape::add_number(std::string_view text) {
  kinds_ |= bit(Kind::kNumber);
  const bool is_negative = text.starts_with('-');
  if (text.find_first_of(".eE") != std::string_view::npos) {
    has_fraction_ = true;
    double value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc())
      beyond_all_ = true;
    else if (rounded_.empty() && !keeps_digits(text, value))
      rounded_ = text;
    return;
  }
  has_whole_ = true;
  has_negative_ |= is_negative;
  uint64_t size = 0;
  const std::string_view digits = is_negative ? text.substr(1) : text;
  const bool fits_64 = std::from_chars(digits.data(), digits.data() + digits.size(), size).ec == std::errc();
  inexact_in_double_ |= !fits_64 || size > kExactInDouble;
  if (!fits_64 || (is_negative && size > uint64_t{1} << 63)) {
    beyond_64_ = true;
    beyond_all_ |= digits.size() > kHugeDigitsMax;
  } else {
    beyond_signed_ |= !is_negative && size > static_cast<uint64_t>(INT64_MAX);
  }
}

Shape& Shape::add_list() {
  kinds_ |= bit(Kind::kList);
  if (!item_) item_ = std::make_unique<Shape>();
  return *item_;
}

Shape& Shape::member(std::string_view key) {
  const auto [place, is_new] = places_.try_emplace(ascii_lower(key), members_.size());
  if (is_new) {
    members_.emplace_back(std::string(key), std::make_unique<Shape>());
    if (key.empty()) odd_keys_ = "an empty key";
    if (members_.size() > kMembersMax) odd_keys_ = "more than " + std::to_string(kMembersMax) + " keys";
  } else if (members_[place->second].first != key) {
    odd_keys_ = "the keys '" + members_[place->second].first + "' and '" + std::string(key) + "'";
  }
  return *members_[place->second].second;
}

std::optional<ColumnType> Shape::number_type() const {
  if (beyond_all_ || (has_fraction_ && has_whole_ && inexact_in_double_)) return std::nullopt;
  if (has_fraction_) return ColumnType::plain(DUCKDB_TYPE_DOUBLE);
  if (beyond_64_ || (beyond_signed_ && has_negative_)) return ColumnType::plain(DUCKDB_TYPE_HUGEINT);
  return ColumnType::plain(beyond_signed_ ? DUCKDB_TYPE_UBIGINT : DUCKDB_TYPE_BIGINT);
}

bool Shape::is_beyond_numbers() const { return kinds_ == bit(Kind::kNumber) && !number_type(); }

std::optional<ColumnType> Shape::type() const {
  if (irregular_) return std::nullopt;
  if (kinds_ == 0 || kinds_ == bit(Kind::kText)) return ColumnType::plain(DUCKDB_TYPE_VARCHAR);
  if (kinds_ == bit(Kind::kBoolean)) return ColumnType::plain(DUCKDB_TYPE_BOOLEAN);
  if (kinds_ == bit(Kind::kNumber)) return number_type();
  ColumnType type;
  if (kinds_ == bit(Kind::kList)) {
    auto item = item_->type();
    if (!item) return std::nullopt;
    type.id = DUCKDB_TYPE_LIST;
    type.children.push_back(*std::move(item));
    return type;
  }
  if (kinds_ != bit(Kind::kObject) || !odd_keys_.empty() || members_.empty()) return std::nullopt;
  type.id = DUCKDB_TYPE_STRUCT;
  for (const auto& [key, shape] : members_) {
    auto member = shape->type();
    if (!member) return std::nullopt;
    type.names.push_back(key);
    type.children.push_back(*std::move(member));
  }
  return type;
}

std::string Shape::described() const {
  if (irregular_) return "values that are nested too deep";
  if (kinds_ == bit(Kind::kObject) && !odd_keys_.empty()) return "objects with " + odd_keys_;
  if (kinds_ == bit(Kind::kObject) && members_.empty()) return "objects without keys";
  if (is_beyond_numbers()) return beyond_all_ ? "numbers beyond 128 bits" : "numbers that no single type holds exactly";
  static constexpr std::pair<Kind, const char*> kNames[] = {{Kind::kBoolean, "booleans"},
                                                            {Kind::kNumber, "numbers"},
                                                            {Kind::kText, "text"},
                                                            {Kind::kList, "lists"},
                                                            {Kind::kObject, "objects"}};
  std::vector<std::string> names;
  for (const auto& [kind, name] : kNames)
    if (kinds_ & bit(kind)) names.emplace_back(name);
  return names.size() == 1 ? names[0] + " whose values differ in kind" : join(names, " and ");
}

}  // namespace osiris::worker::json_in

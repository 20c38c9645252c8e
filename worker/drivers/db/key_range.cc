#include "worker/drivers/db/key_range.h"

#include <algorithm>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"

namespace osiris::worker::db {

KeySplit KeySplit::of(const Json& rule) {
  const Json& split = rule["split"];
  return {split["column"].as_string(), std::max<uint64_t>(1, split["parts"].as_uint(1)),
          split["consistency"].as_string() != "none"};
}

KeyRange KeyRange::of_part(const KeySplit& split, const std::vector<std::string>& bounds, uint64_t part) {
  KeyRange range;
  range.column = split.column;
  if (part >= split.parts) {
    range.rows = Rows::kWithoutValue;
  } else if (bounds.empty()) {
    // What comes from now on belongs to the first part.
    if (part > 0) range.rows = Rows::kNone;
  } else {
    if (part > 0) range.from = bounds[part - 1];
    if (part + 1 < split.parts) range.to = bounds[part];
    if (range.from && range.from == range.to) range.rows = Rows::kNone;
  }
  return range;
}

std::optional<KeyRange> KeyRange::of(const StepContext& step) {
  const ShardPlace* place = step.shard();
  if (!place || !place->rule.contains("split")) return std::nullopt;
  std::vector<std::string> bounds;
  for (const Json& bound : place->settled["bounds"].items()) bounds.push_back(bound.as_string());
  return of_part(KeySplit::of(place->rule), bounds, place->index);
}

std::string KeyRange::condition(const std::string& key,
                                const std::function<std::string(const std::string&)>& literal) const {
  if (rows == Rows::kWithoutValue) return key + " IS NULL";
  if (rows == Rows::kNone) return "1 = 0";
  if (!from && !to) return key + " IS NOT NULL";
  std::string sql;
  if (from) sql = key + " >= " + literal(*from);
  if (to) sql += (sql.empty() ? "" : " AND ") + key + " < " + literal(*to);
  return sql;
}

std::string count_statement(const KeySql& sql) {
  return "SELECT count(*) FROM " + sql.rows + " WHERE " + sql.key + " IS NOT NULL";
}

std::vector<uint64_t> places_of_bounds(uint64_t rows, uint64_t parts) {
  std::vector<uint64_t> places;
  const uint64_t whole = rows / parts, rest = rows % parts;
  for (uint64_t part = 1; part < parts && rows > 0; ++part) {
    const uint64_t place = whole * part + rest * part / parts;  // rows × part / parts, which may be beyond 64 bits
    if (places.empty() || places.back() != place) places.push_back(place);
  }
  return places;
}

std::string bounds_statement(const KeySql& sql, const std::vector<uint64_t>& places) {
  std::string list;
  for (const uint64_t place : places) list += (list.empty() ? "" : ", ") + std::to_string(place);
  return "SELECT osiris_place, osiris_text, CASE WHEN osiris_key < lag(osiris_key) OVER (ORDER BY osiris_place) THEN 1 "
         "ELSE 0 END FROM (SELECT " +
         sql.key + " AS osiris_key, " + sql.text + " AS osiris_text, row_number() OVER (ORDER BY " + sql.key +
         ") - 1 AS osiris_place FROM " + sql.rows + " WHERE " + sql.key +
         " IS NOT NULL) AS osiris_sorted WHERE osiris_place IN (" + list + ") ORDER BY osiris_place";
}

Result<std::vector<std::string>> bounds_of(const KeySplit& split, uint64_t rows, const std::vector<KeyAtPlace>& found) {
  std::vector<std::string> bounds;
  for (const KeyAtPlace& each : found)
    if (each.is_less_than_before)
      return Error(Code::kInvalidArgument,
                   "column '" + split.column +
                       "' of split is sorted in another order than its values are compared: its parts would overlap",
                   "name another column, or cast this one in the query", category::kConfigInvalid);
  // Rows that are gone since they were counted leave places without a key: that of the row before stands for them.
  auto next = found.begin();
  const uint64_t whole = rows / split.parts, rest = rows % split.parts;
  for (uint64_t part = 1; part < split.parts && !found.empty(); ++part) {
    const uint64_t place = whole * part + rest * part / split.parts;
    while (std::next(next) != found.end() && std::next(next)->place <= place) ++next;
    bounds.push_back(next->text);
  }
  return bounds;
}

Json settled_bounds(const std::vector<std::string>& bounds) {
  Json list = Json::array();
  for (const std::string& bound : bounds) list.push_back(bound);
  return Json::object({{"bounds", std::move(list)}});
}

}  // namespace osiris::worker::db

#include "worker/drivers/db/key_range.h"

#include <algorithm>

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
  } else if (part > bounds.size()) {
    range.rows = Rows::kNone;
  } else {
    if (part > 0) range.from = bounds[part - 1];
    if (part < bounds.size()) range.to = bounds[part];
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

std::string KeyRange::condition(const KeyedRows& keyed) const {
  if (rows == Rows::kWithoutValue) return keyed.key + " IS NULL";
  if (rows == Rows::kNone) return "1 = 0";
  if (!from && !to) return keyed.key + " IS NOT NULL";
  std::string sql;
  if (from) sql = keyed.key + " >= " + keyed.literal(*from);
  if (to) sql += (sql.empty() ? "" : " AND ") + keyed.key + " < " + keyed.literal(*to);
  return sql;
}

Result<Json> ask_for_bounds(const KeySplit& split, const KeyedRows& keyed) {
  OSIRIS_ASSIGN(const auto counted,
                keyed.ask("SELECT count(*) FROM " + keyed.rows + " WHERE " + keyed.key + " IS NOT NULL"));
  const uint64_t rows = counted ? std::stoull(*counted) : 0;
  Json list = Json::array();
  if (rows > 0 && split.parts > 1) {
    OSIRIS_ASSIGN(std::vector<std::string> bounds, key_bounds(keyed, (rows - 1) / split.parts + 1));
    bounds.resize(std::min<size_t>(bounds.size(), split.parts - 1));  // rows that came meanwhile are in the last part
    for (std::string& bound : bounds) list.push_back(std::move(bound));
  }
  return Json::object({{"bounds", std::move(list)}});
}

}  // namespace osiris::worker::db

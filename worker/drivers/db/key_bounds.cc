#include "worker/drivers/db/key_bounds.h"

#include "protocol/base/categories.h"
#include "protocol/base/sha256.h"

namespace osiris::worker::db {
namespace {

constexpr size_t kBoundsMax = 100'000;

}  // namespace

Result<std::vector<std::string>> key_bounds(const KeyedRows& rows, uint64_t rows_per_range) {
  std::vector<std::string> bounds;
  const uint64_t step = rows_per_range == 0 ? 1 : rows_per_range;
  for (;;) {
    const bool is_first = bounds.empty();
    const std::string from = is_first ? rows.key + " IS NOT NULL" : rows.key + " > " + rows.literal(bounds.back());
    const std::string which = " FROM " + rows.rows + " WHERE " + from +
                              (rows.condition.empty() ? "" : " AND (" + rows.condition + ")") + " ORDER BY " +
                              rows.key + " LIMIT 1 OFFSET " + std::to_string(is_first ? step : step - 1);
    // The name keeps a text that is called as its key from being what is sorted.
    OSIRIS_ASSIGN(auto next, rows.ask(rows.writes_skipped ? "SELECT " + rows.text + " AS osiris_bound FROM (SELECT " +
                                                                rows.key + which + ") AS osiris_key"
                                                          : "SELECT " + rows.text + " AS osiris_bound" + which));
    if (!next) return bounds;
    if (rows.check) OSIRIS_TRY(rows.check(*next));
    if (!is_first && *next == bounds.back())
      return Error(Code::kInvalidArgument,
                   "the database writes several values of " + rows.key + " as '" + *next + "', which divides no rows",
                   "name another column, or cast this one in the query", category::kConfigInvalid);
    if (bounds.size() == kBoundsMax)
      return Error(Code::kInvalidArgument,
                   "the rows would be divided into more than " + std::to_string(kBoundsMax) + " ranges",
                   "raise chunk_rows", category::kConfigInvalid);
    bounds.push_back(*std::move(next));
  }
}

Json identity_of_rows(const std::string& place, const std::string& query, const RelationColumns& columns,
                      const std::string& key) {
  std::string kept;
  for (const RelationColumn& column : columns)
    kept += column.name + "\n" + column.type.to_json().dump_canonical() + "\n";
  return Json::object(
      {{"server", sha256_hex(place)}, {"query", sha256_hex(query)}, {"columns", sha256_hex(kept)}, {"key", key}});
}

std::string range_of_values(const KeyedRows& rows, const std::vector<std::string>& bounds, size_t range) {
  std::string condition;
  if (range > 0) condition = rows.key + " >= " + rows.literal(bounds[range - 1]);
  if (range < bounds.size())
    condition += (condition.empty() ? "" : " AND ") + rows.key + " < " + rows.literal(bounds[range]);
  return condition;
}

std::string range_condition(const KeyedRows& rows, const std::vector<std::string>& bounds, size_t range) {
  const std::string condition = range_of_values(rows, bounds, range);
  if (range > 0 || bounds.empty()) return condition;
  return "(" + condition + " OR " + rows.key + " IS NULL)";
}

}  // namespace osiris::worker::db

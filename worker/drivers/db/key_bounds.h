// Values of a key column that divide rows into ranges of about as many rows each. The database is asked for them in
// its own order, so collations, time zones and whatever else orders its values are its matter.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "worker/drivers/db/chunk.h"

namespace osiris::worker::db {

// Rows with a key, in the words of their database.
struct KeyedRows {
  std::string rows;                                                               // what stands after FROM
  std::string key;                                                                // the column there
  std::string text;                                                               // its value as a text: "c1::text"
  std::string condition;                                                          // that the rows meet; empty: all do
  std::function<std::string(const std::string&)> literal;                         // of such a text
  std::function<Result<std::optional<std::string>>(const std::string& sql)> ask;  // one value; nullopt: no row
  bool writes_skipped = false;  // the database makes the texts of rows that OFFSET skips too; `key` is then a name
  std::function<Status(const std::string&)> check = {};  // whether literal() can say such a text; empty: it always can
};

// Each greater than the one before as the database compares them, none for what is NULL. A value that more rows have is
// in one range with all of them. Costs one look along the key's index for each range; without an index, a sort.
Result<std::vector<std::string>> key_bounds(const KeyedRows& rows, uint64_t rows_per_range);

// What the values of range `range` of `bounds` meet; empty: any does.
std::string range_of_values(const KeyedRows& rows, const std::vector<std::string>& bounds, size_t range);
// The same of rows: of the first range, below the first bound or without a value.
std::string range_condition(const KeyedRows& rows, const std::vector<std::string>& bounds, size_t range);

// What tells the rows of a query from others: by name, hashes of where it is asked, of what, and of its columns.
Json identity_of_rows(const std::string& place, const std::string& query, const RelationColumns& columns,
                      const std::string& key);

}  // namespace osiris::worker::db

// A source's rows in pieces, by one column in the database's own order: half-open intervals between bounds that the
// database is asked for. The database sorts, counts and compares; here its values are texts that go back to it as they
// came, so that no second opinion on the order of texts, NaN or dates without end can lose a row.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/driver.h"

namespace osiris::worker::db {

// `foreach: {split: {column: id, parts: 16}}`, as shards of a step have it.
struct KeySplit {
  std::string column;
  uint64_t parts = 1;
  bool is_consistent = true;  // all parts are of one moment; not with `consistency: none`

  static KeySplit of(const Json& rule);
};

// The piece that one part reads. Parts 0 to n - 1 are intervals, and part n holds the rows without a value.
struct KeyRange {
  enum class Rows { kBetween, kWithoutValue, kNone };
  std::string column;
  Rows rows = Rows::kBetween;
  std::optional<std::string> from, to;  // as the database wrote them; `from` is in, `to` is not; nullopt: no bound

  // `bounds`: the first values of parts 1 to n - 1; empty where there was no value.
  static KeyRange of_part(const KeySplit& split, const std::vector<std::string>& bounds, uint64_t part);
  // Of the shard that the attempt is for; nullopt: it reads all rows.
  static std::optional<KeyRange> of(const StepContext& step);

  // "id >= 7 AND id < 12". `literal` makes SQL of a bound.
  std::string condition(const std::string& key, const std::function<std::string(const std::string&)>& literal) const;
};

// A key as SQL of its database.
struct KeySql {
  std::string rows;  // what follows FROM
  std::string key;   // what is sorted and compared
  std::string text;  // the key as the text that a bound is
};
std::string count_statement(const KeySql& sql);

// The places of the first rows of parts 1 to n - 1 among `rows` sorted ones, each once.
std::vector<uint64_t> places_of_bounds(uint64_t rows, uint64_t parts);
// Rows of three columns, in the order of the keys: the place, the key as text, and whether (1, 0 or NULL) the database
// says that it is less than the one before.
std::string bounds_statement(const KeySql& sql, const std::vector<uint64_t>& places);

struct KeyAtPlace {
  uint64_t place = 0;
  std::string text;
  bool is_less_than_before = false;
};
// The bounds for KeyRange, of what that statement gave. kInvalidArgument where the database sorts the column in another
// order than it compares it, so that intervals would overlap.
Result<std::vector<std::string>> bounds_of(const KeySplit& split, uint64_t rows, const std::vector<KeyAtPlace>& found);

// As Driver::settle() gives them to all shards, {"bounds": [...]}.
Json settled_bounds(const std::vector<std::string>& bounds);

}  // namespace osiris::worker::db

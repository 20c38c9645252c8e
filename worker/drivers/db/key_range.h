// The part of a source's rows that one shard of `foreach: {split: …}` reads: a half-open interval between two bounds
// that the database was asked for (key_bounds.h), or the rows without a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/driver.h"
#include "worker/drivers/db/key_bounds.h"

namespace osiris::worker::db {

// {"split": {"column": "id", "parts": 16}}.
struct KeySplit {
  std::string column;
  uint64_t parts = 1;
  bool is_consistent = true;  // all parts are of one moment; not with `consistency: none`

  static KeySplit of(const Json& rule);
};

// Parts 0 to n - 1 are intervals, and part n holds the rows without a value.
struct KeyRange {
  enum class Rows { kBetween, kWithoutValue, kNone };
  std::string column;
  Rows rows = Rows::kBetween;
  std::optional<std::string> from, to;  // as the database wrote them; `from` is in, `to` is not; nullopt: no bound

  // Fewer bounds than parts leave the last parts without rows; without any, all values are in part 0.
  static KeyRange of_part(const KeySplit& split, const std::vector<std::string>& bounds, uint64_t part);
  // Of the shard that the attempt is for; nullopt: it reads all rows.
  static std::optional<KeyRange> of(const StepContext& step);

  // "id >= 7 AND id < 12", in the words of `keyed`.
  std::string condition(const KeyedRows& keyed) const;
};

// The bounds of parts of about as many rows, as Driver::settle() gives them to all shards: {"bounds": [...]}.
Result<Json> ask_for_bounds(const KeySplit& split, const KeyedRows& keyed);

}  // namespace osiris::worker::db

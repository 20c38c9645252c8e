// The values of `foreach: {range: {from, to, by}}`: numbers, days ("2025-01-31") or months ("2025-01"). Value i is
// `from` + i × `by`, in decimal or calendar arithmetic and never a running sum: 0.1 three times is 0.3, and a month
// after 31 January is the last of February, two are 31 March.
#pragma once

#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/model/shards.h"

namespace osiris {

// From `from` on to before `to`; none where they are equal. `by`: a number above 0, of days or months their count, or
// "1 day", "2 weeks", "1 month", "1 year"; null for the 1 of numbers, days and months. kInvalidArgument, also for more
// than kShardsMax.
Result<std::vector<Shard>> shards_of_range(const Json& from, const Json& to, const Json& by);

}  // namespace osiris

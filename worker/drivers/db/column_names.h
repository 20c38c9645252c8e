// The names of a result's columns: which of them are wanted, and whether a relation can have them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/base/error.h"

namespace osiris::worker::db {

// The places in `names` of the `wanted` ones, in that order (empty: all of them), found as written first and without
// regard to case otherwise. Fails with extract.schema_mismatch where one is not there, has no name, is not UTF-8 or
// differs from another only in case. `server`: how the error begins, "MySQL".
Result<std::vector<uint32_t>> pick_columns(const std::string& server, const std::vector<std::string>& names,
                                           const std::vector<std::string>& wanted);

}  // namespace osiris::worker::db

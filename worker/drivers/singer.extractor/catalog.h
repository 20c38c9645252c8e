// A tap's catalog, with one stream and the wanted columns of it selected in both ways that taps look for.
#pragma once

#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::worker::singer {

// kStepFailed where the catalog has no such stream, or the stream no such column: the ones there are stand in the hint.
Result<Json> selected_catalog(Json catalog, const std::string& stream, const std::vector<std::string>& columns);

}  // namespace osiris::worker::singer

// A step's config as it may be written to cleaned_config.json: secrets are replaced by where they stand (the component
// spec's pointers), by what their members are called, and by value.
#pragma once

#include <string_view>

#include "protocol/base/json.h"
#include "protocol/base/redact.h"

namespace osiris::worker {

// `pointers`: JSON pointers separated by blanks.
Json masked_config(Json config, std::string_view pointers, const Redactor& redactor);

}  // namespace osiris::worker

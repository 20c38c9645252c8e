// A step's config as it may be written to cleaned_config.json: secrets are replaced by where they stand (the component
// spec's pointers), by what their members are called, and by value.
#pragma once

#include <string_view>

#include "protocol/base/json.h"
#include "protocol/base/redact.h"

namespace osiris::worker {

// `pointers`: JSON pointers separated by blanks.
Json masked_config(Json config, std::string_view pointers, const Redactor& redactor);

// "password", "api_key", "auth_token"; not "primary_key", "author", "max_tokens".
bool names_a_secret(std::string_view name);

}  // namespace osiris::worker

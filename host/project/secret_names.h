// Which field names hold secrets when no spec says so, and how a field that must be shown is masked.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/json.h"
#include "protocol/base/redact.h"

namespace osiris {

// The fixed list of names (password, token, api_key, dsn, ...), case-insensitive; never primary_key or url.
bool is_secret_name(std::string_view field);
// That, and names that contain such a word (pg_password, sql_dsn): the rule for connection fields.
bool is_secret_like_name(std::string_view field);
// A URL or DSN with a password in it: scheme://user:password@host.
bool holds_url_password(std::string_view value);
// scheme://user:***@host; other text unchanged.
std::string mask_url_password(std::string_view value);

}  // namespace osiris

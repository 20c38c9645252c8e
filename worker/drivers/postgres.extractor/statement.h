// The user's query as it goes between the parentheses of COPY: one statement without its semicolon, its $names filled
// in. COPY takes no parameters, so a value is written into the text as a literal, quoted where it is text: no quote in
// it ends the literal, because the session reads backslashes as characters (standard_conforming_strings).
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::worker::postgres {

// `values`: an object, or null. A list stands for its items, separated by commas. Every name must have a value and
// every value a name. What is inside quotes and comments is left alone. kStepFailed with extract.query_failed.
Result<std::string> one_statement(std::string_view query, const Json& values);

}  // namespace osiris::worker::postgres

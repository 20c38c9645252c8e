// An error's detail as the text in which it leaves a library: its category is one of the members there.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json_value.h"

namespace osiris {

// Empty where there is neither a detail nor a category.
std::string detail_text(const Error& error);

// The error that such a text came with. A text that is no JSON object says nothing.
Error error_with_detail(Code code, std::string message, std::string hint, std::string_view detail_text);
// The same once it is parsed.
Error error_of_detail(Code code, std::string message, std::string hint, Json detail);

}  // namespace osiris

// An error's detail as the text in which it leaves a library: its category is one of the members there.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/error.h"

namespace osiris {

// Empty where there is neither a detail nor a category.
std::string detail_text(const Error& error);

// The error that such a text came with. A text that is no JSON object says nothing.
Error error_with_detail(Code code, std::string message, std::string hint, std::string_view detail_text);

}  // namespace osiris

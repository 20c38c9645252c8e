// JSON whose numbers would change when they are read.
#pragma once

#include <string>
#include <string_view>

namespace osiris::worker::web {

// The same JSON with every number in quotes that a reader of 64-bit integers and doubles would not give back digit by
// digit: 1.00000000000000000001, 184467440737095516160. 1.50 is 1.5 and stays. Text that is no JSON stays as it is.
std::string with_exact_numbers(std::string_view json);

}  // namespace osiris::worker::web

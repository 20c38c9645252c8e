// The form that all texts of one JSON value have. A server that keeps JSON parsed gives it back with other blanks,
// another order of keys and numbers written otherwise; in this form what was sent and what came back are compared.
#pragma once

#include <string>
#include <string_view>

namespace osiris::worker::db {

// Equal for two texts exactly if they are one value: members in any order, of a key that is there twice the last one, a
// number by all its digits (1.50 is 15e-1), a text by its characters. Of lists and objects of more than 128 bytes it is
// a hash. What is no JSON is its own form. Nesting costs memory and no stack.
std::string canonical_json(std::string_view text);

}  // namespace osiris::worker::db

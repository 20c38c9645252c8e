// XML as PostgreSQL takes it: its declaration is read, not kept.
#pragma once

#include <string>
#include <string_view>

namespace osiris::worker::postgres {

// The form in which an xml value is compared: the server writes the declaration anew, leaves it out where it says
// nothing but version 1.0 and an encoding, and the line end behind it too.
std::string canonical_xml(std::string_view text);

// Whether the server would read a text that is UTF-8 as something else: a declaration names another encoding, and a
// character is not ASCII.
bool is_read_as_another_encoding(std::string_view xml);

}  // namespace osiris::worker::postgres

// A parameter given as text: by --param or in the environment. YAML's rules for plain scalars are for files; text is
// read as its declared type says, numbers in decimal.
#pragma once

#include <string>
#include <string_view>

#include "host/yaml/node.h"

namespace osiris {

// `type`: string, integer, number, boolean, list, object or empty, which is string. A text that does not spell the type
// stays the text it is, for the type's check to refuse.
//   integer   12, -3, +4, 08 (which is 8)
//   number    the same, and 1.5, .5, 1e3; a whole one is an integer
//   boolean   true, false, yes, no, on, off, in any case
//   list, object   YAML's flow style or JSON; a plain scalar in it is null, true, false, a number as JSON writes it, or
//                  else text: 08, NO and 1:30 are text
YamlNode read_param_text(const std::string& text, std::string_view type, Mark mark);

// Whether all of `text` spells a number in decimal, as above.
bool spells_number(std::string_view text);

}  // namespace osiris

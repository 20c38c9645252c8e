// Where a YAML text went wrong, and what its author probably meant. The parser names the place where it gave up, which
// for a missing quote or bracket is the end of the file; this reads the text line by line, as a person would, and finds
// the place of the slip. It runs only on a text that the parser has refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/yaml/diagnostic.h"

namespace osiris {

struct YamlSlip {
  Mark mark;            // columns count characters
  std::string message;  // "'@' cannot begin a value"
  std::string hint;     // "put it in quotes: '@mysql.shop'"
};

// The first slip at or before `last_line`, the line where the parser gave up (0: anywhere). Nothing when the text has
// none of the common slips.
std::optional<YamlSlip> find_yaml_slip(std::string_view text, int last_line);

// The quotation mark at `mark` that no later one closes; nothing when it is closed, or none is there. yaml-cpp takes
// the end of the file for its end.
std::optional<YamlSlip> find_unclosed_quote(std::string_view text, Mark mark);

// What yaml-cpp's `message` means, in words of the field; for the slips that find_yaml_slip() does not know.
YamlSlip explain_yaml_error(std::string_view message, Mark mark);

}  // namespace osiris

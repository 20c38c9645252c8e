// Lines and columns of a text: what a Mark means in bytes. Columns count characters.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "host/yaml/diagnostic.h"

namespace osiris {

// Where each line begins; an empty text has one line.
std::vector<size_t> line_starts(std::string_view text);

size_t count_characters(std::string_view text);

// The byte of `text` that `mark` names; at most text.size(). nullopt for a line that there is not.
std::optional<size_t> byte_of(std::string_view text, Mark mark);

}  // namespace osiris

// Text for XML and HTML.
#pragma once

#include <string>
#include <string_view>

namespace osiris {

// As text and in attributes: valid UTF-8, markup escaped, control characters that these cannot hold as '?'.
std::string xml_text(std::string_view text);

}  // namespace osiris

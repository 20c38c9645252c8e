#include "host/yaml/text_lines.h"

#include <algorithm>

#include "protocol/base/utf8.h"

namespace osiris {

std::vector<size_t> line_starts(std::string_view text) {
  std::vector<size_t> starts = {0};
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n') starts.push_back(i + 1);
  return starts;
}

size_t count_characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !continues_utf8(c); }));
}

std::optional<size_t> byte_of(std::string_view text, Mark mark) {
  size_t at = 0;
  for (int line = 1; line < mark.line; ++line) {
    at = text.find('\n', at);
    if (at == std::string_view::npos) return std::nullopt;
    ++at;
  }
  for (int column = 1; column < mark.column && at < text.size(); ++column) {
    ++at;
    while (at < text.size() && continues_utf8(text[at])) ++at;
  }
  return at;
}

}  // namespace osiris

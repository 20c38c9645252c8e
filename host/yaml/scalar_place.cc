#include "host/yaml/scalar_place.h"

#include <algorithm>

#include "host/yaml/text_lines.h"

namespace osiris {
namespace {

constexpr size_t kNone = std::string_view::npos;

int characters(std::string_view text) { return static_cast<int>(count_characters(text)); }

// The value of `key: |` has the lines below it, less their common indentation.
std::optional<Mark> place_in_block(std::string_view text, size_t after_sign, Mark scalar, std::string_view value,
                                   size_t offset) {
  const std::string_view before = value.substr(0, offset);
  const auto line = static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  const size_t line_start = before.rfind('\n') == kNone ? 0 : before.rfind('\n') + 1;
  // The first line with text says how far the block is indented.
  for (size_t at = text.find('\n', after_sign); at != kNone && at + 1 < text.size(); at = text.find('\n', at + 1)) {
    const std::string_view content = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    const size_t indent = content.find_first_not_of(' ');
    if (indent == kNone || content[indent] == '\r') continue;
    return Mark{scalar.line + 1 + line, static_cast<int>(indent) + 1 + characters(before.substr(line_start))};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Mark> place_in_scalar(std::string_view text, Mark scalar, std::string_view value, size_t offset) {
  if (scalar.line <= 0 || offset > value.size()) return std::nullopt;
  const auto found = byte_of(text, scalar);
  if (!found || *found >= text.size()) return std::nullopt;
  const size_t at = *found;
  if (text[at] == '|') return place_in_block(text, at, scalar, value, offset);
  const size_t quotes = text[at] == '"' || text[at] == '\'' ? 1 : 0;
  if (text.substr(at + quotes, value.size()) != value || value.find('\n') != kNone) return std::nullopt;
  return Mark{scalar.line, scalar.column + static_cast<int>(quotes) + characters(value.substr(0, offset))};
}

}  // namespace osiris

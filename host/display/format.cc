#include "host/display/format.h"

#include <algorithm>
#include <cstdio>

#include "protocol/base/utf8.h"

namespace osiris {
namespace {

size_t columns_of(char32_t c) {
  if ((c >= 0x300 && c <= 0x36F) || c == 0x200D || (c >= 0xFE00 && c <= 0xFE0F)) return 0;
  const bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
                    (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                    (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
  return wide ? 2 : 1;
}

// What acts on a terminal or on the order of text instead of being seen: C0, DEL, C1 (also escape sequences in one
// character), line and paragraph separators, marks that reorder text or have no width of their own, tags.
bool acts(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || c == 0x180E || c == 0x200B || c == 0x200E ||
         c == 0x200F || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}

// The bytes of "\x1b[31;1m" at the beginning; 0: none.
size_t color_sequence(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  const size_t end = text.find_first_not_of("0123456789;", 2);
  return end != std::string_view::npos && text[end] == 'm' ? end + 1 : 0;
}

std::string json_escape(char32_t c) {
  char text[16];
  if (c < 0x10000)
    std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(c));
  else
    std::snprintf(text, sizeof text, "\\u%04x\\u%04x", static_cast<unsigned>(0xD800 + ((c - 0x10000) >> 10)),
                  static_cast<unsigned>(0xDC00 + ((c - 0x10000) & 0x3FF)));
  return text;
}

std::string number(const char* format, double value) {
  char text[64];
  return {text, static_cast<size_t>(std::snprintf(text, sizeof text, format, value))};
}

}  // namespace

std::string format_count(uint64_t count) {
  std::string text = std::to_string(count);
  for (size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string counted(uint64_t count, const char* noun) {
  return format_count(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string format_rate(uint64_t rows, double seconds) {
  if (rows == 0 || seconds < 0.001) return {};
  return format_rate(static_cast<double>(rows) / seconds);
}

std::string format_rate(double rate) {
  if (rate >= 1e6) return number("%.1f M rows/s", rate / 1e6);
  if (rate >= 1e3) return number("%.1f k rows/s", rate / 1e3);
  return number("%.0f rows/s", rate);
}

std::string format_duration(double seconds) {
  if (seconds < 10) return number("%.2fs", seconds);
  if (seconds < 60) return number("%.1fs", seconds);
  const auto whole = static_cast<uint64_t>(seconds);
  char text[48];
  if (whole < 3600)
    std::snprintf(text, sizeof text, "%lum %02lus", whole / 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%luh %02lum", whole / 3600, whole / 60 % 60);
  return text;
}

std::string format_bytes(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit < 4) value /= 1024, ++unit;
  return number(unit ? "%.1f " : "%.0f ", value) + kUnits[unit];
}

std::string printable(std::string_view text, bool lines) {
  std::string out;
  while (!text.empty()) {
    const Utf8Character point = first_utf8(text);
    const bool keep_newline = lines && point.point == '\n';
    if (!point.is_valid)
      out += '?';
    else if (point.point == '\t' || (point.point == '\n' && !lines))
      out += ' ';
    else if (acts(point.point) && !keep_newline)
      out += '?';
    else
      out += text.substr(0, point.size_bytes);
    text.remove_prefix(point.size_bytes);
  }
  return out;
}

std::string terminal_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Character point = first_utf8(text);
    const size_t color = color_sequence(text);
    const size_t bytes = std::max(color, point.size_bytes);
    if (!point.is_valid || (acts(point.point) && point.point != '\n' && point.point != '\t' && !color))
      out += '?';
    else
      out += text.substr(0, bytes);
    text.remove_prefix(bytes);
  }
  return out;
}

std::string terminal_json(std::string_view document) {
  std::string out;
  out.reserve(document.size());
  while (!document.empty()) {
    const Utf8Character point = first_utf8(document);
    // Line ends stand between members; inside a text JSON writes no character below a blank as it is.
    if (acts(point.point) && point.point != '\n' && point.is_valid)
      out += json_escape(point.point);
    else
      out += document.substr(0, point.size_bytes);
    document.remove_prefix(point.size_bytes);
  }
  return out;
}

std::string excerpt(std::string_view text, std::string_view where) {
  constexpr size_t kBytesMax = 2'000, kLinesMax = 30;
  size_t end = std::min(text.size(), kBytesMax);
  size_t lines = 1;
  for (size_t i = 0; i < end; ++i)
    if (text[i] == '\n' && ++lines > kLinesMax) end = i;
  if (end == text.size()) return std::string(text);
  while (end > 0 && continues_utf8(text[end])) --end;  // never inside a character
  return std::string(text.substr(0, end)) + " … (" + format_count(text.size() - end) + " bytes more; " +
         std::string(where) + ")";
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const Utf8Character point = first_utf8(text);
    width += columns_of(point.point);
    text.remove_prefix(point.size_bytes);
  }
  return width;
}

std::string fit(std::string_view text, size_t width) {
  if (display_width(text) <= width) return std::string(text);
  std::string out;
  size_t used = 0;
  while (!text.empty()) {
    const Utf8Character point = first_utf8(text);
    if (used + columns_of(point.point) + 1 > width) break;
    used += columns_of(point.point);
    out += text.substr(0, point.size_bytes);
    text.remove_prefix(point.size_bytes);
  }
  return width ? out + "…" : out;
}

std::string pad(std::string_view text, size_t width, bool right) {
  const size_t used = display_width(text);
  const std::string blanks(used < width ? width - used : 0, ' ');
  return right ? blanks + std::string(text) : std::string(text) + blanks;
}

std::string Table::text() const {
  std::vector<size_t> widths;
  for (const Column& column : columns_) widths.push_back(display_width(column.title));
  for (const auto& row : rows_)
    for (size_t i = 0; i < row.size() && i < widths.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  std::string out;
  const auto line = [&](auto cell) {
    std::string text;
    for (size_t i = 0; i < columns_.size(); ++i) text += (i ? "  " : "") + pad(cell(i), widths[i], columns_[i].right);
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + '\n';
  };
  line([&](size_t i) { return columns_[i].title; });
  line([&](size_t i) {
    std::string rule;
    for (size_t n = 0; n < widths[i]; ++n) rule += "─";
    return rule;
  });
  for (const auto& row : rows_) line([&](size_t i) { return i < row.size() ? row[i] : std::string(); });
  return out;
}

std::string shell_word(const std::string& text) {
  const bool is_plain =
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-") == std::string::npos;
  if (is_plain) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace osiris

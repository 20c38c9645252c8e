#include "host/yaml/slip_scalar.h"

#include <algorithm>

#include "protocol/base/text.h"

namespace osiris::yaml_slip {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

// The position behind the closing mark of the quote that is open at `at`; kNone when the line does not close it.
size_t quote_end(std::string_view text, size_t at, char mark) {
  for (; at < text.size(); ++at) {
    if (mark == '"' && text[at] == '\\')
      ++at;
    else if (text[at] == mark && mark == '\'' && at + 1 < text.size() && text[at + 1] == '\'')
      ++at;
    else if (text[at] == mark)
      return at + 1;
  }
  return kNone;
}

// Without the comment behind it.
std::string_view value_at(std::string_view text, size_t at) {
  const size_t comment = text.find(" #", at);
  return trim(text.substr(at, comment == kNone ? kNone : comment - at));
}

}  // namespace

std::string quoted(std::string_view value) {
  const std::string text(value.substr(0, 60));
  const std::string rest = value.size() > 60 ? "..." : "";
  if (text.find('\'') == kNone) return "'" + text + rest + "'";
  if (text.find_first_of("\"\\") == kNone) return "\"" + text + rest + "\"";
  std::string doubled;
  for (const char c : text) doubled.append(c == '\'' ? 2 : 1, c);
  return "'" + doubled + rest + "'";
}

size_t key_end(std::string_view text, size_t from) {
  size_t at = from;
  if (at < text.size() && (text[at] == '"' || text[at] == '\'')) {
    at = quote_end(text, at + 1, text[at]);
    if (at == kNone) return kNone;
    at = text.find_first_not_of(' ', at);
    return at != kNone && text[at] == ':' && (at + 1 == text.size() || is_blank(text[at + 1])) ? at : kNone;
  }
  if (at >= text.size() || std::string_view("{[|>@`%*&#,").find(text[at]) != kNone) return kNone;
  for (; at < text.size(); ++at) {
    if (text[at] == '#' && at > from && is_blank(text[at - 1])) return kNone;
    if (text[at] == ':' && (at + 1 == text.size() || is_blank(text[at + 1]))) return at;
  }
  return kNone;
}

std::optional<Found> read_plain_start(const Line& line, size_t at) {
  const std::string_view rest = line.text.substr(at);
  const std::string value = quoted(value_at(line.text, at));
  if (rest.starts_with("{{") || rest.starts_with("{%"))
    return Found{line.number, at,
                 "'" + std::string(rest.substr(0, 2)) + "' is a template's syntax, which pipelines do not have",
                 "a parameter is written ${params.name}, declared under params:"};
  switch (rest[0]) {
    case '@':
    case '`':
      return Found{line.number, at, "'" + std::string(1, rest[0]) + "' cannot begin a value in YAML",
                   "put it in quotes: " + value};
    case '%':
      return Found{line.number, at, "'%' cannot begin a value in YAML", "put it in quotes: " + value};
    case '*':
    case '&':
      if (rest.size() > 1 && is_name(rest[1])) return std::nullopt;
      return Found{line.number, at,
                   std::string("'") + rest[0] + (rest[0] == '*' ? "' begins an alias" : "' begins an anchor") +
                       " in YAML, and no name follows it",
                   "put the value in quotes: " + value};
    default:
      return std::nullopt;
  }
}

std::optional<Found> check_plain(const Line& line, size_t at) {
  if (line.text[at] == '&' || line.text[at] == '!' || line.text[at] == '*') return std::nullopt;
  const std::string_view value = value_at(line.text, at);
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] != ':' || (i + 1 < value.size() && !is_blank(value[i + 1]))) continue;
    return Found{line.number, at + i, "this value holds ':' and a space, which YAML reads as the end of a key",
                 "put the whole value in quotes: " + quoted(value)};
  }
  return std::nullopt;
}

std::optional<Found> check_block_header(const Line& line, size_t at) {
  size_t end = at + 1;
  while (end < line.text.size() && std::string_view("+-123456789").find(line.text[end]) != kNone) ++end;
  const size_t next = line.text.find_first_not_of(" \t", end);
  if (next == kNone || (line.text[next] == '#' && next > end)) return std::nullopt;
  const std::string sign(1, line.text[at]);
  return Found{line.number, next, "text stands behind '" + sign + "' on the same line",
               "begin it on the next line, indented deeper than the key, or put it in quotes"};
}

std::optional<Found> Quote::open(const Line& line, size_t at, size_t& after) {
  mark_ = last_ = line.text[at];
  line_ = line.number;
  column_ = at;
  return scan(line, at + 1, after);
}

std::optional<Found> Quote::go_on(const Line& line, size_t& after) { return scan(line, 0, after); }

std::optional<Found> Quote::scan(const Line& line, size_t at, size_t& after) {
  after = quote_end(line.text, at, mark_);
  if (mark_ == '"') {
    const size_t end = std::min(after, line.text.size());
    for (size_t i = at; i + 1 < end; ++i) {
      if (line.text[i] != '\\') continue;
      if (std::string_view("0abt\tnvfre \"/\\N_LPxuU").find(line.text[i + 1]) == kNone) {
        mark_ = 0;
        return Found{line.number, i,
                     "'\\" + std::string(1, line.text[i + 1]) + "' is no escape that YAML knows in double quotes",
                     "use single quotes, where '\\' is an ordinary character"};
      }
      ++i;
    }
  }
  if (after != kNone) mark_ = 0;
  return std::nullopt;
}

bool Quote::closes_alone(std::string_view text) const {
  const size_t end = quote_end(text, 0, mark_);
  if (end == kNone) return false;
  const size_t next = text.find_first_not_of(' ', end);
  return next == kNone || text[next] == '#' || text[next] == ',';
}

Found Quote::unclosed() const {
  return {line_, column_, "this quotation mark is never closed",
          "close it with " + std::string(1, last_) + " where the value ends"};
}

Found Quote::text_after(const Line& line, size_t at) const {
  const std::string hint =
      last_ == '\'' ? "a ' inside of single quotes is written ''; or put the whole value in double quotes"
                    : "a \" inside of double quotes is written \\\"; or put the whole value in single quotes";
  return {line.number, at, "text stands behind the closing quotation mark", hint};
}

}  // namespace osiris::yaml_slip

#include "host/yaml/slip_flow.h"

#include "protocol/base/text.h"

namespace osiris::yaml_slip {
namespace {

constexpr std::string_view kEndsPlain = ",[]{}";

char closing(char sign) { return sign == '{' ? '}' : ']'; }

}  // namespace

std::optional<Found> Flow::read(const Line& line, size_t at) {
  const bool goes_on = is_open();
  const size_t indent = line.text.find_first_not_of(' ');
  if (goes_on && indent != kNone && !quote_.is_open() && indent <= open_.front().indent && line.text[indent] != '}' &&
      line.text[indent] != ']')
    return unclosed();
  while (at < line.text.size()) {
    if (quote_.is_open()) {
      if (at == 0 && indent != kNone && indent <= open_.front().indent && key_end(line.text, indent) != kNone)
        return quote_.unclosed();
      size_t after = kNone;
      if (auto slip = quote_.go_on({line.text.substr(at), line.number}, after)) return slip;
      if (after == kNone) return std::nullopt;
      at += after;
      next_ = Next::kComma;
      continue;
    }
    const char c = line.text[at];
    if (c == ' ' || c == '\t') {
      ++at;
    } else if (c == '#' && at > 0 && line.text[at - 1] == ' ') {
      return std::nullopt;
    } else if (c == '{' || c == '[') {
      if (auto slip = open_.empty() ? std::nullopt : read_plain_start(line, at)) return slip;
      open_.push_back({c, line.number, at, indent == kNone ? 0 : indent});
      next_ = Next::kValue;
      ++at;
    } else if (c == '}' || c == ']') {
      if (auto slip = close(line, at)) return slip;
      if (open_.empty()) return std::nullopt;
      ++at;
    } else if (c == ',' || c == ':') {
      next_ = Next::kValue;
      ++at;
    } else if (auto slip = read_value(line, at)) {
      return slip;
    }
  }
  return std::nullopt;
}

std::optional<Found> Flow::close(const Line& line, size_t at) {
  const char expected = closing(open_.back().sign);
  if (line.text[at] != expected)
    return Found{line.number, at,
                 std::string("'") + line.text[at] + "' closes what '" + open_.back().sign + "' has opened",
                 std::string("write '") + expected + "' here"};
  open_.pop_back();
  next_ = Next::kComma;
  return std::nullopt;
}

std::optional<Found> Flow::read_value(const Line& line, size_t& at) {
  if (next_ == Next::kComma)
    return Found{line.number, at, "a ',' is missing before this value",
                 "separate the values between brackets with ','"};
  // In brackets a value ends at the next ',' or bracket.
  const size_t value_end = line.text.find_first_of(kEndsPlain, at + 1);
  if (auto slip = read_plain_start({line.text.substr(0, value_end), line.number}, at)) return slip;
  if (line.text[at] == '"' || line.text[at] == '\'') {
    size_t after = kNone;
    if (auto slip = quote_.open(line, at, after)) return slip;
    at = after == kNone ? line.text.size() : after;
    if (after != kNone) next_ = Next::kComma;
    return std::nullopt;
  }
  const size_t begin = at;
  for (; at < line.text.size(); ++at) {
    if (line.text[at] == '$' && at + 1 < line.text.size() && line.text[at + 1] == '{') {
      const size_t end = line.text.find('}', at);
      const size_t until = end == kNone ? line.text.size() : line.text.find_first_of(",]}", end + 1);
      return Found{line.number, begin, "a value with ${...} between { } or [ ] must be in quotes",
                   "write " + quoted(trim(line.text.substr(begin, until == kNone ? kNone : until - begin)))};
    }
    if (kEndsPlain.find(line.text[at]) != kNone) break;
    if (line.text[at] == ':' && (at + 1 == line.text.size() || line.text[at + 1] == ' ')) break;
  }
  return std::nullopt;
}

Found Flow::unclosed() const {
  if (quote_.is_open()) return quote_.unclosed();
  const Bracket& bracket = open_.back();
  return {bracket.line, bracket.column, std::string("'") + bracket.sign + "' is never closed",
          std::string("close it with '") + closing(bracket.sign) + "'"};
}

}  // namespace osiris::yaml_slip

// The .env grammar of python-dotenv, which users' files were written for: quotes may span lines, a comment after an
// unquoted value needs a blank before '#', and a bad line is skipped to its end.
#include "host/compat/dotenv.h"

#include <map>

#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f'; }
bool is_line_end(char c) { return c == '\n' || c == '\r'; }

class DotenvReader {
 public:
  explicit DotenvReader(std::string_view text) : text_(text) {}

  // Moves to the next binding; false at the end of the text.
  bool next_binding() {
    while (!at_end() && (is_space(peek()) || is_line_end(peek()))) advance();
    if (at_end()) return false;
    line_at_start_ = line_;
    return true;
  }
  int line() const { return line_at_start_; }

  // One line "KEY=VALUE" (or a comment: no entry, true). False when it cannot be read; the rest of the line is then
  // skipped.
  bool read(std::optional<DotenvEntry>& entry) {
    entry.reset();
    if (peek() == '#') return skip_line(), true;
    skip_export();
    DotenvEntry read;
    if (!read_key(read.name)) return skip_line(), false;
    skip_spaces();
    if (peek() == '=') {
      advance();
      const size_t after_sign = at_;
      skip_spaces();
      read.value.emplace();
      // "KEY= # comment" is empty, "KEY=#text" is not.
      const bool is_comment = at_ > after_sign && peek() == '#';
      if (!is_comment && !read_value(*read.value)) return skip_line(), false;
    }
    skip_spaces();
    if (peek() == '#') skip_line();
    if (!at_end() && !is_line_end(peek())) return skip_line(), false;
    entry = std::move(read);
    return true;
  }

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void advance() {
    if (text_[at_] == '\n') ++line_;
    ++at_;
  }
  void skip_spaces() {
    while (!at_end() && is_space(peek())) advance();
  }
  void skip_line() {
    while (!at_end() && !is_line_end(peek())) advance();
  }
  void skip_export() {
    constexpr std::string_view kExport = "export";
    if (!text_.substr(at_).starts_with(kExport)) return;
    const size_t after = at_ + kExport.size();
    if (after >= text_.size() || !is_space(text_[after])) return;
    at_ = after;
    skip_spaces();
  }

  bool read_key(std::string& key) {
    if (peek() == '\'') {
      const size_t end = text_.find('\'', at_ + 1);
      if (end == std::string_view::npos) return false;
      key = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
      return !key.empty();
    }
    while (!at_end() && peek() != '=' && peek() != '#' && !is_space(peek()) && !is_line_end(peek())) {
      key += peek();
      advance();
    }
    return !key.empty();
  }

  bool read_value(std::string& value) {
    if (peek() == '\'' || peek() == '"') return read_quoted(value);
    const size_t start = at_;
    skip_line();
    std::string_view raw = text_.substr(start, at_ - start);
    for (size_t i = 1; i < raw.size(); ++i) {
      if (raw[i] == '#' && is_space(raw[i - 1])) {
        raw = raw.substr(0, i);
        break;
      }
    }
    value = trim(raw);
    return true;
  }

  // A backslash takes the character after it along; a quote that nothing ends is an error of its line alone.
  bool read_quoted(std::string& value) {
    const char quote = peek();
    const size_t start = at_ + 1;
    size_t end = start;
    while (end < text_.size() && text_[end] != quote) end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) return false;
    value = decode(text_.substr(start, end - start), quote);
    while (at_ <= end) advance();
    return true;
  }

  static std::string decode(std::string_view text, char quote) {
    static constexpr std::string_view kFrom = "\\'\"abfnrtv", kTo = "\\'\"\a\b\f\n\r\t\v";
    const std::string_view known = quote == '"' ? kFrom : kFrom.substr(0, 2);
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      const size_t escape = text[i] == '\\' && i + 1 < text.size() ? known.find(text[i + 1]) : std::string_view::npos;
      out += escape == std::string_view::npos ? text[i] : kTo[escape];
      if (escape != std::string_view::npos) ++i;
    }
    return out;
  }

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
  int line_at_start_ = 1;
};

// ${NAME} and ${NAME:-default}; what is not known becomes nothing. A name with a colon is no reference, but text.
using DefinedVariables = std::map<std::string, std::string, std::less<>>;

std::string expand(std::string_view text, const VariableLookup& look_up, const DefinedVariables& earlier) {
  std::string out;
  while (true) {
    const size_t start = text.find("${");
    const size_t end = start == std::string_view::npos ? start : text.find('}', start);
    if (end == std::string_view::npos) return out.append(text);
    const std::string_view inside = text.substr(start + 2, end - start - 2);
    const size_t colon = inside.find(':');
    const bool has_default = colon != std::string_view::npos && inside.substr(colon).starts_with(":-");
    if (colon != std::string_view::npos && !has_default) {
      out.append(text.substr(0, start + 2));
      text.remove_prefix(start + 2);
      continue;
    }
    out.append(text.substr(0, start));
    const std::string_view name = inside.substr(0, colon);
    auto value = look_up(name);
    if (const auto found = earlier.find(name); !value && found != earlier.end()) value = found->second;
    if (value)
      out += *value;
    else if (has_default)
      out.append(inside.substr(colon + 2));
    text.remove_prefix(end + 1);
  }
}

}  // namespace

Dotenv parse_dotenv(std::string_view text, const VariableLookup& look_up) {
  text = without_utf8_mark(text);
  Dotenv result;
  DefinedVariables earlier;
  DotenvReader reader(text);
  std::optional<DotenvEntry> entry;
  while (reader.next_binding()) {
    if (!reader.read(entry)) result.unreadable_lines.push_back(reader.line());
    if (!entry) continue;
    if (entry->value) entry->value = expand(*entry->value, look_up, earlier);
    earlier[entry->name] = entry->value.value_or("");
    result.entries.push_back(std::move(*entry));
  }
  return result;
}

std::vector<std::filesystem::path> dotenv_candidates(const std::filesystem::path& cwd,
                                                     const std::optional<std::string>& osiris_home) {
  namespace fs = std::filesystem;
  std::vector<fs::path> candidates;
  if (osiris_home) candidates.push_back(fs::path(*osiris_home) / ".env");
  candidates.push_back(cwd / ".env");
  for (fs::path ancestor = cwd.parent_path(); !ancestor.empty(); ancestor = ancestor.parent_path()) {
    std::error_code ignored;
    if (fs::exists(ancestor / "osiris.py", ignored)) {
      candidates.push_back(ancestor / ".env");
      break;
    }
    if (ancestor == ancestor.root_path()) break;
  }
  if (cwd.filename() == "testing_env") candidates.push_back(cwd.parent_path() / "testing_env" / ".env");
  return candidates;
}

}  // namespace osiris

// A scanner of block structure, one line after the other, that is stricter and simpler than YAML: what it cannot follow
// it leaves to the parser's own message.
#include "host/yaml/slip.h"

#include <algorithm>
#include <vector>

#include "host/yaml/slip_flow.h"
#include "host/yaml/slip_scalar.h"
#include "host/yaml/text_lines.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

using yaml_slip::Found;
using yaml_slip::kNone;
using yaml_slip::Line;

constexpr std::string_view kNoBreakSpace = "\xc2\xa0";

struct Level {
  size_t column = 0;
  bool is_list = false;
  int line = 0;  // of its last entry
};

std::string spaces(size_t count) { return std::to_string(count) + (count == 1 ? " space" : " spaces"); }

// A position in bytes as a mark that counts characters.
YamlSlip with_mark(const Found& found, std::string_view text) {
  int column = 1;
  size_t at = 0;
  for (int line = 1; line < found.line && at < text.size(); ++line) at = text.find('\n', at) + 1;
  for (size_t i = 0; i < found.column && at + i < text.size(); ++i)
    if (!continues_utf8(text[at + i])) ++column;
  return {{found.line, column}, found.message, found.hint};
}

class SlipFinder {
 public:
  SlipFinder(std::string_view text, int last_line) : text_(text), last_line_(last_line) {}

  std::optional<YamlSlip> find() {
    size_t begin = 0;
    for (int number = 1; begin <= text_.size() && (last_line_ == 0 || number <= last_line_); ++number) {
      const size_t end = std::min(text_.find('\n', begin), text_.size());
      std::string_view content = text_.substr(begin, end - begin);
      if (content.ends_with('\r')) content.remove_suffix(1);
      if (!found_) read({content, number});
      if (found_) return with_mark(*found_, text_);
      begin = end + 1;
    }
    // The text, or the part that the parser read, ends inside of something.
    if (quote_.is_open()) found_ = quote_.unclosed();
    if (!found_ && flow_.is_open()) found_ = flow_.unclosed();
    if (!found_) return std::nullopt;
    return with_mark(*found_, text_);
  }

 private:
  void read(const Line& line) {
    const size_t first = line.text.find_first_not_of(' ');
    if (in_block_text(line, first)) return;
    if (quote_.is_open()) return go_on_in_quote(line);
    if (flow_.is_open()) return take_flow(flow_.read(line, 0));
    if (first == kNone || line.text[first] == '#') return;
    if (line.text[first] == '\t')
      return say(line, first, "a tab indents this line, and YAML allows only spaces there",
                 "indent with spaces; most editors can replace the tabs");
    if (line.text.substr(first).starts_with(kNoBreakSpace))
      return say(line, first, "a no-break space indents this line, and YAML allows only spaces there",
                 "it often comes with text copied from a web page: type the spaces anew");
    if (line.text.starts_with("```"))
      return say(line, 0, "this line belongs to Markdown, not to YAML", "remove the lines that begin with ```");
    if (line.text.starts_with("---") || line.text.starts_with("...") || line.text[0] == '%') return;
    read_entries(line, first);
  }

  // Lines below `key: |` are text as long as they are indented deeper than the key.
  bool in_block_text(const Line& line, size_t first) {
    if (!block_text_) return false;
    if (first == kNone || first > block_text_->column) return true;
    if (first == block_text_->column || !looks_like_key(line, first)) {
      // A line of its own level is the next entry, if it is one.
      if (!looks_like_key(line, first) && line.text[first] != '-' && line.text[first] != '#') {
        say(line, first,
            "this line belongs to the text that line " + std::to_string(block_text_->line) +
                " begins, but is not indented deeper than its key",
            "indent every line of the text by at least " + spaces(block_text_->column + 2));
        return true;
      }
    }
    block_text_.reset();
    return false;
  }

  static bool looks_like_key(const Line& line, size_t from) { return yaml_slip::key_end(line.text, from) != kNone; }

  void go_on_in_quote(const Line& line) {
    const size_t key = line.text.find_first_not_of(" -");
    if (key != kNone && looks_like_key(line, key) && !quote_.closes_alone(line.text)) {
      found_ = quote_.unclosed();
      return;
    }
    size_t after = kNone;
    if (auto slip = quote_.go_on(line, after))
      found_ = std::move(slip);
    else if (after != kNone)
      after_quote(line, after);
  }

  // Dashes, then a key, a value or both.
  void read_entries(const Line& line, size_t at) {
    const size_t first = at;
    while (at < line.text.size() && line.text[at] == '-' && (at + 1 == line.text.size() || line.text[at + 1] == ' ')) {
      if (!enter(line, at, true)) return;
      awaits_value_ = true;
      awaited_at_ = at;
      at = line.text.find_first_not_of(' ', at + 1);
      if (at == kNone) return;
    }
    if (line.text[at] == '#') return;
    const size_t end = yaml_slip::key_end(line.text, at);
    if (at == first && line.text[at] == '-' && end != kNone)
      return say(line, at, "a space is missing after '-'",
                 "write '- " + std::string(line.text.substr(at + 1, 40)) + "'");
    if (end == kNone) return read_lone(line, at);
    if (!enter(line, at, false)) return;
    read_value(line, at, line.text.find_first_not_of(" \t", end + 1));
  }

  // A value in a list, the rest of a longer one, or a key that has lost its colon.
  void read_lone(const Line& line, size_t at) {
    if (awaits_value_ && (levels_.empty() || at > awaited_at_)) {
      awaits_value_ = false;
      if (auto slip = yaml_slip::read_plain_start(line, at)) {
        found_ = std::move(slip);
        return;
      }
      return read_scalar(line, at, awaited_at_);
    }
    const Level* level = level_at(at);
    if (!level) return;
    const std::string_view word = trim(line.text.substr(at));
    for (const std::string_view mark : {"<<<<<<<", "=======", ">>>>>>>"})
      if (word.starts_with(mark))
        return say(line, at, "a merge left its mark '" + std::string(mark) + "' here",
                   "keep one of the two versions, and remove the lines with the marks");
    if (level->is_list)
      return say(line, at, "'" + std::string(word.substr(0, 40)) + "' stands where an entry of a list must be",
                 "begin the line with '- ', as line " + std::to_string(level->line) + " does");
    if (const size_t colon = word.find(':');
        colon != kNone && colon > 0 && !word.starts_with('"') && !word.starts_with('\''))
      return say(line, at + colon, "a space is missing after ':'",
                 "write '" + std::string(word.substr(0, colon)) + ": " + std::string(word.substr(colon + 1, 40)) + "'");
    const size_t split = word.find_first_of(" =\t");
    const std::string key(word.substr(0, split));
    const size_t value = split == kNone ? kNone : word.find_first_not_of(" =\t", split);
    say(line, at, "'" + std::string(word.substr(0, 40)) + "' stands where a key and a ':' must be",
        "write '" + key + ":" + (value == kNone ? "" : " " + std::string(word.substr(value, 40))) + "'");
  }

  // Puts an entry that begins at `column` into its level; false when there is no level it fits.
  bool enter(const Line& line, size_t column, bool is_list) {
    const bool below_key = awaits_value_ && !levels_.empty() &&
                           (column > awaited_at_ || (is_list && column == awaited_at_ && !levels_.back().is_list));
    if (levels_.empty() || below_key) {
      awaits_value_ = false;
      levels_.push_back({column, is_list, line.number});
      return true;
    }
    awaits_value_ = false;
    Level nearest = levels_.back();
    while (levels_.size() > 1 && levels_.back().column > column) {
      nearest = levels_.back();
      levels_.pop_back();
    }
    // A list may stand below its key without being indented; the next key of that column ends it.
    if (!is_list && levels_.size() > 1 && levels_.back().is_list && levels_.back().column == column &&
        !levels_[levels_.size() - 2].is_list && levels_[levels_.size() - 2].column == column)
      levels_.pop_back();
    Level& level = levels_.back();
    if (level.column == column && level.is_list == is_list) {
      level.line = line.number;
      return true;
    }
    if (level.column == column) {
      if (level.is_list)
        say(line, column, "this entry of a list does not begin with '-'",
            "begin it with '- ', as line " + std::to_string(level.line) + " does, or indent it");
      else
        say(line, column, "a list entry stands among the keys of line " + std::to_string(level.line),
            "put the list below a key of its own, or remove the '-'");
      return false;
    }
    const Level& other =
        level.column < column && nearest.column > column && nearest.column - column <= column - level.column
            ? nearest
            : (nearest.column > column ? nearest : level);
    say(line, column, "this line is indented by " + spaces(column) + ", which fits none of the lines above it",
        "indent it by " + spaces(other.column) + ", as line " + std::to_string(other.line) + " is");
    return false;
  }

  const Level* level_at(size_t column) const {
    for (auto level = levels_.rbegin(); level != levels_.rend(); ++level)
      if (level->column == column) return &*level;
    return nullptr;
  }

  // What follows the ':' of a key at `key`.
  void read_value(const Line& line, size_t key, size_t at) {
    if (at == kNone || line.text[at] == '#') {
      awaits_value_ = true;
      awaited_at_ = key;
      return;
    }
    if (line.text[at] == '-' && (at + 1 == line.text.size() || line.text[at + 1] == ' '))
      return say(line, at, "a list cannot begin on the line of its key", "begin it on the next line, or write [a, b]");
    if (auto slip = yaml_slip::read_plain_start(line, at)) {
      found_ = std::move(slip);
      return;
    }
    read_scalar(line, at, key);
  }

  void read_scalar(const Line& line, size_t at, size_t key) {
    const char c = line.text[at];
    if (c == '"' || c == '\'') {
      size_t after = kNone;
      if (auto slip = quote_.open(line, at, after))
        found_ = std::move(slip);
      else if (after != kNone)
        after_quote(line, after);
      return;
    }
    if (c == '{' || c == '[') return take_flow(flow_.read(line, at));
    if (c == '|' || c == '>') {
      if (auto slip = yaml_slip::check_block_header(line, at)) {
        found_ = std::move(slip);
        return;
      }
      block_text_ = Level{key, false, line.number};
      return;
    }
    found_ = yaml_slip::check_plain(line, at);
  }

  void after_quote(const Line& line, size_t after) {
    const size_t next = line.text.find_first_not_of(' ', after);
    if (next == kNone || line.text[next] == '#' || line.text[next] == ':') return;
    found_ = quote_.text_after(line, next);
  }

  void take_flow(std::optional<Found> slip) { found_ = std::move(slip); }

  void say(const Line& line, size_t column, std::string message, std::string hint) {
    found_ = Found{line.number, column, std::move(message), std::move(hint)};
  }

  std::string_view text_;
  int last_line_;
  std::vector<Level> levels_;  // outermost first
  bool awaits_value_ = false;  // a key or a dash at awaited_at_ has no value yet
  size_t awaited_at_ = 0;
  std::optional<Level> block_text_;  // the key whose text the next lines are
  yaml_slip::Quote quote_;
  yaml_slip::Flow flow_;
  std::optional<Found> found_;
};

}  // namespace

std::optional<YamlSlip> find_yaml_slip(std::string_view text, int last_line) {
  return SlipFinder(text, last_line).find();
}

std::optional<YamlSlip> find_unclosed_quote(std::string_view text, Mark mark) {
  const auto found = byte_of(text, mark);
  if (!found || *found >= text.size() || (text[*found] != '"' && text[*found] != '\'')) return std::nullopt;
  const size_t at = *found, begin = text.rfind('\n', at) + 1;  // 0 in the first line
  yaml_slip::Quote quote;
  size_t after = kNone;
  Line line{text.substr(begin, text.find('\n', begin) - begin), mark.line};
  if (quote.open(line, at - begin, after) || !quote.is_open()) return std::nullopt;
  for (size_t end = text.find('\n', begin); end != kNone && quote.is_open(); end = text.find('\n', end + 1)) {
    line = {text.substr(end + 1, text.find('\n', end + 1) - end - 1), line.number + 1};
    if (quote.go_on(line, after)) return std::nullopt;
  }
  if (!quote.is_open()) return std::nullopt;
  return with_mark(quote.unclosed(), text);
}

YamlSlip explain_yaml_error(std::string_view message, Mark mark) {
  struct Row {
    std::string_view parser;
    std::string_view message, hint;
  };
  static constexpr Row kRows[] = {
      {"end of map", "this line does not fit the keys above it",
       "check the indentation and the quotes of the lines before it"},
      {"end of sequence flow", "a list in [ ] is not closed before this",
       "close it with ']', and separate its values with ','"},
      {"end of sequence", "this line does not fit the list above it", "indent it as the other entries of the list are"},
      {"illegal map value", "a ':' stands where no key can end", "put the value in quotes, or check the indentation"},
      {"unknown token", "this character cannot begin a value", "put the value in quotes"},
      {"illegal block entry", "a '-' stands where no list can begin", "begin the list on a line of its own"},
      {"referenced anchor", "'*' names an anchor that is not defined above",
       "put the value in quotes if it is plain text"},
      {"alias", "'*' begins an alias, and no name follows", "put the value in quotes"},
      {"anchor", "'&' begins an anchor, and no name follows", "put the value in quotes"},
      {"tag", "'!' begins a tag, and this is none", "put the value in quotes"},
      {"block scalar", "text stands behind '|' or '>'",
       "begin the text on the next line, indented deeper than the key"},
      {"escape", "a '\\' in double quotes begins an escape that does not exist", "use single quotes: 'C:\\data'"},
      {"YAML version", "the %YAML line names a version that is not known", "remove the line"},
      {"tab", "a tab indents this line", "indent with spaces"},
  };
  for (const Row& row : kRows)
    if (message.find(row.parser) != kNone) return {mark, std::string(row.message), std::string(row.hint)};
  return {mark, "this cannot be read as YAML: " + std::string(message),
          "check indentation, quotes and brackets here and in the lines before"};
}

}  // namespace osiris

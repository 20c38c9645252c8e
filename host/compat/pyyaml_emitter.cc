// The block style PyYAML's emitter produces, restated: where a scalar may stay plain, where quotes are single or
// double, and where a long line folds. Works on code points, because columns and character classes are counted in them.
#include "host/compat/pyyaml_emitter.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "host/compat/pyyaml_scalar.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

constexpr int kWidth = 120;
constexpr size_t kSimpleKeyLengthMax = 123;  // 128 with "!!str", which PyYAML counts although it does not write it

std::u32string decode(std::string_view utf8) {
  std::u32string out;
  while (!utf8.empty()) {
    const Utf8Character character = first_utf8(utf8);
    out += character.point;
    utf8.remove_prefix(character.size_bytes);
  }
  return out;
}

bool is_break(char32_t c) { return c == U'\n' || c == 0x85 || c == 0x2028 || c == 0x2029; }
bool is_blank(char32_t c) { return c == 0 || c == U' ' || c == U'\t' || c == U'\r' || is_break(c); }
bool is_one_of(char32_t c, std::u32string_view set) { return set.find(c) != std::u32string_view::npos; }
bool is_printable(char32_t c) {
  return c == U'\n' || (c >= 0x20 && c <= 0x7e) ||
         ((c == 0x85 || (c >= 0xa0 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c < 0x10ffff)) &&
          c != 0xfeff);
}

struct Analysis {
  bool empty = false, multiline = false, allow_plain = true, allow_single_quoted = true;
};

Analysis analyze(const std::u32string& text) {
  Analysis result;
  if (text.empty()) {
    result.empty = true;
    return result;
  }
  bool indicators = text.starts_with(U"---") || text.starts_with(U"...");
  bool special = false, edge_space = false, break_space = false, space_break = false;
  bool previous_space = false, previous_break = false, preceded_by_blank = true;
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    const bool followed_by_blank = i + 1 >= text.size() || is_blank(text[i + 1]);
    if (i == 0) {
      indicators |= is_one_of(c, U"#,[]{}&*!|>'\"%@`") || (is_one_of(c, U"?:-") && followed_by_blank);
    } else {
      indicators |= (c == U':' && followed_by_blank) || (c == U'#' && preceded_by_blank);
    }
    result.multiline |= is_break(c);
    special |= !is_printable(c);
    const bool at_edge = i == 0 || i + 1 == text.size();
    if (c == U' ') {
      edge_space |= at_edge;
      break_space |= previous_break;
    } else if (is_break(c)) {
      edge_space |= at_edge;
      space_break |= previous_space;
    }
    previous_space = c == U' ';
    previous_break = is_break(c);
    preceded_by_blank = is_blank(c);
  }
  result.allow_single_quoted = !break_space && !space_break && !special;
  result.allow_plain = result.allow_single_quoted && !edge_space && !result.multiline && !indicators;
  return result;
}

// True when a plain scalar with this text would be read back as a string.
bool reads_as_string(const std::string& text) {
  if (text == "<<" || text == "=") return false;
  const auto plain = resolve_plain_scalar(text);
  return plain.ok() && plain->kind == PlainScalar::Kind::kString;
}

class Emitter {
 public:
  std::string run(const Json& document) {
    write_indicator("---", true);
    emit(document, Context::kRoot);
    if (!whitespace_ || column_ > 0) line_break();
    out_ += "...\n";
    return std::move(out_);
  }

 private:
  enum class Context { kRoot, kSequence, kMapping, kSimpleKey };

  void emit(const Json& value, Context context) {
    if (value.is_object()) {
      if (value.members().empty()) return write_indicator("{}", true);
      emit_mapping(value);
    } else if (value.is_array()) {
      if (value.items().empty()) return write_indicator("[]", true);
      emit_sequence(value, context);
    } else {
      emit_scalar(value, context);
    }
  }

  void emit_mapping(const Json& value) {
    const int saved = indent_;
    indent_ = indent_ < 0 ? 0 : indent_ + 2;
    std::vector<const Json::Member*> order;
    for (const auto& member : value.members()) order.push_back(&member);
    std::stable_sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->first < b->first; });
    for (const auto* member : order) {
      write_indent();
      const std::u32string key = decode(member->first);
      const Analysis analysis = analyze(key);
      if (key.size() < kSimpleKeyLengthMax && !analysis.empty && !analysis.multiline) {
        emit_scalar(Json(member->first), Context::kSimpleKey);
        write_indicator(":", false);
      } else {
        write_indicator("?", true, true);
        emit_scalar(Json(member->first), Context::kMapping);
        write_indent();
        write_indicator(":", true, true);
      }
      emit(member->second, Context::kMapping);
    }
    indent_ = saved;
  }

  void emit_sequence(const Json& value, Context context) {
    const int saved = indent_;
    const bool indentless = context == Context::kMapping && !indention_;
    if (indent_ < 0)
      indent_ = 0;
    else if (!indentless)
      indent_ += 2;
    for (const Json& item : value.items()) {
      write_indent();
      write_indicator("-", true, true);
      emit(item, Context::kSequence);
    }
    indent_ = saved;
  }

  void emit_scalar(const Json& value, Context context) {
    if (!value.is_string()) return write_plain(decode(scalar_text(value)), context);
    const std::u32string text = decode(value.as_string());
    const Analysis analysis = analyze(text);
    const bool simple_key = context == Context::kSimpleKey;
    const int saved = indent_;
    indent_ = indent_ < 0 ? 0 : indent_ + 2;
    if (analysis.allow_plain && !analysis.empty && reads_as_string(value.as_string()))
      write_plain(text, context);
    else if (analysis.allow_single_quoted && !(simple_key && analysis.multiline))
      write_single_quoted(text, !simple_key);
    else
      write_double_quoted(text, !simple_key);
    indent_ = saved;
  }

  static std::string scalar_text(const Json& value) {
    if (value.is_null()) return "null";
    if (value.is_bool()) return value.as_bool() ? "true" : "false";
    if (!value.is_double()) return value.dump();
    std::string text = format_double(value.as_double());
    // "1e+20" would be read as text: PyYAML writes 1.0e+20.
    const size_t e = text.find('e');
    if (e != std::string::npos && text.find('.') == std::string::npos) text.replace(e, 1, ".0e");
    return text;
  }

  void write(std::u32string_view text) {
    for (const char32_t c : text) append_utf8(out_, c);
    column_ += static_cast<int>(text.size());
  }

  void write_indicator(std::string_view text, bool need_whitespace, bool indention = false) {
    if (!whitespace_ && need_whitespace) {
      out_ += ' ';
      ++column_;
    }
    out_ += text;
    column_ += static_cast<int>(text.size());
    whitespace_ = false;
    indention_ = indention_ && indention;
  }

  void line_break(char32_t c = U'\n') {
    append_utf8(out_, c);
    whitespace_ = indention_ = true;
    column_ = 0;
  }

  void write_indent() {
    const int indent = std::max(indent_, 0);
    if (!indention_ || column_ > indent || (column_ == indent && !whitespace_)) line_break();
    if (column_ < indent) {
      whitespace_ = true;
      out_.append(static_cast<size_t>(indent - column_), ' ');
      column_ = indent;
    }
  }

  // Folds at a single blank once the line is past the width.
  void write_plain(const std::u32string& text, Context context) {
    if (!whitespace_) write(U" ");
    whitespace_ = indention_ = false;
    const bool split = context != Context::kSimpleKey;
    size_t start = 0;
    while (start < text.size()) {
      size_t end = start;
      if (text[start] == U' ') {
        while (end < text.size() && text[end] == U' ') ++end;
        if (end == start + 1 && column_ > kWidth && split) {
          write_indent();
          whitespace_ = indention_ = false;
        } else {
          write(std::u32string_view(text).substr(start, end - start));
        }
      } else {
        while (end < text.size() && text[end] != U' ') ++end;
        write(std::u32string_view(text).substr(start, end - start));
      }
      start = end;
    }
  }

  void write_single_quoted(const std::u32string& text, bool split) {
    write_indicator("'", true);
    size_t start = 0;
    while (start < text.size()) {
      const char32_t c = text[start];
      size_t end = start + 1;
      if (c == U' ') {
        while (end < text.size() && text[end] == U' ') ++end;
        if (end == start + 1 && column_ > kWidth && split && start != 0 && end != text.size())
          write_indent();
        else
          write(std::u32string_view(text).substr(start, end - start));
      } else if (is_break(c)) {
        while (end < text.size() && is_break(text[end])) ++end;
        if (c == U'\n') line_break();
        for (size_t i = start; i < end; ++i) line_break(text[i]);
        write_indent();
      } else if (c == U'\'') {
        write(U"''");
      } else {
        while (end < text.size() && text[end] != U' ' && text[end] != U'\'' && !is_break(text[end])) ++end;
        write(std::u32string_view(text).substr(start, end - start));
      }
      start = end;
    }
    write_indicator("'", false);
  }

  static std::u32string escape(char32_t c) {
    static constexpr char32_t kFrom[] = U"\0\a\b\t\n\v\f\r\x1b\"\\\u0085\u00a0\u2028\u2029";
    static constexpr std::u32string_view kTo = U"0abtnvfre\"\\N_LP";
    std::u32string out = U"\\";
    const std::u32string_view from(kFrom, kTo.size());  // counted: the first is NUL
    if (const size_t at = from.find(c); at != std::u32string_view::npos) return out += kTo[at];
    const int digits = c <= 0xff ? 2 : c <= 0xffff ? 4 : 8;
    out += digits == 2 ? U'x' : digits == 4 ? U'u' : U'U';
    for (int k = digits - 1; k >= 0; --k) out += U"0123456789ABCDEF"[(c >> (4 * k)) & 15];
    return out;
  }

  void write_double_quoted(const std::u32string& text, bool split) {
    write_indicator("\"", true);
    size_t start = 0;
    for (size_t end = 0; end <= text.size(); ++end) {
      const bool at_end = end == text.size();
      const char32_t c = at_end ? 0 : text[end];
      const bool plain = (c >= 0x20 && c <= 0x7e) || (c >= 0xa0 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd);
      if (at_end || is_one_of(c, U"\"\\\u0085\u2028\u2029\ufeff") || !plain) {
        if (start < end) write(std::u32string_view(text).substr(start, end - start));
        start = end;
        if (!at_end) {
          write(escape(c));
          start = end + 1;
        }
      }
      if (end > 0 && end + 1 < text.size() && (c == U' ' || start >= end) &&
          column_ + (static_cast<int>(end) - static_cast<int>(start)) > kWidth && split) {
        if (start < end) {
          write(std::u32string_view(text).substr(start, end - start));
          start = end;
        }
        write(U"\\");
        write_indent();
        whitespace_ = indention_ = false;
        if (text[start] == U' ') write(U"\\");
      }
    }
    write_indicator("\"", false);
  }

  std::string out_;
  int indent_ = -1;
  int column_ = 0;
  bool whitespace_ = true;  // the last thing written was a blank, or nothing
  bool indention_ = true;   // only blanks and "-", "?", ":" indicators so far on this line
};

}  // namespace

std::string emit_yaml(const Json& document) { return Emitter().run(document); }

}  // namespace osiris

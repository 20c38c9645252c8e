// Steps over JSON text without making values of it: a record's number stays the text it is, with all its digits. Strict
// JSON, but for Python's NaN and Infinity, which are errors with a name.
#pragma once

#include <string>
#include <string_view>

namespace osiris::worker::singer {

enum class TokenKind { kNull, kTrue, kFalse, kNumber, kString, kObject, kArray };

struct Token {
  TokenKind kind = TokenKind::kNull;
  std::string_view raw;  // as it stands, quotes included
  bool is_plain = true;  // of a string: no escape in it
};

class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : text_(text) {}

  // The next value as a whole; false where there is none.
  bool value(Token& token);
  // Past `c` and the blanks before it.
  bool take(char c);
  bool at_end();
  size_t offset() const { return at_; }

 private:
  void skip_blanks();
  bool string(bool& is_plain);
  bool number();
  bool word(std::string_view word);
  bool nested(char close, int depth);
  bool any(Token& token, int depth);

  std::string_view text_;
  size_t at_ = 0;
};

// The text that a string token stands for, in `buffer` where it has escapes. False for an escape that is none, for half
// a surrogate pair, for text that is no UTF-8.
bool text_of(const Token& token, std::string& buffer, std::string_view& text);

}  // namespace osiris::worker::singer

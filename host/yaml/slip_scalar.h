// Scalars as slip.cc reads them: quoted text that may go on for lines, and plain values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace osiris::yaml_slip {

inline constexpr size_t kNone = std::string_view::npos;

struct Line {
  std::string_view text;
  int number = 0;  // from 1
};

struct Found {
  int line = 0;
  size_t column = 0;  // bytes, from 0
  std::string message, hint;
};

// Where the key that begins at `from` ends: the position of its ':'; kNone when no key begins there.
size_t key_end(std::string_view text, size_t from);
// A value in quotes, for a hint; cut after some 60 bytes.
std::string quoted(std::string_view value);

// A character at the start of a value that means something else in YAML.
std::optional<Found> read_plain_start(const Line& line, size_t at);
// A plain value up to the end of its line.
std::optional<Found> check_plain(const Line& line, size_t at);
// What stands behind '|' or '>'.
std::optional<Found> check_block_header(const Line& line, size_t at);

class Quote {
 public:
  bool is_open() const { return mark_ != 0; }
  // The quotation mark at `at`. `after` is the position behind its end, kNone while it is open.
  std::optional<Found> open(const Line& line, size_t at, size_t& after);
  std::optional<Found> go_on(const Line& line, size_t& after);
  // Does this line hold the closing mark, with nothing behind it but a comment or a ','?
  bool closes_alone(std::string_view text) const;
  Found unclosed() const;
  // Of the closed one: text follows it at `at`.
  Found text_after(const Line& line, size_t at) const;

 private:
  std::optional<Found> scan(const Line& line, size_t at, size_t& after);
  char mark_ = 0;  // 0: none is open
  char last_ = 0;
  int line_ = 0;
  size_t column_ = 0;
};

}  // namespace osiris::yaml_slip

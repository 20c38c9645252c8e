// Text for people: counts, rates, durations, tables, and terminal text that cannot be abused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace osiris {

std::string format_count(uint64_t count);                // "1,234,567"
std::string counted(uint64_t count, const char* noun);   // "1 row", "1,234 rows"; the plural ends in s
std::string format_rate(double rows_per_second);         // "1.2 M rows/s"
std::string format_rate(uint64_t rows, double seconds);  // the same; empty while nothing is known
std::string format_duration(double seconds);             // "0.04s", "12.3s", "3m 05s", "2h 03m"
std::string format_bytes(uint64_t bytes);                // "1.5 MiB"

// Text that came from elsewhere, made safe to print: control characters (escape sequences!) and broken UTF-8 become
// '?'. Newlines stay where `lines` is set.
std::string printable(std::string_view text, bool lines = false);

// Output of ours on its way to a terminal, colours (SGR sequences) and line ends included: everything else that could
// act on a terminal becomes '?'. What came from elsewhere has been through printable() before; this is for what was
// forgotten.
std::string terminal_text(std::string_view text);
// A JSON document as it is written, with the characters that act on terminals as \u escapes: the same document.
std::string terminal_json(std::string_view document);

// The beginning of a long text (2,000 bytes or 30 lines at most), saying how much is left out and `where` the whole is.
std::string excerpt(std::string_view text, std::string_view where);

// Columns a terminal needs for it: code points, wide ones (East Asian, emoji) counted twice, combining ones not at all.
size_t display_width(std::string_view text);
// Cut to at most `width` columns, with "…" where something was cut.
std::string fit(std::string_view text, size_t width);
std::string pad(std::string_view text, size_t width, bool right = false);

// A plain table: header, rule, rows; two spaces between columns, no trailing blanks.
class Table {
 public:
  struct Column {
    std::string title;
    bool right = false;  // numbers
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  std::string text() const;  // ends in a newline

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// As a shell reads it back: quoted where it must be.
std::string shell_word(const std::string& text);

}  // namespace osiris

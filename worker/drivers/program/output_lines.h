// What a process writes, as lines that can be logged: UTF-8 without control characters, of bounded length and number,
// so that a script that floods fills neither memory nor disk. The last ones are kept for the error message.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace osiris::worker::program {

inline constexpr size_t kLineBytesMax = 8 << 10;

// Cuts a stream of bytes into lines. One longer than kLineBytesMax is cut there, at a blank if it has one (so that half
// a secret, which no mask would recognise, stays out of the log), and its rest is dropped.
class LineSplitter {
 public:
  explicit LineSplitter(std::function<void(std::string_view)> on_line) : on_line_(std::move(on_line)) {}
  void feed(std::string_view bytes);
  void finish();  // what has no line end counts too

 private:
  void end_line();
  std::function<void(std::string_view)> on_line_;
  std::string line_;
  bool too_long_ = false;
};

// Texts that mean nothing to a reader (scratch directories) and what stands for them; the longest first.
using Renames = std::vector<std::pair<std::string, std::string>>;
std::string renamed(std::string text, const Renames& renames);

// The last lines of an output.
class LastLines {
 public:
  explicit LastLines(size_t lines_max = 12, size_t bytes_max = 2048) : lines_max_(lines_max), bytes_max_(bytes_max) {}
  void add(std::string line);
  bool empty() const { return lines_.empty(); }
  std::string last() const { return lines_.empty() ? std::string() : lines_.back(); }
  // Each line on one of its own, indented.
  std::string text() const;

 private:
  size_t lines_max_, bytes_max_;
  size_t bytes_ = 0;
  std::deque<std::string> lines_;
};

// Passes the first so many lines and bytes on and counts the rest.
class RateLimiter {
 public:
  explicit RateLimiter(std::function<void(std::string_view)> out, uint64_t lines_max = 10'000,
                       uint64_t bytes_max = 4 << 20)
      : out_(std::move(out)), lines_left_(lines_max), bytes_left_(bytes_max) {}
  void line(std::string_view text);
  void finish();  // says how much was kept back, if any

 private:
  std::function<void(std::string_view)> out_;
  uint64_t lines_left_, bytes_left_;
  uint64_t lines_kept_back_ = 0;
};

}  // namespace osiris::worker::program

#include "worker/drivers/program/output_lines.h"

#include <algorithm>

#include "protocol/base/text.h"

namespace osiris::worker::program {
namespace {

constexpr std::string_view kCut = " ... (cut)";

}  // namespace

void LineSplitter::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (!too_long_) {
      line_ += part.substr(0, kLineBytesMax + 1 - line_.size());
      too_long_ = line_.size() > kLineBytesMax;
    }
    if (end == std::string_view::npos) return;
    end_line();
    bytes.remove_prefix(end + 1);
  }
}

void LineSplitter::finish() {
  if (!line_.empty()) end_line();
}

void LineSplitter::end_line() {
  if (too_long_) {
    const size_t blank = line_.find_last_of(" \t");
    line_.resize(blank == std::string::npos ? 0 : blank);
    line_ += kCut;
  }
  if (line_.ends_with('\r')) line_.pop_back();
  on_line_(line_);
  line_.clear();
  too_long_ = false;
}

std::string renamed(std::string text, const Renames& renames) {
  for (const auto& [from, to] : renames) {
    if (from.empty()) continue;
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
      text.replace(at, from.size(), to);
  }
  return text;
}

void LastLines::add(std::string line) {
  if (line.size() > bytes_max_) line = line.substr(0, bytes_max_ / 2) + std::string(kCut);
  bytes_ += line.size();
  lines_.push_back(std::move(line));
  while (lines_.size() > lines_max_ || (bytes_ > bytes_max_ && lines_.size() > 1)) {
    bytes_ -= lines_.front().size();
    lines_.pop_front();
  }
}

std::string LastLines::text() const {
  std::string text;
  for (const std::string& line : lines_) text += "\n    " + line;
  return text;
}

void RateLimiter::line(std::string_view text) {
  if (lines_left_ == 0 || bytes_left_ < text.size()) {
    if (lines_kept_back_++ == 0) out_("(too much output: the rest is not logged)");
    lines_left_ = 0;
    return;
  }
  --lines_left_;
  bytes_left_ -= text.size();
  out_(text);
}

void RateLimiter::finish() {
  if (lines_kept_back_ > 0) out_("(" + std::to_string(lines_kept_back_) + " lines of output were not logged)");
}

}  // namespace osiris::worker::program

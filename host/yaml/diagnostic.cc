#include "host/yaml/diagnostic.h"

#include <algorithm>

#include "host/yaml/text_lines.h"
#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

constexpr size_t kExcerptMax = 120;      // bytes of a line that are shown
constexpr size_t kSourceLineMax = 4096;  // bytes of a line that are kept

// Where the character begins that `at` is inside of.
size_t character_begin(std::string_view text, size_t at) {
  while (at > 0 && at < text.size() && continues_utf8(text[at])) --at;
  return at;
}

}  // namespace

Json Diagnostic::to_json(const std::function<std::string(std::string_view)>& mask) const {
  Json json = Json::object({{"type", type}, {"message", message}, {"location", location}});
  if (!file.empty()) json.set("file", file);
  if (mark.line > 0) {
    json.set("line", mark.line);
    json.set("column", mark.column);
    if (!source_line.empty()) json.set("source_line", mask(source_line));
  }
  if (!hint.empty()) json.set("hint", hint);
  return json;
}

std::string Diagnostic::to_text() const {
  std::string text = file;
  if (mark.line > 0) text += ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
  if (!text.empty()) text += ": ";
  text += level == Level::kError ? "error: " : "warning: ";
  text += message;
  if (!location.empty() && location != "root") text += " [" + location + "]";
  if (!hint.empty()) text += " (" + hint + ")";
  return text;
}

std::string Diagnostic::excerpt(const std::function<std::string(std::string_view)>& mask) const {
  if (source_line.empty() || mark.line <= 0) return {};
  const std::string shown = mask(source_line);
  // The caret's column counts in the line as it was written: a mask before it would move it.
  const size_t at = byte_of(source_line, {1, mark.column}).value_or(0);
  const bool has_caret = mark.column > 0 && shown.compare(0, at, source_line, 0, at) == 0;
  size_t begin = 0;
  if (has_caret && at > kExcerptMax / 2) begin = character_begin(shown, at - kExcerptMax / 2);
  const size_t end = character_begin(shown, std::min(shown.size(), begin + kExcerptMax));
  std::string line = shown.substr(begin, end - begin);
  std::replace(line.begin(), line.end(), '\t', ' ');
  const std::string number = std::to_string(mark.line);
  std::string text = "  " + number + " | " + (begin > 0 ? "..." : "") + line + (end < shown.size() ? "..." : "") + "\n";
  if (!has_caret) return text;
  const size_t before = count_characters(std::string_view(shown).substr(begin, at - begin)) + (begin > 0 ? 3 : 0);
  return text + "  " + std::string(number.size(), ' ') + " | " + std::string(before, ' ') + "^\n";
}

void Diagnostics::set_text(std::string_view text) {
  text_ = text;
  line_starts_ = line_starts(text_);
}

// Empty when there is no such line, or when it is longer than anything worth showing.
std::string Diagnostics::line(int number) const {
  if (number <= 0 || static_cast<size_t>(number) > line_starts_.size()) return {};
  const size_t begin = line_starts_[static_cast<size_t>(number) - 1];
  std::string_view found = std::string_view(text_).substr(begin, text_.find('\n', begin) - begin);
  if (found.ends_with('\r')) found.remove_suffix(1);
  return found.size() <= kSourceLineMax ? std::string(found) : std::string();
}

void Diagnostics::add(Diagnostic diagnostic) {
  if (diagnostic.source_line.empty() && diagnostic.file == file_) diagnostic.source_line = line(diagnostic.mark.line);
  auto& list = diagnostic.level == Diagnostic::Level::kError ? errors_ : warnings_;
  list.push_back(std::move(diagnostic));
}

void Diagnostics::error(std::string type, std::string message, std::string location, Mark mark, std::string hint) {
  add(Diagnostic::Level::kError, std::move(type), std::move(message), std::move(location), mark, std::move(hint));
}

void Diagnostics::warning(std::string type, std::string message, std::string location, Mark mark, std::string hint) {
  add(Diagnostic::Level::kWarning, std::move(type), std::move(message), std::move(location), mark, std::move(hint));
}

void Diagnostics::add(Diagnostic::Level level, std::string type, std::string message, std::string location, Mark mark,
                      std::string hint) {
  Diagnostic finding;
  finding.level = level;
  finding.type = std::move(type);
  finding.message = std::move(message);
  finding.location = std::move(location);
  finding.file = file_;
  finding.mark = mark;
  finding.hint = std::move(hint);
  add(std::move(finding));
}

void Diagnostics::unreadable(std::string type, const Error& reason) {
  Diagnostic finding;
  finding.type = std::move(type);
  finding.message = reason.message;
  finding.file = file_;
  finding.hint = reason.hint;
  if (is_machine_trouble(reason)) finding.code = reason.code;
  add(std::move(finding));
}

void Diagnostics::append(const Diagnostics& other) {
  errors_.insert(errors_.end(), other.errors_.begin(), other.errors_.end());
  warnings_.insert(warnings_.end(), other.warnings_.begin(), other.warnings_.end());
}

void Diagnostics::make_warnings_errors() {
  for (Diagnostic& warning : warnings_) {
    warning.level = Diagnostic::Level::kError;
    errors_.push_back(std::move(warning));
  }
  warnings_.clear();
  sort_by_place();
}

void Diagnostics::absorb_warnings(std::string_view type) {
  std::erase_if(warnings_, [&](const Diagnostic& warning) {
    if (warning.type != type) return false;
    const auto same = std::find_if(errors_.begin(), errors_.end(), [&](const Diagnostic& error) {
      return error.file == warning.file && error.mark.line == warning.mark.line &&
             error.mark.column == warning.mark.column;
    });
    if (same == errors_.end()) return false;
    same->message += ": " + warning.message;
    same->hint = warning.hint;
    return true;
  });
}

void Diagnostics::sort_by_place() {
  auto earlier = [](const Diagnostic& a, const Diagnostic& b) {
    return std::pair(a.mark.line, a.mark.column) < std::pair(b.mark.line, b.mark.column);
  };
  std::stable_sort(errors_.begin(), errors_.end(), earlier);
  std::stable_sort(warnings_.begin(), warnings_.end(), earlier);
}

Error Diagnostics::to_error() const {
  const auto machine = std::find_if(errors_.begin(), errors_.end(),
                                    [](const Diagnostic& error) { return error.code != Code::kInvalidArgument; });
  const Diagnostic& first = machine == errors_.end() ? errors_.front() : *machine;
  std::string message = first.file;
  if (first.mark.line > 0) message += ":" + std::to_string(first.mark.line) + ":" + std::to_string(first.mark.column);
  if (!message.empty()) message += ": ";
  message += first.message;
  if (!first.location.empty() && first.location != "root") message += " [" + first.location + "]";
  if (errors_.size() > 1) message += " (and " + std::to_string(errors_.size() - 1) + " more)";
  return Error(first.code, std::move(message), first.hint,
               machine == errors_.end() ? category::kConfigInvalid : category::kSystemResourceUnavailable);
}

}  // namespace osiris

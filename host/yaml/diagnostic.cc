#include "host/yaml/diagnostic.h"

#include <algorithm>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"

namespace osiris {

Json Diagnostic::to_json() const {
  Json json = Json::object({{"type", type}, {"message", message}, {"location", location}});
  if (!file.empty()) json.set("file", file);
  if (mark.line > 0) {
    json.set("line", mark.line);
    json.set("column", mark.column);
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

void Diagnostics::add(Diagnostic diagnostic) {
  auto& list = diagnostic.level == Diagnostic::Level::kError ? errors_ : warnings_;
  list.push_back(std::move(diagnostic));
}

void Diagnostics::error(std::string type, std::string message, std::string location, Mark mark, std::string hint) {
  add({Diagnostic::Level::kError, std::move(type), std::move(message), std::move(location), file_, mark,
       std::move(hint)});
}

void Diagnostics::unreadable(std::string type, const Error& reason) {
  Diagnostic finding{Diagnostic::Level::kError, std::move(type), reason.message, "", file_, {}, reason.hint};
  if (is_machine_trouble(reason)) finding.code = reason.code;
  add(std::move(finding));
}

void Diagnostics::warning(std::string type, std::string message, std::string location, Mark mark, std::string hint) {
  add({Diagnostic::Level::kWarning, std::move(type), std::move(message), std::move(location), file_, mark,
       std::move(hint)});
}

void Diagnostics::append(const Diagnostics& other) {
  errors_.insert(errors_.end(), other.errors_.begin(), other.errors_.end());
  warnings_.insert(warnings_.end(), other.warnings_.begin(), other.warnings_.end());
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

#include "host/display/annotations.h"

#include "host/display/format.h"

namespace osiris {
namespace {

std::string encoded(const std::string& text, bool is_property) {
  std::string out;
  for (const char c : text) {
    if (c == '%')
      out += "%25";
    else if (c == '\n')
      out += "%0A";
    else if (is_property && c == ':')
      out += "%3A";
    else if (is_property && c == ',')
      out += "%2C";
    else
      out += c;
  }
  return out;
}

std::string property(const char* name, const std::string& value) {
  return std::string(name) + "=" + encoded(printable(value), true);
}

std::string from_root(const std::string& file, const std::filesystem::path& cwd, const Environment& environment) {
  const auto root = environment.get_filled("GITHUB_WORKSPACE");
  if (!root) return file;
  const std::filesystem::path below = (cwd / file).lexically_normal().lexically_relative(*root);
  return below.empty() || below.native().starts_with("..") ? file : below.string();
}

}  // namespace

bool wants_annotations(const Environment& process_environment) {
  return process_environment.get("GITHUB_ACTIONS") == "true";
}

std::string annotation(const Diagnostic& finding, const std::filesystem::path& cwd,
                       const Environment& process_environment) {
  std::string line = finding.level == Diagnostic::Level::kError ? "::error " : "::warning ";
  if (!finding.file.empty()) line += property("file", from_root(finding.file, cwd, process_environment)) + ",";
  if (finding.mark.line > 0) line += property("line", std::to_string(finding.mark.line)) + ",";
  if (finding.mark.column > 0) line += property("col", std::to_string(finding.mark.column)) + ",";
  line += property("title", finding.type);
  const std::string text = finding.message + (finding.hint.empty() ? "" : "\n" + finding.hint);
  return line + "::" + encoded(printable(text, true), false) + "\n";
}

}  // namespace osiris

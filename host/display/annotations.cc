#include "host/display/annotations.h"

#include <map>

#include "host/display/format.h"
#include "protocol/base/json.h"
#include "protocol/base/sha256.h"

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

std::string from_root(const std::string& file, const std::filesystem::path& cwd, const Environment& environment,
                      const char* variable = "GITHUB_WORKSPACE") {
  const auto root = environment.get_filled(variable);
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

std::string code_quality(const std::vector<Diagnostic>& findings, const std::filesystem::path& cwd,
                         const Environment& process_environment) {
  Json issues = Json::array();
  std::map<std::string, int> seen;
  for (const Diagnostic& finding : findings) {
    const std::string file = from_root(finding.file, cwd, process_environment, "CI_PROJECT_DIR");
    std::string identity = file + "\n" + finding.type + "\n" + finding.location + "\n" + finding.message;
    const int before = seen[identity]++;
    identity += "\n" + std::to_string(before);
    const std::string text = finding.message + (finding.hint.empty() ? "" : "\n" + finding.hint);
    const Json lines = Json::object({{"begin", std::max(finding.mark.line, 1)}});
    issues.push_back(Json::object({{"description", printable(text, true)},
                                   {"check_name", finding.type},
                                   {"fingerprint", sha256_hex(identity)},
                                   {"severity", finding.level == Diagnostic::Level::kError ? "major" : "minor"},
                                   {"location", Json::object({{"path", printable(file)}, {"lines", lines}})}}));
  }
  return issues.dump_pretty() + "\n";
}

}  // namespace osiris

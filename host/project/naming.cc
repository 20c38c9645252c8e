// How directories of a project are called: slugs and {token} templates.
#include <ctime>

#include "host/project/project.h"
#include "protocol/base/clock.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

// "a--b" -> "a-b", "a__b" -> "a_b", "a//b" -> "a/b".
void append_collapsed(std::string& out, char c) {
  if ((c == '-' || c == '_' || c == '/') && !out.empty() && out.back() == c) return;
  out += c;
}

}  // namespace

std::string slugify(std::string_view text) {
  std::string out;
  for (char c : ascii_lower(text)) {
    if (c == ' ' || c == '_') c = '-';
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-') append_collapsed(out, c);
  }
  const size_t first = out.find_first_not_of('-');
  if (first == std::string::npos) return {};
  return out.substr(first, out.find_last_not_of('-') - first + 1);
}

std::string render_name(std::string_view pattern, const NameTokens& tokens) {
  auto value_of = [&tokens](std::string_view token) -> std::string_view {
    if (token == "pipeline_slug") return tokens.pipeline_slug;
    if (token == "profile") return tokens.profile;
    if (token == "manifest_hash") return tokens.manifest_hash;
    if (token == "manifest_short") return tokens.manifest_short;
    if (token == "run_id") return tokens.run_id;
    if (token == "run_ts") return tokens.run_ts;
    if (token == "status") return tokens.status;
    if (token == "branch") return tokens.branch;
    if (token == "user") return tokens.user;
    if (token == "tags") return tokens.tags;
    return {};
  };
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const size_t end = pattern[i] == '{' ? pattern.find('}', i) : std::string_view::npos;
    if (end == std::string_view::npos) {
      append_collapsed(out, pattern[i]);
      continue;
    }
    for (const char c : slugify(value_of(pattern.substr(i + 1, end - i - 1)))) append_collapsed(out, c);
    i = end;
  }
  const size_t first = out.find_first_not_of("-_/");
  if (first == std::string::npos) return {};
  return out.substr(first, out.find_last_not_of("-_/") - first + 1);
}

std::string Project::format_run_ts(int64_t unix_ns) const {
  const std::string& format = config_.run_ts_format;
  if (format == "iso_basic_z") return format_iso_basic(unix_ns);
  if (format == "epoch_ms") return std::to_string(unix_ns / 1'000'000);
  if (format == "none") return {};
  const time_t seconds = static_cast<time_t>(unix_ns / 1'000'000'000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[256];
  return std::string(text, std::strftime(text, sizeof text, format.c_str(), &utc));
}

}  // namespace osiris

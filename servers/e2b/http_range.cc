#include "servers/e2b/http_range.h"

#include <algorithm>
#include <ctime>

namespace osiris::e2b_server {
namespace {

bool parse_number(std::string_view text, uint64_t& value) {
  if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string_view::npos) return false;
  value = std::stoull(std::string(text));
  return true;
}

}  // namespace

RangeAnswer answer_range(std::string_view header, uint64_t size) {
  const RangeAnswer whole{200, 0, size, {}};
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit) || header.find(',') != std::string_view::npos) return whole;
  header.remove_prefix(kUnit.size());
  const size_t dash = header.find('-');
  if (dash == std::string_view::npos) return whole;
  const std::string_view first_text = header.substr(0, dash), last_text = header.substr(dash + 1);
  uint64_t first = 0, last = size == 0 ? 0 : size - 1, suffix = 0;
  if (first_text.empty()) {
    if (!parse_number(last_text, suffix)) return whole;
    first = size - std::min(size, suffix);
  } else {
    if (!parse_number(first_text, first)) return whole;
    if (!last_text.empty() && !parse_number(last_text, last)) return whole;
    if (!last_text.empty() && last < first) return whole;
  }
  last = std::min(last, size == 0 ? 0 : size - 1);
  const std::string total = std::to_string(size);
  if (first >= size) return {416, 0, 0, "bytes */" + total};
  return {206, first, last - first + 1, "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" + total};
}

std::optional<int64_t> parse_http_date(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  const char* end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (!end || *end != '\0') return std::nullopt;
  return ::timegm(&parts);
}

std::string http_date(int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[64];
  std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text;
}

}  // namespace osiris::e2b_server

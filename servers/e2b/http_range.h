// One-range requests (RFC 9110, 14) and HTTP dates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace osiris::e2b_server {

struct RangeAnswer {
  int status = 200;  // 200, 206 or 416
  uint64_t offset = 0;
  uint64_t length = 0;
  std::string content_range;
};
// A header it does not understand is ignored, as the RFC asks.
RangeAnswer answer_range(std::string_view header, uint64_t size);

std::string http_date(int64_t unix_s);
// "Sun, 06 Nov 1994 08:49:37 GMT". nullopt: not a date.
std::optional<int64_t> parse_http_date(std::string_view text);

}  // namespace osiris::e2b_server

#include "worker/drivers/csv/cp1252.h"

#include <algorithm>
#include <array>

namespace osiris::worker::csv_format {
namespace {

constexpr unsigned char kFirst = 0x80, kLast = 0x9f;
constexpr std::array<char32_t, kLast - kFirst + 1> kPoints = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

}  // namespace

std::optional<char32_t> cp1252_point(unsigned char byte) {
  if (byte < kFirst || byte > kLast) return byte;
  const char32_t point = kPoints[byte - kFirst];
  return point == 0 ? std::nullopt : std::optional(point);
}

std::optional<unsigned char> cp1252_byte(char32_t point) {
  if (point < kFirst || (point > kLast && point <= 0xff)) return static_cast<unsigned char>(point);
  const auto* at = std::find(kPoints.begin(), kPoints.end(), point);
  if (point == 0 || at == kPoints.end()) return std::nullopt;
  return static_cast<unsigned char>(kFirst + (at - kPoints.begin()));
}

}  // namespace osiris::worker::csv_format

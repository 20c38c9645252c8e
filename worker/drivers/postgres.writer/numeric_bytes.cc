#include "worker/drivers/postgres.writer/numeric_bytes.h"

#include <iterator>

namespace osiris::worker::postgres {
namespace {

constexpr uint64_t kPowersOfTen[] = {1, 10, 100, 1000};

}  // namespace

Digits digits_of(Uint128 magnitude, bool is_negative, unsigned scale) {
  Digits digits;
  digits.is_negative = is_negative;
  char reversed[48];
  size_t count = 0;
  for (; magnitude != 0 || count <= scale; magnitude /= 10) {
    // 64 bits at a time where they are enough: dividing 128 is slow.
    if (magnitude <= UINT64_MAX) {
      uint64_t low = static_cast<uint64_t>(magnitude);
      for (; low != 0 || count <= scale; low /= 10) reversed[count++] = static_cast<char>('0' + low % 10);
      break;
    }
    reversed[count++] = static_cast<char>('0' + static_cast<unsigned>(magnitude % 10));
  }
  digits.text.assign(std::make_reverse_iterator(reversed + count), std::make_reverse_iterator(reversed));
  digits.whole = count - scale;
  return digits;
}

// digits(2) weight(2) sign(2) scale(2), then groups of four decimal digits counted from the point.
void put_numeric(ByteBuffer& bytes, const Digits& digits) {
  std::string text = digits.text;
  size_t whole = digits.whole;
  const size_t scale = text.size() - whole;
  if (const size_t before = (4 - whole % 4) % 4; before > 0) text.insert(0, before, '0'), whole += before;
  text.append((4 - text.size() % 4) % 4, '0');
  size_t first = 0, end = text.size();
  while (first < end && text.compare(first, 4, "0000") == 0) first += 4;
  while (end > first && text.compare(end - 4, 4, "0000") == 0) end -= 4;
  const size_t count = (end - first) / 4;
  const int weight = count == 0 ? 0 : static_cast<int>(whole / 4) - 1 - static_cast<int>(first / 4);
  put(bytes, static_cast<int32_t>(8 + 2 * count));
  put(bytes, static_cast<int16_t>(count));
  put(bytes, static_cast<int16_t>(weight));
  put(bytes, static_cast<uint16_t>(digits.is_negative && count > 0 ? kNumericNegative : 0));
  put(bytes, static_cast<uint16_t>(scale));
  for (size_t at = first; at < end; at += 4)
    put(bytes, static_cast<int16_t>((text[at] - '0') * 1000 + (text[at + 1] - '0') * 100 + (text[at + 2] - '0') * 10 +
                                    (text[at + 3] - '0')));
}

void put_small_numeric(ByteBuffer& bytes, uint64_t magnitude, bool is_negative, unsigned scale) {
  const unsigned after = (scale + 3) / 4;  // groups
  magnitude *= kPowersOfTen[4 * after - scale];
  uint16_t groups[6];  // the last first
  unsigned count = 0, zeros = 0;
  for (; magnitude != 0; magnitude /= 10000) groups[count++] = static_cast<uint16_t>(magnitude % 10000);
  while (zeros < count && groups[zeros] == 0) ++zeros;
  const unsigned kept = count - zeros;
  char* at = bytes.extend(12 + 2 * size_t{kept});
  set(at, static_cast<int32_t>(8 + 2 * kept));
  set(at + 4, static_cast<int16_t>(kept));
  set(at + 6, static_cast<int16_t>(kept == 0 ? 0 : static_cast<int>(count) - static_cast<int>(after) - 1));
  set(at + 8, static_cast<uint16_t>(is_negative && kept > 0 ? kNumericNegative : 0));
  set(at + 10, static_cast<uint16_t>(scale));
  for (unsigned i = 0; i < kept; ++i) set(at + 12 + 2 * i, groups[count - 1 - i]);
}

void put_special_numeric(ByteBuffer& bytes, uint16_t sign) {
  put(bytes, int32_t{8});
  put(bytes, uint32_t{0});
  put(bytes, sign);
  put(bytes, uint16_t{0});
}

std::optional<Digits> read_digits(std::string_view text) {
  Digits digits;
  digits.is_negative = text.starts_with('-');
  if (digits.is_negative || text.starts_with('+')) text.remove_prefix(1);
  const size_t point = text.find('.');
  digits.text = std::string(text.substr(0, point));
  if (digits.text.empty()) return std::nullopt;
  digits.whole = digits.text.size();
  if (point != std::string_view::npos) digits.text += text.substr(point + 1);
  if (digits.text.find_first_not_of("0123456789") != std::string::npos || digits.text.size() > 16000)
    return std::nullopt;
  return digits;
}

bool has_more_digits(const Digits& digits, int scale_max) {
  const auto from = static_cast<int>(digits.whole) + scale_max;
  return digits.text.find_first_not_of('0', from < 0 ? 0 : static_cast<size_t>(from)) != std::string::npos;
}

}  // namespace osiris::worker::postgres

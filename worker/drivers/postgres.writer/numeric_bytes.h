// Numbers as PostgreSQL's numeric has them in binary COPY.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "worker/drivers/postgres.writer/byte_buffer.h"

namespace osiris::worker::postgres {

// Not ISO C++, but of gcc and clang alike.
__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

// Decimal digits, the point after `whole` of them.
struct Digits {
  std::string text;  // '0' to '9'
  size_t whole = 0;
  bool is_negative = false;
};

Digits digits_of(Uint128 magnitude, bool is_negative, unsigned scale);
// "-12.50"; nullopt for what is no plain number.
std::optional<Digits> read_digits(std::string_view text);
// More digits after the point than `scale_max`, other than zeros; a negative one speaks of the digits before it.
bool has_more_digits(const Digits& digits, int scale_max);

void put_numeric(ByteBuffer& bytes, const Digits& digits);
// The same of a number up to this magnitude, without a text of its digits.
inline constexpr uint64_t kSmallNumericMax = UINT64_MAX / 1000;
void put_small_numeric(ByteBuffer& bytes, uint64_t magnitude, bool is_negative, unsigned scale);
// `sign` says which: NaN or one of the infinities.
void put_special_numeric(ByteBuffer& bytes, uint16_t sign);

}  // namespace osiris::worker::postgres

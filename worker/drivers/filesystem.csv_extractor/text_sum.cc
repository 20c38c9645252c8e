#include "worker/drivers/filesystem.csv_extractor/text_sum.h"

#include "protocol/base/content_hash.h"

namespace osiris::worker::csv {

uint64_t hash_of_text(std::string_view text) {
  static const ContentHash::Key key("");
  ContentHash hash(key);
  hash.update(text);
  return std::stoull(hash.hex().substr(0, 2 * sizeof(uint64_t)), nullptr, 16);
}

void TextSum::add(uint64_t hash) {
  low_ += hash;
  high_ += low_ < hash ? 1 : 0;
}

std::string TextSum::text() const {
  __extension__ unsigned __int128 sum = high_;
  sum = sum << 64 | low_;
  std::string digits;
  for (; sum > 0 || digits.empty(); sum /= 10)
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(sum % 10)));
  return digits;
}

}  // namespace osiris::worker::csv

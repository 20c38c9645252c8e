// A sum of hashes of texts, which does not depend on their order: the fingerprint of what was read of a file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace osiris::worker::csv {

uint64_t hash_of_text(std::string_view text);

// In 128 bits.
class TextSum {
 public:
  void add(uint64_t hash);
  std::string text() const;  // in decimal

 private:
  uint64_t high_ = 0, low_ = 0;
};

}  // namespace osiris::worker::csv

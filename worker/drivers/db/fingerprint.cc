#include "worker/drivers/db/fingerprint.h"

// The plain functions: SHA256(), which calls EVP_*(), would look its algorithm up for each row.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <new>
#include <utility>

#include "protocol/base/content_hash.h"

namespace osiris::worker::db {
namespace {

constexpr size_t kHeldBytes = size_t{64} << 10;
constexpr size_t kHeadBytes = 9;
constexpr uint64_t kNull = 0x9e3779b97f4a7c15;
constexpr uint64_t kMixes[] = {0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3};

template <class Word>
uint64_t word_at(const char* bytes) {
  Word word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

uint64_t folded(uint64_t a, uint64_t b) {
  const Uint128 product = Uint128{a} * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// A few cycles for most values: it tells columns that differ, and proves nothing.
uint64_t hash_in_column(std::string_view value) {
  const char* at = value.data();
  size_t left = value.size();
  uint64_t hash = left ^ kMixes[0];
  for (; left > 16; at += 16, left -= 16)
    hash = folded(word_at<uint64_t>(at) ^ hash, word_at<uint64_t>(at + 8) ^ kMixes[1]);
  uint64_t first = 0, last = 0;
  if (left >= 8) {
    first = word_at<uint64_t>(at), last = word_at<uint64_t>(at + left - 8);
  } else if (left >= 4) {
    first = word_at<uint32_t>(at), last = word_at<uint32_t>(at + left - 4);
  } else if (left > 0) {
    first = word_at<uint8_t>(at) | word_at<uint8_t>(at + left / 2) << 8 | word_at<uint8_t>(at + left - 1) << 16;
  }
  return folded(first ^ hash ^ kMixes[1], last ^ kMixes[2]) | 1;
}

// Takes a number and the ' ' after it from the front.
bool take_number(std::string_view& text, uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (error != std::errc() || end == text.data() + text.size() || *end != ' ') return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return true;
}

}  // namespace

// AES is given the digests of many rows at once: one by one its own work would be a tenth of what calling it costs.
struct Fingerprint::Hashes {
  static constexpr size_t kWaitingMax = 64;
  struct Digest {
    std::array<char, 16> first, second;
  };
  struct Free {
    void operator()(EVP_CIPHER_CTX* cipher) const { EVP_CIPHER_CTX_free(cipher); }
  };

  Hashes() : cipher(EVP_CIPHER_CTX_new()) {
    // As of NH, the key is fixed: a later run goes on with the sum.
    static constexpr unsigned char kKey[] = "osiris row sums.";
    static_assert(sizeof kKey == 16 + 1);
    if (!cipher || EVP_EncryptInit_ex(cipher.get(), EVP_aes_128_ecb(), nullptr, kKey, nullptr) != 1)
      throw std::bad_alloc();
    EVP_CIPHER_CTX_set_padding(cipher.get(), 0);
  }

  // Of the digests that wait.
  Uint128 sum() const {
    using Blocks = std::array<std::array<unsigned char, 16>, kWaitingMax>;
    Blocks blocks, made;
    const auto encrypt = [&] {
      int size = 0;
      EVP_EncryptUpdate(cipher.get(), made[0].data(), &size, blocks[0].data(), static_cast<int>(waiting_count * 16));
    };
    for (size_t i = 0; i < waiting_count; ++i) std::memcpy(blocks[i].data(), waiting[i].first.data(), 16);
    encrypt();
    for (size_t i = 0; i < waiting_count; ++i)
      for (size_t at = 0; at < 16; ++at)
        blocks[i][at] = static_cast<unsigned char>(made[i][at] ^ static_cast<unsigned char>(waiting[i].second[at]));
    encrypt();
    Uint128 sum = 0;
    for (size_t i = 0; i < waiting_count; ++i) {
      Uint128 hash = 0;
      std::memcpy(&hash, made[i].data(), sizeof hash);
      sum += hash;
    }
    return sum;
  }

  std::unique_ptr<EVP_CIPHER_CTX, Free> cipher;
  std::array<Digest, kWaitingMax> waiting;
  size_t waiting_count = 0;
  SHA256_CTX long_row;  // what came before `row_`, of a row that is not held at once
  bool is_long = false;
};

Fingerprint::Fingerprint(size_t columns) : hashes_(std::make_unique<Hashes>()), columns_(columns) {}
Fingerprint::~Fingerprint() = default;
Fingerprint::Fingerprint(Fingerprint&&) noexcept = default;

// Null where the row would not be held at once with so much more of it.
char* Fingerprint::room_for(size_t bytes) {
  const size_t end = held_ + bytes;
  if (end > kHeldBytes) return nullptr;
  if (end > row_.size()) row_.resize(std::min(kHeldBytes, std::max(2 * row_.size(), end)));
  return row_.data() + std::exchange(held_, end);
}

void Fingerprint::put(std::string_view bytes) {
  if (!hashes_->is_long) SHA256_Init(&hashes_->long_row);
  hashes_->is_long = true;
  SHA256_Update(&hashes_->long_row, row_.data(), std::exchange(held_, 0));
  SHA256_Update(&hashes_->long_row, bytes.data(), bytes.size());
}

void Fingerprint::add_bytes(std::string_view bytes) {
  if (bytes.empty()) return;
  if (char* const at = room_for(bytes.size())) {
    std::memcpy(at, bytes.data(), bytes.size());
  } else {
    put(bytes);
  }
}

void Fingerprint::add_to_column(std::string_view value) { columns_[column_++] += hash_in_column(value); }

void Fingerprint::add_null_to_column() { columns_[column_++] += kNull; }

void Fingerprint::add(std::string_view value) {
  char head[kHeadBytes] = {1};
  const uint64_t size = value.size();
  std::memcpy(head + 1, &size, sizeof size);
  add_bytes({head, kHeadBytes});
  add_bytes(value);
  add_to_column(value);
}

void Fingerprint::add_null() {
  add_bytes(std::string_view("\0", 1));
  add_null_to_column();
}

void Fingerprint::end_row() {
  if (hashes_->is_long || held_ > ContentHash::kBlockBytes) {
    end_long_row();
  } else {
    end_held_row();
  }
  held_ = 0;
  ++rows_;
  column_ = 0;
}

// Zeros to a whole group of words do not make one row of two: each value has its length in it, and their number is
// known.
void Fingerprint::end_held_row() {
  static const ContentHash::Key key("rows");
  const size_t padded = (held_ + ContentHash::kGroupBytes - 1) / ContentHash::kGroupBytes * ContentHash::kGroupBytes;
  if (padded > row_.size()) row_.resize(padded);
  std::memset(row_.data() + held_, 0, padded - held_);
  const auto made = key.nh(row_.data(), padded);
  Hashes::Digest& digest = hashes_->waiting[hashes_->waiting_count++];
  static_assert(sizeof digest == sizeof made);
  std::memcpy(&digest, made.data(), sizeof digest);
  if (hashes_->waiting_count < Hashes::kWaitingMax) return;
  sum_ += hashes_->sum();
  hashes_->waiting_count = 0;
}

void Fingerprint::end_long_row() {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  put({});
  SHA256_Final(digest, &hashes_->long_row);
  hashes_->is_long = false;
  Uint128 hash = 0;
  std::memcpy(&hash, digest, sizeof hash);
  sum_ += hash;
}

Uint128 Fingerprint::sum() const { return sum_ + hashes_->sum(); }

void Fingerprint::add(const Fingerprint& others) {
  rows_ += others.rows_;
  sum_ += others.sum();
  for (size_t i = 0; i < columns_.size(); ++i) columns_[i] += others.columns_[i];
}

std::string Fingerprint::state() const {
  std::string state;
  const auto put_number = [&](uint64_t number) {
    char digits[17];
    state.append(digits, std::to_chars(digits, digits + 16, number, 16).ptr);
    state += ' ';
  };
  put_number(rows_);
  const Uint128 sum = this->sum();
  put_number(static_cast<uint64_t>(sum >> 64));
  put_number(static_cast<uint64_t>(sum));
  for (const uint64_t column : columns_) put_number(column);
  return state;
}

std::optional<Fingerprint> Fingerprint::of_state(std::string_view state, size_t columns) {
  Fingerprint made(columns);
  uint64_t high = 0, low = 0;
  if (!take_number(state, made.rows_) || !take_number(state, high) || !take_number(state, low)) return std::nullopt;
  made.sum_ = Uint128{high} << 64 | low;
  for (uint64_t& column : made.columns_)
    if (!take_number(state, column)) return std::nullopt;
  if (!state.empty()) return std::nullopt;
  return made;
}

std::string Fingerprint::text() const {
  constexpr char kDigits[] = "0123456789abcdef";
  const Uint128 sum = this->sum();
  std::string text;
  for (int shift = 124; shift >= 0; shift -= 4) text += kDigits[static_cast<unsigned>(sum >> shift) & 15];
  return text;
}

std::vector<size_t> Fingerprint::columns_that_differ(const Fingerprint& other) const {
  std::vector<size_t> places;
  for (size_t i = 0; i < columns_.size() && i < other.columns_.size(); ++i)
    if (columns_[i] != other.columns_[i]) places.push_back(i);
  return places;
}

}  // namespace osiris::worker::db

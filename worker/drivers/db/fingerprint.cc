#include "worker/drivers/db/fingerprint.h"

// The plain functions: through EVP_*(), and SHA256(), which calls them, each hash would look its algorithm up, and
// there is one for each row.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/sha.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>
#include <utility>

#include "protocol/base/content_hash.h"

namespace osiris::worker::db {
namespace {

constexpr size_t kHeldBytes = size_t{64} << 10;
constexpr size_t kHeadBytes = 9;
constexpr uint64_t kNull = 0x9e3779b97f4a7c15;

// Spreads what the standard library's hash leaves beside each other, so that sums of few values differ.
uint64_t mixed(uint64_t hash) {
  hash ^= hash >> 31;
  hash *= 0x7fb5d329728ea185;
  hash ^= hash >> 27;
  return hash | 1;
}

// Takes a number and the ' ' after it from the front.
bool take_number(std::string_view& text, uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (error != std::errc() || end == text.data() + text.size() || *end != ' ') return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return true;
}

}  // namespace

struct Fingerprint::LongRow {
  SHA256_CTX context;
  bool is_begun = false;
};

Fingerprint::Fingerprint(size_t columns) : long_(std::make_unique<LongRow>()), columns_(columns) {}
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
  if (!long_->is_begun) SHA256_Init(&long_->context);
  long_->is_begun = true;
  SHA256_Update(&long_->context, row_.data(), std::exchange(held_, 0));
  SHA256_Update(&long_->context, bytes.data(), bytes.size());
}

void Fingerprint::add(std::string_view value) {
  char head[kHeadBytes] = {1};
  const uint64_t size = value.size();
  std::memcpy(head + 1, &size, sizeof size);
  if (char* const at = room_for(kHeadBytes + value.size())) {
    std::memcpy(at, head, kHeadBytes);
    if (!value.empty()) std::memcpy(at + kHeadBytes, value.data(), value.size());
  } else {
    put({head, kHeadBytes});
    put(value);
  }
  columns_[column_++] += mixed(std::hash<std::string_view>()(value));
}

void Fingerprint::add_null() {
  if (char* const at = room_for(1)) {
    *at = '\0';
  } else {
    put(std::string_view("\0", 1));
  }
  columns_[column_++] += kNull;
}

void Fingerprint::end_row() {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  if (long_->is_begun) {
    SHA256_Update(&long_->context, row_.data(), std::exchange(held_, 0));
  } else {
    digest_held();
  }
  SHA256_Final(digest, &long_->context);
  long_->is_begun = false;
  Uint128 hash = 0;
  std::memcpy(&hash, digest, sizeof hash);
  sum_ += hash;
  ++rows_;
  column_ = 0;
}

// Blocks of 8 KiB become 32 bytes each, as in ContentHash: of most rows one block of SHA-256 is left.
void Fingerprint::digest_held() {
  static const ContentHash::Key key("rows");
  const uint64_t size = held_;
  const size_t padded = (held_ + ContentHash::kGroupBytes - 1) / ContentHash::kGroupBytes * ContentHash::kGroupBytes;
  if (padded > row_.size()) row_.resize(padded);
  std::memset(row_.data() + held_, 0, padded - held_);
  SHA256_Init(&long_->context);
  for (size_t at = 0; at < padded; at += ContentHash::kBlockBytes) {
    const auto made = key.nh(row_.data() + at, std::min(ContentHash::kBlockBytes, padded - at));
    SHA256_Update(&long_->context, made.data(), made.size());
  }
  SHA256_Update(&long_->context, &size, sizeof size);
  held_ = 0;
}

void Fingerprint::add(const Fingerprint& others) {
  rows_ += others.rows_;
  sum_ += others.sum_;
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
  put_number(static_cast<uint64_t>(sum_ >> 64));
  put_number(static_cast<uint64_t>(sum_));
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
  std::string text;
  for (int shift = 124; shift >= 0; shift -= 4) text += kDigits[static_cast<unsigned>(sum_ >> shift) & 15];
  return text;
}

std::vector<size_t> Fingerprint::columns_that_differ(const Fingerprint& other) const {
  std::vector<size_t> places;
  for (size_t i = 0; i < columns_.size() && i < other.columns_.size(); ++i)
    if (columns_[i] != other.columns_[i]) places.push_back(i);
  return places;
}

}  // namespace osiris::worker::db

// Bytes of binary COPY: numbers and texts at the end of a buffer, a few bytes at a time and many times. std::string's
// append is a call for each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

#include "worker/drivers/postgres/types.h"

namespace osiris::worker::postgres {

class ByteBuffer {
 public:
  size_t size() const { return size_; }
  char* data() { return bytes_.get(); }
  std::string_view view() const { return {bytes_.get(), size_}; }

  // Room for `count` bytes, which the caller fills.
  char* extend(size_t count) {
    if (room_ - size_ < count) grow(count);
    char* start = bytes_.get() + size_;
    size_ += count;
    return start;
  }
  void append(std::string_view bytes) {
    char* start = extend(bytes.size());
    if (!bytes.empty()) std::memcpy(start, bytes.data(), bytes.size());
  }
  void push_back(char byte) { *extend(1) = byte; }
  // The memory stays.
  void clear() { size_ = 0; }
  size_t room() const { return room_; }

 private:
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  // Twice as much each time, but of what a value of many megabytes needed only so much more.
  static constexpr size_t kGrowthMax = size_t{64} << 20;
  void grow(size_t count) {
    room_ = std::max({size_ + count, room_ + std::min(room_, kGrowthMax), size_t{4096}});
    char* grown = static_cast<char*>(std::realloc(bytes_.get(), room_));
    if (!grown) throw std::bad_alloc();
    (void)bytes_.release();
    bytes_.reset(grown);
  }

  std::unique_ptr<char, Free> bytes_;
  size_t size_ = 0, room_ = 0;
};

template <class Number>
void set(char* at, Number number) {
  const Number big = big_endian(number);
  std::memcpy(at, &big, sizeof big);
}

template <class Number>
void put(ByteBuffer& bytes, Number number) {
  set(bytes.extend(sizeof number), number);
}

// A value with its length before it.
template <class Number>
void put_sized(ByteBuffer& bytes, Number number) {
  char* at = bytes.extend(4 + sizeof number);
  set(at, static_cast<int32_t>(sizeof number));
  set(at + 4, number);
}

}  // namespace osiris::worker::postgres

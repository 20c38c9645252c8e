// Memory that is lent to an adapter for one call: structs and strings that end where a reader must stop, that cannot be
// written, and that are gone when the call has returned.
#pragma once

#include <osiris/adapter.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace osiris::check {

// kHeap: ordinary memory, overwritten when it is taken back. kPageEnd: each piece ends at the end of a page, the next
// one cannot be touched; the piece cannot be written, and not be read any more once it is taken back.
enum class Placement { kHeap, kPageEnd };

class LentMemory {
 public:
  explicit LentMemory(Placement placement) : placement_(placement) {}
  ~LentMemory() { take_back(); }
  LentMemory(const LentMemory&) = delete;
  LentMemory& operator=(const LentMemory&) = delete;

  // A copy of `text` without a terminator; absent stays absent.
  osiris_str text(osiris_str text);
  // A copy of a struct that says it is `growth` bytes longer than it is known to be, as one of a later minor is; what
  // is added is a pattern that makes no pointer.
  template <class T>
  T* table(const T& value, uint32_t growth = 0) {
    T copy = value;
    copy.size = static_cast<uint32_t>(sizeof value + growth);
    return static_cast<T*>(block(&copy, sizeof copy, growth));
  }
  // The same of an array, which has no size.
  void* copy(const void* bytes, size_t size) { return block(bytes, size, 0); }

  // Whether something was written into what is lent, or beside it (kHeap only; kPageEnd crashes the writer).
  bool is_untouched() const;
  void take_back();

 private:
  struct Piece {
    unsigned char* whole;  // of kPageEnd: the mapping
    unsigned char* start;
    size_t size;        // with what is beside it
    size_t given;       // to the adapter
    size_t mapped = 0;  // bytes of the mapping
    std::vector<unsigned char> as_lent;
  };
  void* block(const void* bytes, size_t size, size_t growth);

  const Placement placement_;
  std::vector<Piece> pieces_;
};

}  // namespace osiris::check

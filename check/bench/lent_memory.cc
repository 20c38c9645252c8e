#include "check/bench/lent_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace osiris::check {
namespace {

constexpr unsigned char kCanary = 0xa5;  // no pointer of this process: not canonical
constexpr size_t kCanaryBytes = 64;      // behind everything that is lent from the heap
constexpr unsigned char kTakenBack = 0xdd;

size_t page_size() { return static_cast<size_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

osiris_str LentMemory::text(osiris_str text) {
  if (!text.data) return {nullptr, 0};
  return {static_cast<const char*>(block(text.data, text.len, 0)), text.len};
}

void* LentMemory::block(const void* bytes, size_t size, size_t growth) {
  Piece piece{};
  piece.given = size + growth;
  if (placement_ == Placement::kPageEnd) {
    const size_t page = page_size();
    const size_t readable = (piece.given + page - 1) / page * page + (piece.given == 0 ? page : 0);
    piece.size = piece.given;
    piece.mapped = readable + page;
    void* const mapping = ::mmap(nullptr, piece.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) std::abort();
    piece.whole = static_cast<unsigned char*>(mapping);
    piece.start = piece.whole + readable - piece.given;
    ::mprotect(piece.whole + readable, page, PROT_NONE);
  } else {
    piece.size = piece.given + kCanaryBytes;
    piece.whole = piece.start = static_cast<unsigned char*>(std::malloc(piece.size));
    if (!piece.whole) std::abort();
  }
  if (size) std::memcpy(piece.start, bytes, size);
  std::memset(piece.start + size, kCanary, piece.size - size);
  if (placement_ == Placement::kPageEnd)
    ::mprotect(piece.whole, piece.mapped - page_size(), PROT_READ);
  else
    piece.as_lent.assign(piece.start, piece.start + piece.size);
  void* const start = piece.start;
  pieces_.push_back(std::move(piece));
  return start;
}

bool LentMemory::is_untouched() const {
  for (const Piece& piece : pieces_)
    if (placement_ == Placement::kHeap && std::memcmp(piece.start, piece.as_lent.data(), piece.size) != 0) return false;
  return true;
}

void LentMemory::take_back() {
  for (const Piece& piece : pieces_) {
    if (placement_ == Placement::kPageEnd) {
      ::mprotect(piece.whole, piece.mapped, PROT_NONE);  // its address is used for nothing else
    } else {
      void* (*volatile overwrite)(void*, int, size_t) = std::memset;  // a compiler leaves out what goes before free
      overwrite(piece.start, kTakenBack, piece.size);
      std::free(piece.whole);
    }
  }
  pieces_.clear();
}

}  // namespace osiris::check

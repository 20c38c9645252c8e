// Memory that files are read into: it begins a page. The kernel copies out of its cache by `rep movsb`, which takes
// AMD's Zen 3 five times as long where the address it writes to is 1 to 31 bytes behind the one that it reads from,
// counted within their pages; and there, 16 bytes into a page, is where a large block of malloc() begins.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <string_view>

namespace osiris {

class ReadBlock {
 public:
  // Whole pages. As with a std::string of the size, a lack of memory is std::bad_alloc.
  explicit ReadBlock(size_t bytes)
      : size_((bytes + kPageBytes - 1) / kPageBytes * kPageBytes),
        bytes_(static_cast<char*>(std::aligned_alloc(kPageBytes, size_)), &std::free) {
    if (!bytes_) throw std::bad_alloc();
  }

  char* data() { return bytes_.get(); }
  size_t size() const { return size_; }
  std::string_view first(size_t bytes) const { return {bytes_.get(), bytes}; }

 private:
  static constexpr size_t kPageBytes = 4096;
  size_t size_;
  std::unique_ptr<char, void (*)(void*)> bytes_;
};

}  // namespace osiris

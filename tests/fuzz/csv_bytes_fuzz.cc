// A compressed file as anyone may send it. Input: one byte that names the format, then the file. It is read to its end
// or refused, and never grows beyond what is asked of it.
//
// links: osiris_files
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "worker/drivers/files/byte_source.h"

using namespace osiris::worker::files;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const int file = memfd_create("csv", MFD_CLOEXEC);
  if (file < 0 || write(file, data + 1, size - 1) != static_cast<ssize_t>(size - 1)) __builtin_trap();
  auto source = open_bytes("/proc/self/fd/" + std::to_string(file), static_cast<Compression>(data[0] % 5));
  char buffer[4096];
  // A bomb is the reader's to stop; here 16 MiB are enough to have seen it work.
  for (size_t total = 0; source.ok() && total < (size_t{16} << 20);) {
    const auto got = (*source)->read(buffer, sizeof buffer);
    if (!got.ok() || *got == 0) break;
    if (*got > sizeof buffer) __builtin_trap();
    total += *got;
  }
  close(file);
  return 0;
}

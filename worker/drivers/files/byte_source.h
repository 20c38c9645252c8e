// The bytes of a file, decompressed on the way. zlib, bzip2, liblzma and zstd do the work; zip archives are opened by
// minizip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "protocol/base/error.h"
#include "worker/drivers/files/compression.h"

namespace osiris::worker::files {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Up to `size` bytes into `buffer`; 0 at the end. kInvalidArgument when the file is not what its compression promises
  // or ends too early.
  virtual Result<size_t> read(char* buffer, size_t size) = 0;
  // How much of the file is read, in its own bytes, compressed as they are.
  virtual uint64_t file_bytes_read() const = 0;
};

// A zip archive must hold exactly one file, as in pandas. A file of no bytes is empty text, and cut short where it
// should be compressed.
Result<std::unique_ptr<ByteSource>> open_bytes(const std::filesystem::path& file, Compression compression);

// Reads a compressed file to its end; the error is that of open_bytes() or read(). Of plain files there is nothing to
// check.
Status check_intact(const std::filesystem::path& file, Compression compression);

}  // namespace osiris::worker::files

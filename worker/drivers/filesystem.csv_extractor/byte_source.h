// The bytes of a file, decompressed on the way. zlib, bzip2 and liblzma do the work; zip archives are opened by
// minizip.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "protocol/base/error.h"

namespace osiris::worker::csv {

enum class Compression { kNone, kGzip, kBzip2, kZip, kXz };

// "none", "gzip", "bz2", "zip", "xz"; nullopt for others ("infer" is not a compression).
std::optional<Compression> compression_from_name(std::string_view name);
// By suffix: .gz, .bz2, .zip, .xz in any case; everything else is plain.
Compression infer_compression(const std::filesystem::path& file);

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Up to `size` bytes into `buffer`; 0 at the end. kInvalidArgument when the file is not what its compression promises
  // or ends too early.
  virtual Result<size_t> read(char* buffer, size_t size) = 0;
};

// A zip archive must hold exactly one file, as in pandas; an empty file of any other kind is empty text.
Result<std::unique_ptr<ByteSource>> open_bytes(const std::filesystem::path& file, Compression compression);

}  // namespace osiris::worker::csv

// Build-time tool: compresses the worker for travel. pack INPUT OUTPUT LEVEL
//
// OUTPUT is a skippable frame that holds INPUT's SHA-256 in hex, so that the adapter can tell which worker it is
// without unpacking it, and then zstd frames with their sizes and checksums.
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "plugins/sdk/package/delivery.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const auto digest = osiris::sha256_file(argv[1]);
  if (!digest) {
    std::fprintf(stderr, "%s\n", digest.error().message.c_str());
    return 1;
  }
  const auto packed = osiris::sdk::compress_worker(std::filesystem::path(argv[1]), digest->sha256, std::atoi(argv[3]));
  const osiris::Status written =
      packed ? osiris::write_file_atomically(argv[2], *packed) : osiris::Status(packed.error());
  if (written) return 0;
  std::fprintf(stderr, "%s\n", written.error().message.c_str());
  return 1;
}

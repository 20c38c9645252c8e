// Build-time tool: compresses the worker for travel. pack INPUT OUTPUT LEVEL
//
// OUTPUT is a skippable frame that holds INPUT's SHA-256 in hex, so that the adapter can tell which worker it is
// without unpacking it, and then zstd frames with their sizes and checksums.
#include <zstd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "plugins/sdk/package/delivery.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const auto worker = osiris::read_file(argv[1]);
  if (!worker) {
    std::fprintf(stderr, "%s\n", worker.error().message.c_str());
    return 1;
  }
  const auto packed = osiris::sdk::compress_worker(*worker, osiris::sha256_hex(*worker), std::atoi(argv[3]));
  const osiris::Status written =
      packed ? osiris::write_file_atomically(argv[2], *packed) : osiris::Status(packed.error());
  if (written) return 0;
  std::fprintf(stderr, "%s\n", written.error().message.c_str());
  return 1;
}

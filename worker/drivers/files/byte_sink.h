// The file's bytes on their way out, compressed where the file's name or the step says so. zlib, bzip2, liblzma and
// zstd do the work; zip archives are made by minizip. The same rows give the same bytes: no format is told the time.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/replacing_file.h"
#include "worker/drivers/files/compression.h"

namespace osiris::worker::files {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual Status write(std::string_view bytes) = 0;
  // All is written: the end of the compressed stream, with its checksum, goes into the file. Before commit().
  virtual Status finish() = 0;
};

// `file` is open and outlives the sink; `path` is what the pipeline calls it, whatever its place is.
std::unique_ptr<ByteSink> make_sink(Compression compression, const std::filesystem::path& path, ReplacingFile& file);

}  // namespace osiris::worker::files

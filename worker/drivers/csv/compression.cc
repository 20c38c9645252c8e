#include "worker/drivers/csv/compression.h"

#include <string>

#include "protocol/base/text.h"

namespace osiris::worker::csv_format {
namespace {

struct Format {
  Compression compression;
  std::string_view name, suffix;
};
constexpr Format kFormats[] = {{Compression::kGzip, "gzip", ".gz"},
                               {Compression::kBzip2, "bz2", ".bz2"},
                               {Compression::kZip, "zip", ".zip"},
                               {Compression::kXz, "xz", ".xz"},
                               {Compression::kZstd, "zstd", ".zst"}};

}  // namespace

std::optional<Compression> compression_from_name(std::string_view name) {
  if (name == "none") return Compression::kNone;
  for (const Format& format : kFormats)
    if (name == format.name) return format.compression;
  return std::nullopt;
}

Compression infer_compression(const std::filesystem::path& file) {
  const std::string suffix = ascii_lower(file.extension().native());
  for (const Format& format : kFormats)
    if (suffix == format.suffix) return format.compression;
  return Compression::kNone;
}

}  // namespace osiris::worker::csv_format

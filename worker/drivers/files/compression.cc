#include "worker/drivers/files/compression.h"

#include <algorithm>
#include <string>

#include "protocol/base/text.h"

namespace osiris::worker::files {
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

constexpr std::string_view kKinds[] = {
    ".7z",  ".rar",  ".lz4",   ".lzma",   ".br",  ".tar",     ".tgz",     ".xls",   ".xlsx", ".ods",    ".csv",
    ".tsv", ".json", ".jsonl", ".ndjson", ".orc", ".parquet", ".feather", ".arrow", ".avro", ".duckdb", ".sqlite"};

std::optional<Compression> compression_from_name(std::string_view name) {
  if (name == "none") return Compression::kNone;
  for (const Format& format : kFormats)
    if (name == format.name) return format.compression;
  return std::nullopt;
}

}  // namespace

Result<std::optional<Compression>> read_compression(const Json& config) {
  const std::string name = config["compression"].as_string_or("infer");
  if (name == "infer") return std::optional<Compression>();
  if (const auto named = compression_from_name(name)) return named;
  return Error(Code::kInvalidArgument,
               "'compression' must be infer, none, gzip, bz2, zip, xz or zstd, not '" + name + "'");
}

Compression infer_compression(const std::filesystem::path& file) {
  const std::string suffix = ascii_lower(file.extension().native());
  for (const Format& format : kFormats)
    if (suffix == format.suffix) return format.compression;
  return Compression::kNone;
}

std::string_view suffix_of(Compression compression) {
  for (const Format& format : kFormats)
    if (format.compression == compression) return format.suffix;
  return {};
}

std::string_view suffix_of_another_kind(const std::filesystem::path& file,
                                        std::initializer_list<std::string_view> own) {
  const std::string suffix = ascii_lower(file.extension().native());
  for (const std::string_view kind : kKinds)
    if (suffix == kind) return std::find(own.begin(), own.end(), kind) == own.end() ? kind : std::string_view();
  return {};
}

}  // namespace osiris::worker::files

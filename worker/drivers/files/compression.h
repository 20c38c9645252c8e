// The compressed forms a text file may have, and what a file's name tells.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::worker::files {

enum class Compression { kNone, kGzip, kBzip2, kZip, kXz, kZstd };

// The key `compression`: "none", "gzip", "bz2", "zip", "xz" or "zstd"; nullopt where it is "infer" or not given.
// kInvalidArgument for others.
Result<std::optional<Compression>> read_compression(const Json& config);
// By suffix: .gz, .bz2, .zip, .xz, .zst in any case; everything else is plain.
Compression infer_compression(const std::filesystem::path& file);
// ".gz"; empty for none.
std::string_view suffix_of(Compression compression);
// ".xlsx": the suffix in lower case where it is that of a kind of file that is none of `own`; else empty.
std::string_view suffix_of_another_kind(const std::filesystem::path& file, std::initializer_list<std::string_view> own);

}  // namespace osiris::worker::files

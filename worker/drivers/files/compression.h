// The compressed forms a text file may have, and what a file's name tells.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace osiris::worker::files {

enum class Compression { kNone, kGzip, kBzip2, kZip, kXz, kZstd };

// "none", "gzip", "bz2", "zip", "xz", "zstd"; nullopt for others ("infer" is not a compression).
std::optional<Compression> compression_from_name(std::string_view name);
// By suffix: .gz, .bz2, .zip, .xz, .zst in any case; everything else is plain.
Compression infer_compression(const std::filesystem::path& file);
// ".gz"; empty for none.
std::string_view suffix_of(Compression compression);
// ".xlsx": the suffix in lower case where it is that of a kind of file that is none of `own`; else empty.
std::string_view suffix_of_another_kind(const std::filesystem::path& file, std::initializer_list<std::string_view> own);
// The values of the key `compression`, for messages.
inline constexpr std::string_view kCompressionNames = "infer, none, gzip, bz2, zip, xz or zstd";

}  // namespace osiris::worker::files

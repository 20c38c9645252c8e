#include "worker/drivers/filesystem.csv_extractor/first_bytes.h"

#include <array>
#include <string_view>

#include "worker/drivers/files/byte_source.h"

namespace osiris::worker::csv {
namespace {

using std::string_view_literals::operator""sv;

struct FilePrefix {
  std::string_view bytes;
  const char* hint;
};
constexpr FilePrefix kCompressed[] = {
    {"\x1f\x8b"sv, "gzip: set compression: gzip"},
    {"BZh"sv, "bz2: set compression: bz2"},
    {"\xfd"
     "7zXZ\0"sv,
     "xz: set compression: xz"},
    {"PK\x03\x04"sv, "a zip archive (an .xlsx file is one, too): set compression: zip, or export it as CSV"},
    {"\x28\xb5\x2f\xfd"sv, "zstd: set compression: zstd"},
    {"PAR1"sv, "Parquet, not CSV"},
    {"SQLite format 3"sv, "a SQLite database, not CSV"},
};
constexpr FilePrefix kUtf16[] = {{"\xff\xfe"sv, "utf-16: set encoding: utf-16"},
                                 {"\xfe\xff"sv, "utf-16: set encoding: utf-16"}};

template <size_t N>
std::string find(std::string_view head, const FilePrefix (&prefixes)[N]) {
  for (const FilePrefix& prefix : prefixes)
    if (head.starts_with(prefix.bytes)) return std::string("the file begins like ") + prefix.hint;
  return {};
}

}  // namespace

std::string hint_of_first_bytes(const Options& options) {
  auto bytes = open_bytes(options.file, options.compression);
  if (!bytes.ok()) return {};
  std::array<char, 16> head;
  const auto size = (*bytes)->read(head.data(), head.size());
  if (!size.ok()) return {};
  const std::string_view seen(head.data(), *size);
  std::string hint = options.compression == Compression::kNone ? find(seen, kCompressed) : std::string();
  if (hint.empty() && options.encoding != Encoding::kUtf16) hint = find(seen, kUtf16);
  return hint;
}

}  // namespace osiris::worker::csv

#include "protocol/base/copy_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/read_block.h"

namespace osiris {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 18;

}  // namespace

Status read_in_pieces(const std::filesystem::path& file, const std::function<Status(std::string_view)>& visit) {
  const FileDescriptor in = FileDescriptor::open(file, O_RDONLY);
  if (!in.is_open()) return errno_error(errno, "cannot open", file);
  ReadBlock piece(kPieceBytes);
  for (;;) {
    const int64_t got = read_some(in.get(), piece.data(), piece.size());
    if (got < 0) return errno_error(errno, "cannot read", file);
    if (got == 0) return {};
    OSIRIS_TRY(visit(piece.first(static_cast<size_t>(got))));
  }
}

Status copy_into(const std::filesystem::path& from, ReplacingFile& to) {
  return read_in_pieces(from, [&](std::string_view piece) { return to.write(piece); });
}

Status copy_whole_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  struct stat source;
  if (::stat(from.c_str(), &source) != 0) return errno_error(errno, "cannot copy", from);
  ReplacingFile copy(to);
  OSIRIS_TRY(copy.open(false));
  OSIRIS_TRY(copy_into(from, copy));
  // A file system that keeps no modes refuses.
  static_cast<void>(::chmod(copy.temporary().c_str(), source.st_mode & 07777));
  return copy.commit();
}

}  // namespace osiris

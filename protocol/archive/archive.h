// The one archive format of the project, for run packages and for artifacts: a zstd-compressed tar whose members are
// regular files named by number ("1", "2", ...). A name in an archive never decides where bytes go: the reader knows
// from its own documents what number 7 is. Links, directories, devices and other names are refused.
//
// libarchive and zstd do the work, in archive.cc only. Same members, same bytes: no times, owners or modes are kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/sha256.h"

namespace osiris::archive {

// Takes the archive's bytes in order; false stops the writer (the reader is gone).
using Sink = std::function<bool(std::string_view)>;
// Gives the archive's bytes in order; empty at the end.
using Source = std::function<Result<std::string>()>;

struct WriterOptions {
  int level = 3;    // zstd's
  int threads = 2;  // compressing beside the caller's, where there is more than one frame (frame_compressor.h)
};

// Not thread safe.
class Writer {
 public:
  explicit Writer(Sink sink, WriterOptions options = {});
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Status add_bytes(uint32_t number, std::string_view bytes);
  // The file must have exactly `size_bytes` bytes while it is read; kUnavailable if it changed. Returns its digest.
  // What is compressed already goes in as it is.
  Result<FileDigest> add_file(uint32_t number, const std::filesystem::path& path, uint64_t size_bytes);
  Status finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct ReadLimits {
  uint64_t members_max = 1'000'000;
  uint64_t total_bytes_max = 1ull << 40;
};

// For each member the reader asks `open` where its bytes go. The returned function is given them in order; an error
// from either ends the reading.
using MemberSink = std::function<Status(std::string_view)>;
using OpenMember = std::function<Result<MemberSink>(uint32_t number, uint64_t size_bytes)>;
// Called after the last byte of a member.
using CloseMember = std::function<Status(uint32_t number, const FileDigest& digest)>;

// kInvalidArgument for anything that is not such an archive, truncated ones included; kExhausted past a limit.
Status read(const Source& source, const ReadLimits& limits, const OpenMember& open, const CloseMember& close);

}  // namespace osiris::archive

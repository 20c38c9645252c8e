#include "protocol/archive/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "protocol/archive/background_sha256.h"
#include "protocol/archive/frame_compressor.h"
#include "protocol/base/fd.h"
#include "protocol/base/file.h"

namespace osiris::archive {
namespace {

constexpr size_t kBlockBytes = 1u << 18;

std::string reason(struct archive* handle) {
  const char* text = archive_error_string(handle);
  return text ? text : "unknown reason";
}

// The member's number, or nullopt for any name that is not the plain decimal form of one.
std::optional<uint32_t> number_of(std::string_view name) {
  uint32_t number = 0;
  const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (code != std::errc() || end != name.data() + name.size() || std::to_string(number) != name) return std::nullopt;
  return number;
}

// By its first bytes: of gzip, zstd, xz and zip; and Parquet whose first page is one of zstd, behind its header.
bool is_compressed(std::string_view head) {
  constexpr std::string_view kZstd = "\x28\xB5\x2F\xFD", kParquet = "PAR1";
  constexpr size_t kPageHeaderMax = 512;
  for (const std::string_view magic : {kZstd, std::string_view("\x1F\x8B"),
                                       std::string_view("\xFD"
                                                        "7zXZ"),
                                       std::string_view("PK\x03\x04")})
    if (head.starts_with(magic)) return true;
  return head.starts_with(kParquet) && head.substr(0, kPageHeaderMax).find(kZstd) != std::string_view::npos;
}

}  // namespace

// libarchive makes the tar, which is compressed by frames.
struct Writer::State {
  State(Sink receiver, const WriterOptions& options)
      : sink(std::move(receiver)),
        frames(
            [this](std::string_view bytes) {
              sink_closed = !sink(bytes);
              return !sink_closed;
            },
            options.level, static_cast<size_t>(std::max(options.threads, 0))) {}
  ~State() { archive_write_free(handle); }

  Sink sink;
  bool sink_closed = false;
  bool finished = false;
  bool leaves_off = false;  // what comes now is of no use
  FrameCompressor frames;
  struct archive* handle = archive_write_new();

  static la_ssize_t on_write(struct archive*, void* user, const void* bytes, size_t count) {
    auto* state = static_cast<State*>(user);
    if (state->leaves_off) return -1;
    if (state->frames.write(std::string_view(static_cast<const char*>(bytes), count)))
      return static_cast<la_ssize_t>(count);
    return -1;
  }

  Error error(std::string_view what) const {
    if (sink_closed) return Error(Code::kCancelled, std::string(what) + ": the receiver stopped");
    return Error(Code::kInternal, std::string(what) + ": " + reason(handle));
  }

  Status begin(uint32_t number, uint64_t size_bytes) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, std::to_string(number).c_str());
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    archive_entry_set_size(entry, static_cast<la_int64_t>(size_bytes));
    const int code = archive_write_header(handle, entry);
    archive_entry_free(entry);
    if (code != ARCHIVE_OK || !frames.store(false)) return error("cannot start member " + std::to_string(number));
    return {};
  }

  Status data(std::string_view bytes) {
    while (!bytes.empty()) {
      const la_ssize_t written = archive_write_data(handle, bytes.data(), bytes.size());
      if (written <= 0) return error("cannot write to the archive");
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  }
};

Writer::Writer(Sink sink, WriterOptions options) : state_(std::make_unique<State>(std::move(sink), options)) {
  archive_write_set_format_pax_restricted(state_->handle);  // ustar where it fits, so that files may pass 8 GiB
  archive_write_set_bytes_per_block(state_->handle, static_cast<int>(kBlockBytes));
  archive_write_set_bytes_in_last_block(state_->handle, 1);
  archive_write_open(state_->handle, state_.get(), nullptr, State::on_write, nullptr);
}

Writer::~Writer() {
  // Freeing an unfinished writer flushes it as if it were whole: the sink must not get that. (archive_write_fail would
  // prevent it too, but then libarchive leaks its buffers.)
  state_->leaves_off = !state_->finished;
}

Status Writer::add_bytes(uint32_t number, std::string_view bytes) {
  OSIRIS_TRY(state_->begin(number, bytes.size()));
  return state_->data(bytes);
}

Result<FileDigest> Writer::add_file(uint32_t number, const std::filesystem::path& path, uint64_t size_bytes) {
  const FileDescriptor file = FileDescriptor::open(path, O_RDONLY);
  if (!file.is_open()) return errno_error(errno, "cannot open", path);
  OSIRIS_TRY(state_->begin(number, size_bytes));
  BackgroundSha256 hash;
  uint64_t total = 0;
  for (;;) {
    BackgroundSha256::Block block = hash.take(kBlockBytes);
    const int64_t got = read_some(file.get(), block.bytes.data(), kBlockBytes);
    if (got < 0) return errno_error(errno, "cannot read", path);
    if (got == 0) break;
    block.used = static_cast<size_t>(got);
    if (total == 0 && !state_->frames.store(is_compressed(block.view())))
      return state_->error("cannot write to the archive");
    total += block.used;
    if (total > size_bytes) break;
    OSIRIS_TRY(state_->data(block.view()));
    hash.add(std::move(block));
  }
  if (total != size_bytes)
    return Error(Code::kUnavailable,
                 path.string() + " changed while it was being read: it had " + std::to_string(size_bytes) + " bytes",
                 "Run again when nothing writes to it.");
  FileDigest digest;
  digest.sha256 = hash.hex();
  digest.size_bytes = total;
  return digest;
}

Status Writer::finish() {
  state_->finished = true;
  if (archive_write_close(state_->handle) != ARCHIVE_OK || !state_->frames.finish())
    return state_->error("cannot finish the archive");
  return {};
}

namespace {

// libarchive pulls bytes from here; an error of the source is kept, because libarchive has no words of ours.
struct Pull {
  const Source& source;
  std::string block;
  std::optional<Error> failure;

  static la_ssize_t on_read(struct archive* handle, void* user, const void** bytes) {
    auto* pull = static_cast<Pull*>(user);
    auto next = pull->source();
    if (!next) {
      pull->failure = next.error();
      archive_set_error(handle, EIO, "the source failed");
      return -1;
    }
    pull->block = *std::move(next);
    *bytes = pull->block.data();
    return static_cast<la_ssize_t>(pull->block.size());
  }
};

class ArchiveReader {
 public:
  ArchiveReader(const Source& source, const ReadLimits& limits) : limits_(limits), pull_{source, {}, {}} {
    archive_read_support_filter_zstd(handle_);
    archive_read_support_format_tar(handle_);
  }
  ~ArchiveReader() { archive_read_free(handle_); }
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  Status run(const OpenMember& open, const CloseMember& close) {
    if (archive_read_open(handle_, &pull_, nullptr, Pull::on_read, nullptr) != ARCHIVE_OK) return broken();
    archive_entry* entry = nullptr;
    for (;;) {
      const int code = archive_read_next_header(handle_, &entry);
      if (code == ARCHIVE_EOF) break;
      if (code != ARCHIVE_OK) return broken();
      OSIRIS_TRY(member(entry, open, close));
    }
    if (archive_filter_code(handle_, 0) != ARCHIVE_FILTER_ZSTD)
      return Error(Code::kInvalidArgument, "not an archive of ours: not zstd");
    return {};
  }

 private:
  Error broken() const {
    if (pull_.failure) return *pull_.failure;
    return Error(Code::kInvalidArgument, "the archive is damaged: " + reason(handle_));
  }

  Status member(archive_entry* entry, const OpenMember& open, const CloseMember& close) {
    const char* path = archive_entry_pathname(entry);
    const std::string name = path ? path : "";
    const auto number = number_of(name);
    if (!number || archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) ||
        archive_entry_symlink(entry) || !archive_entry_size_is_set(entry))
      return Error(Code::kInvalidArgument,
                   "the archive holds a member that is no numbered file: \"" + name.substr(0, 80) + "\"");
    if (!seen_.insert(*number).second)
      return Error(Code::kInvalidArgument, "the archive holds member " + name + " twice");
    if (seen_.size() > limits_.members_max)
      return Error(Code::kExhausted, "the archive holds more than " + std::to_string(limits_.members_max) + " members");
    const auto size = static_cast<uint64_t>(archive_entry_size(entry));
    if (size > limits_.total_bytes_max - total_bytes_)
      return Error(Code::kExhausted,
                   "the archive unpacks to more than " + std::to_string(limits_.total_bytes_max) + " bytes");
    total_bytes_ += size;

    OSIRIS_ASSIGN(const MemberSink sink, open(*number, size));
    BackgroundSha256 hash;
    FileDigest digest;
    for (;;) {
      BackgroundSha256::Block block = hash.take(kBlockBytes);
      const la_ssize_t got = archive_read_data(handle_, block.bytes.data(), kBlockBytes);
      if (got < 0) return broken();
      if (got == 0) break;
      block.used = static_cast<size_t>(got);
      digest.size_bytes += block.used;
      OSIRIS_TRY(sink(block.view()));
      hash.add(std::move(block));
    }
    if (digest.size_bytes != size)
      return Error(Code::kInvalidArgument, "member " + name + " of the archive is cut short");
    digest.sha256 = hash.hex();
    return close(*number, digest);
  }

  const ReadLimits limits_;
  Pull pull_;
  struct archive* handle_ = archive_read_new();
  std::set<uint32_t> seen_;
  uint64_t total_bytes_ = 0;
};

}  // namespace

Status read(const Source& source, const ReadLimits& limits, const OpenMember& open, const CloseMember& close) {
  return ArchiveReader(source, limits).run(open, close);
}

}  // namespace osiris::archive

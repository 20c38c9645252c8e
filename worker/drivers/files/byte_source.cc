#include "worker/drivers/files/byte_source.h"

#include <bzlib.h>
#include <fcntl.h>
#include <lzma.h>
#include <minizip/unzip.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <string>
#include <vector>

#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/read_block.h"

namespace osiris::worker::files {
namespace {

constexpr size_t kInputBytes = size_t{1} << 18;

Error damaged(const std::filesystem::path& file, std::string_view format, std::string_view why) {
  return Error(Code::kInvalidArgument,
               "cannot decompress " + file.string() + " as " + std::string(format) + ": " + std::string(why),
               "check the file, or set `compression`");
}

class PlainSource : public ByteSource {
 public:
  PlainSource(FileDescriptor fd, std::filesystem::path file) : fd_(std::move(fd)), file_(std::move(file)) {}
  Result<size_t> read(char* buffer, size_t size) override {
    const int64_t got = read_some(fd_.get(), buffer, size);
    if (got < 0) return errno_error(errno, "cannot read", file_);
    bytes_read_ += static_cast<uint64_t>(got);
    return static_cast<size_t>(got);
  }
  uint64_t file_bytes_read() const override { return bytes_read_; }
  const std::filesystem::path& file() const { return file_; }

 private:
  FileDescriptor fd_;
  std::filesystem::path file_;
  uint64_t bytes_read_ = 0;
};

// The loop every stream decompressor shares: refill the input, let the codec run, start the next member where one
// follows.
template <class Codec>
class CodecSource : public ByteSource {
 public:
  CodecSource(std::unique_ptr<PlainSource> plain) : plain_(std::move(plain)), input_(kInputBytes) {}
  Result<size_t> read(char* buffer, size_t size) override {
    size = std::min<size_t>(size, std::numeric_limits<unsigned>::max() / 2);
    for (;;) {
      if (left_ == 0 && !input_ended_) {
        OSIRIS_ASSIGN(left_, plain_->read(input_.data(), input_.size()));
        at_ = input_.data();
        input_ended_ = left_ == 0;
        began_ |= left_ > 0;
      }
      if (!began_) return damaged(plain_->file(), Codec::kName, "the file is empty");
      if (input_ended_ && left_ == 0 && !codec_.in_member()) return size_t{0};
      size_t written = 0;
      const char* why = codec_.run(at_, left_, input_ended_, buffer, size, written);
      if (why) return damaged(plain_->file(), Codec::kName, why);
      if (written > 0) return written;
      if (input_ended_ && left_ == 0 && codec_.in_member())
        return damaged(plain_->file(), Codec::kName, "the file ends too early");
    }
  }
  uint64_t file_bytes_read() const override { return plain_->file_bytes_read() - left_; }

 private:
  std::unique_ptr<PlainSource> plain_;
  ReadBlock input_;
  const char* at_ = nullptr;
  size_t left_ = 0;
  bool began_ = false, input_ended_ = false;
  Codec codec_;
};

class Gzip {
 public:
  static constexpr std::string_view kName = "gzip";
  Gzip() { ready_ = inflateInit2(&stream_, 15 + 16) == Z_OK; }
  ~Gzip() { inflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  bool in_member() const { return in_member_; }
  const char* run(const char*& at, size_t& left, bool, char* out, size_t size, size_t& written) {
    if (!ready_) return "out of memory";
    if (!in_member_) {
      // Zero padding after a member is allowed, as gzip itself allows it.
      while (members_ > 0 && left > 0 && *at == '\0') ++at, --left;
      if (left == 0) return nullptr;
      if (members_ > 0) inflateReset(&stream_);
      in_member_ = true;
      ++members_;
    }
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(at));
    stream_.avail_in = static_cast<uInt>(left);
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(size);
    const int state = inflate(&stream_, Z_NO_FLUSH);
    at += left - stream_.avail_in;
    left = stream_.avail_in;
    written = size - stream_.avail_out;
    if (state == Z_STREAM_END) in_member_ = false;
    if (state == Z_OK || state == Z_STREAM_END || state == Z_BUF_ERROR) return nullptr;
    return stream_.msg ? stream_.msg : "damaged data";
  }

 private:
  z_stream stream_{};
  bool ready_ = false, in_member_ = false;
  int members_ = 0;  // begun so far
};

class Bzip2 {
 public:
  static constexpr std::string_view kName = "bz2";
  ~Bzip2() {
    if (in_member_) BZ2_bzDecompressEnd(&stream_);
  }
  Bzip2() = default;
  Bzip2(const Bzip2&) = delete;
  Bzip2& operator=(const Bzip2&) = delete;
  bool in_member() const { return in_member_; }
  const char* run(const char*& at, size_t& left, bool, char* out, size_t size, size_t& written) {
    if (!in_member_) {
      if (left == 0) return nullptr;
      stream_ = {};
      if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) return "out of memory";
      in_member_ = true;
    }
    stream_.next_in = const_cast<char*>(at);
    stream_.avail_in = static_cast<unsigned>(left);
    stream_.next_out = out;
    stream_.avail_out = static_cast<unsigned>(size);
    const int state = BZ2_bzDecompress(&stream_);
    at += left - stream_.avail_in;
    left = stream_.avail_in;
    written = size - stream_.avail_out;
    if (state == BZ_STREAM_END) {
      BZ2_bzDecompressEnd(&stream_);
      in_member_ = false;
      return nullptr;
    }
    return state == BZ_OK ? nullptr : "damaged data";
  }

 private:
  bz_stream stream_{};
  bool in_member_ = false;
};

class Xz {
 public:
  static constexpr std::string_view kName = "xz";
  Xz() { ready_ = lzma_stream_decoder(&stream_, UINT64_MAX, LZMA_CONCATENATED) == LZMA_OK; }
  ~Xz() { lzma_end(&stream_); }
  Xz(const Xz&) = delete;
  Xz& operator=(const Xz&) = delete;
  bool in_member() const { return in_member_; }
  const char* run(const char*& at, size_t& left, bool input_ended, char* out, size_t size, size_t& written) {
    if (!ready_) return "out of memory";
    if (left > 0) in_member_ = true;
    stream_.next_in = reinterpret_cast<const uint8_t*>(at);
    stream_.avail_in = left;
    stream_.next_out = reinterpret_cast<uint8_t*>(out);
    stream_.avail_out = size;
    const lzma_ret state = lzma_code(&stream_, input_ended ? LZMA_FINISH : LZMA_RUN);
    at += left - stream_.avail_in;
    left = stream_.avail_in;
    written = size - stream_.avail_out;
    if (state == LZMA_STREAM_END) in_member_ = false;
    if (state == LZMA_OK || state == LZMA_STREAM_END || state == LZMA_BUF_ERROR) return nullptr;
    return state == LZMA_FORMAT_ERROR ? "not an xz file" : "damaged data";
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ready_ = false, in_member_ = false;
};

class Zstd {
 public:
  static constexpr std::string_view kName = "zstd";
  Zstd() : stream_(ZSTD_createDStream()) {}
  ~Zstd() { ZSTD_freeDStream(stream_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  bool in_member() const { return in_member_; }
  const char* run(const char*& at, size_t& left, bool, char* out, size_t size, size_t& written) {
    if (!stream_) return "out of memory";
    if (left == 0 && !in_member_) return nullptr;
    ZSTD_inBuffer input{at, left, 0};
    ZSTD_outBuffer output{out, size, 0};
    const size_t state = ZSTD_decompressStream(stream_, &output, &input);
    at += input.pos;
    left -= input.pos;
    written = output.pos;
    in_member_ = state != 0;
    return ZSTD_isError(state) ? ZSTD_getErrorName(state) : nullptr;
  }

 private:
  ZSTD_DStream* stream_;
  bool in_member_ = false;
};

class ZipSource : public ByteSource {
 public:
  ZipSource(unzFile archive, std::filesystem::path file) : archive_(archive), file_(std::move(file)) {}
  ~ZipSource() override { unzClose(archive_); }
  Status open_only_member() {
    unz_global_info64 info;
    if (unzGetGlobalInfo64(archive_, &info) != UNZ_OK) return damaged(file_, "zip", "its directory cannot be read");
    uint64_t files = 0;
    for (int state = unzGoToFirstFile(archive_); info.number_entry > 0 && state == UNZ_OK;
         state = unzGoToNextFile(archive_)) {
      std::array<char, 1024> name{};
      unz_file_info64 member;
      unzGetCurrentFileInfo64(archive_, &member, name.data(), name.size() - 1, nullptr, 0, nullptr, 0);
      if (std::string_view(name.data()).ends_with('/')) continue;  // a directory
      left_ = member.uncompressed_size;
      unzGetFilePos64(archive_, &position_);
      ++files;
    }
    if (files != 1) return damaged(file_, "zip", "it holds " + std::to_string(files) + " files, not one");
    if (unzGoToFilePos64(archive_, &position_) != UNZ_OK || unzOpenCurrentFile(archive_) != UNZ_OK)
      return damaged(file_, "zip", "its file cannot be opened (encrypted, or an unknown method)");
    return {};
  }
  Result<size_t> read(char* buffer, size_t size) override {
    if (ended_) return size_t{0};
    const int got =
        unzReadCurrentFile(archive_, buffer, static_cast<unsigned>(std::min<size_t>(size, size_t{1} << 20)));
    if (got < 0) return damaged(file_, "zip", "damaged data");
    left_ -= std::min(left_, static_cast<uint64_t>(got));
    file_bytes_read_ = unzGetCurrentFileZStreamPos64(archive_);
    if (got == 0) {
      ended_ = true;
      if (left_ > 0) return damaged(file_, "zip", "its file ends too early");  // minizip then looks at no checksum
      if (unzCloseCurrentFile(archive_) == UNZ_CRCERROR) return damaged(file_, "zip", "the checksum is wrong");
    }
    return static_cast<size_t>(got);
  }
  uint64_t file_bytes_read() const override { return file_bytes_read_; }

 private:
  unzFile archive_;
  unz64_file_pos position_{};
  uint64_t left_ = 0;  // bytes of the member that are still to come
  uint64_t file_bytes_read_ = 0;
  std::filesystem::path file_;
  bool ended_ = false;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> open_bytes(const std::filesystem::path& file, Compression compression) {
  if (compression == Compression::kZip) {
    const unzFile archive = unzOpen64(file.c_str());
    if (!archive) return damaged(file, "zip", "not a zip archive");
    auto source = std::make_unique<ZipSource>(archive, file);
    OSIRIS_TRY(source->open_only_member());
    return std::unique_ptr<ByteSource>(std::move(source));
  }
  FileDescriptor fd = FileDescriptor::open(file, O_RDONLY);
  if (!fd.is_open()) return errno_error(errno, "cannot open", file);
  auto plain = std::make_unique<PlainSource>(std::move(fd), file);
  switch (compression) {
    case Compression::kGzip:
      return std::unique_ptr<ByteSource>(std::make_unique<CodecSource<Gzip>>(std::move(plain)));
    case Compression::kBzip2:
      return std::unique_ptr<ByteSource>(std::make_unique<CodecSource<Bzip2>>(std::move(plain)));
    case Compression::kXz:
      return std::unique_ptr<ByteSource>(std::make_unique<CodecSource<Xz>>(std::move(plain)));
    case Compression::kZstd:
      return std::unique_ptr<ByteSource>(std::make_unique<CodecSource<Zstd>>(std::move(plain)));
    default:
      return std::unique_ptr<ByteSource>(std::move(plain));
  }
}

Status check_intact(const std::filesystem::path& file, Compression compression) {
  if (compression == Compression::kNone) return {};
  OSIRIS_ASSIGN(const std::unique_ptr<ByteSource> bytes, open_bytes(file, compression));
  std::vector<char> buffer(kInputBytes);
  for (size_t size = 1; size > 0;) {
    OSIRIS_ASSIGN(size, bytes->read(buffer.data(), buffer.size()));
  }
  return {};
}

}  // namespace osiris::worker::files

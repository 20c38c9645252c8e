#include "worker/drivers/files/byte_sink.h"

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <vector>

#include "protocol/base/categories.h"
#include "worker/drivers/files/zip_sink.h"

namespace osiris::worker::files {
namespace {

constexpr size_t kOutputBytes = size_t{1} << 18;
// What one call of a compressor is given; theirs count in 32 bits.
constexpr size_t kInputBytesMax = size_t{1} << 26;

class PlainSink : public ByteSink {
 public:
  explicit PlainSink(ReplacingFile& file) : file_(file) {}
  Status write(std::string_view bytes) override { return file_.write(bytes); }
  Status finish() override { return {}; }

 private:
  ReplacingFile& file_;
};

// A piece of input and of room for output; a codec moves both ends.
struct Work {
  const char* in;
  size_t in_bytes;
  char* out;
  size_t out_bytes;
};
enum class Progress { kMore, kEnded, kFailed };

class Gzip {
 public:
  // Level and header are gzip's own (16: its format, no name, no time).
  Gzip() { ready_ = deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK; }
  ~Gzip() { deflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  Progress run(Work& work, bool finish) {
    if (!ready_) return Progress::kFailed;
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(work.in));
    stream_.avail_in = static_cast<uInt>(work.in_bytes);
    stream_.next_out = reinterpret_cast<Bytef*>(work.out);
    stream_.avail_out = static_cast<uInt>(work.out_bytes);
    const int state = deflate(&stream_, finish ? Z_FINISH : Z_NO_FLUSH);
    work = {reinterpret_cast<const char*>(stream_.next_in), stream_.avail_in, reinterpret_cast<char*>(stream_.next_out),
            stream_.avail_out};
    if (state == Z_STREAM_END) return Progress::kEnded;
    return state == Z_OK || state == Z_BUF_ERROR ? Progress::kMore : Progress::kFailed;
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

class Bzip2 {
 public:
  Bzip2() { ready_ = BZ2_bzCompressInit(&stream_, 9, 0, 0) == BZ_OK; }
  ~Bzip2() {
    if (ready_) BZ2_bzCompressEnd(&stream_);
  }
  Bzip2(const Bzip2&) = delete;
  Bzip2& operator=(const Bzip2&) = delete;
  Progress run(Work& work, bool finish) {
    if (!ready_) return Progress::kFailed;
    if (!finish && work.in_bytes == 0) return Progress::kMore;
    stream_.next_in = const_cast<char*>(work.in);
    stream_.avail_in = static_cast<unsigned>(work.in_bytes);
    stream_.next_out = work.out;
    stream_.avail_out = static_cast<unsigned>(work.out_bytes);
    const int state = BZ2_bzCompress(&stream_, finish ? BZ_FINISH : BZ_RUN);
    work = {stream_.next_in, stream_.avail_in, stream_.next_out, stream_.avail_out};
    if (state == BZ_STREAM_END) return Progress::kEnded;
    return state == BZ_RUN_OK || state == BZ_FINISH_OK ? Progress::kMore : Progress::kFailed;
  }

 private:
  bz_stream stream_{};
  bool ready_ = false;
};

class Xz {
 public:
  Xz() { ready_ = lzma_easy_encoder(&stream_, LZMA_PRESET_DEFAULT, LZMA_CHECK_CRC64) == LZMA_OK; }
  ~Xz() { lzma_end(&stream_); }
  Xz(const Xz&) = delete;
  Xz& operator=(const Xz&) = delete;
  Progress run(Work& work, bool finish) {
    if (!ready_) return Progress::kFailed;
    stream_.next_in = reinterpret_cast<const uint8_t*>(work.in);
    stream_.avail_in = work.in_bytes;
    stream_.next_out = reinterpret_cast<uint8_t*>(work.out);
    stream_.avail_out = work.out_bytes;
    const lzma_ret state = lzma_code(&stream_, finish ? LZMA_FINISH : LZMA_RUN);
    work = {reinterpret_cast<const char*>(stream_.next_in), stream_.avail_in, reinterpret_cast<char*>(stream_.next_out),
            stream_.avail_out};
    if (state == LZMA_STREAM_END) return Progress::kEnded;
    return state == LZMA_OK || state == LZMA_BUF_ERROR ? Progress::kMore : Progress::kFailed;
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool ready_ = false;
};

class Zstd {
 public:
  // With a checksum, which the library leaves out unless told: a damaged file shall not be read as other rows.
  Zstd() : stream_(ZSTD_createCStream()) {
    ready_ = stream_ && !ZSTD_isError(ZSTD_CCtx_setParameter(stream_, ZSTD_c_checksumFlag, 1));
  }
  ~Zstd() { ZSTD_freeCStream(stream_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  Progress run(Work& work, bool finish) {
    if (!ready_) return Progress::kFailed;
    ZSTD_inBuffer input{work.in, work.in_bytes, 0};
    ZSTD_outBuffer output{work.out, work.out_bytes, 0};
    const size_t left = ZSTD_compressStream2(stream_, &output, &input, finish ? ZSTD_e_end : ZSTD_e_continue);
    work = {work.in + input.pos, work.in_bytes - input.pos, work.out + output.pos, work.out_bytes - output.pos};
    if (ZSTD_isError(left)) return Progress::kFailed;
    return finish && left == 0 ? Progress::kEnded : Progress::kMore;
  }

 private:
  ZSTD_CStream* stream_;
  bool ready_ = false;
};

// The loop every stream compressor shares: feed it, empty its output into the file.
template <class Codec>
class CodecSink : public ByteSink {
 public:
  explicit CodecSink(ReplacingFile& file) : file_(file), output_(kOutputBytes) {}
  Status write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, kInputBytesMax);
      OSIRIS_TRY(run(piece, false));
      bytes.remove_prefix(piece.size());
    }
    return {};
  }
  Status finish() override { return run({}, true); }

 private:
  Status run(std::string_view bytes, bool finish) {
    Work work{bytes.data(), bytes.size(), nullptr, 0};
    for (;;) {
      work.out = output_.data();
      work.out_bytes = output_.size();
      const Progress progress = codec_.run(work, finish);
      if (progress == Progress::kFailed)
        return Error(Code::kExhausted, "cannot compress " + file_.target().string() + ": out of memory", {},
                     category::kRuntimeMemoryExceeded);
      OSIRIS_TRY(file_.write({output_.data(), output_.size() - work.out_bytes}));
      if (finish ? progress == Progress::kEnded : work.in_bytes == 0) return {};
    }
  }

  ReplacingFile& file_;
  std::vector<char> output_;
  Codec codec_;
};

}  // namespace

std::unique_ptr<ByteSink> make_sink(Compression compression, const std::filesystem::path& path, ReplacingFile& file) {
  switch (compression) {
    case Compression::kGzip:
      return std::make_unique<CodecSink<Gzip>>(file);
    case Compression::kBzip2:
      return std::make_unique<CodecSink<Bzip2>>(file);
    case Compression::kXz:
      return std::make_unique<CodecSink<Xz>>(file);
    case Compression::kZstd:
      return std::make_unique<CodecSink<Zstd>>(file);
    case Compression::kZip:
      return make_zip_sink(path, file);
    default:
      return std::make_unique<PlainSink>(file);
  }
}

}  // namespace osiris::worker::files

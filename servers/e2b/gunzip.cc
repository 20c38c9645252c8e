#include "servers/e2b/gunzip.h"

#define ZLIB_CONST
#include <zlib.h>

namespace osiris::e2b_server {
namespace {

constexpr int kWindowBits = 15;
constexpr int kGzipFormat = 16;

const Bytef* as_bytes(std::string_view text) { return reinterpret_cast<const Bytef*>(text.data()); }

}  // namespace

struct Gunzip::State {
  z_stream stream{};
  bool done = false;
};

Gunzip::Gunzip() : state_(std::make_unique<State>()) { ::inflateInit2(&state_->stream, kWindowBits + kGzipFormat); }
Gunzip::~Gunzip() { ::inflateEnd(&state_->stream); }

Status Gunzip::feed(std::string_view bytes, std::string& out) {
  z_stream& stream = state_->stream;
  stream.next_in = as_bytes(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  char block[65536];
  while (!state_->done && stream.avail_in > 0) {
    stream.next_out = reinterpret_cast<Bytef*>(block);
    stream.avail_out = sizeof block;
    const int result = ::inflate(&stream, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      return Error(Code::kInvalidArgument, "the body is not gzip");
    out.append(block, sizeof block - stream.avail_out);
    if (result == Z_STREAM_END) state_->done = true;
  }
  while (!state_->done && stream.avail_out == 0) {  // a full block may leave output behind
    stream.next_out = reinterpret_cast<Bytef*>(block);
    stream.avail_out = sizeof block;
    const int result = ::inflate(&stream, Z_NO_FLUSH);
    out.append(block, sizeof block - stream.avail_out);
    if (result == Z_STREAM_END) state_->done = true;
    if (result != Z_OK) break;
  }
  return {};
}

Status Gunzip::finish() const {
  if (state_->done) return {};
  return Error(Code::kInvalidArgument, "the gzip body ends too early");
}

struct Gzip::State {
  z_stream stream{};
};

Gzip::Gzip() : state_(std::make_unique<State>()) {
  ::deflateInit2(&state_->stream, Z_BEST_SPEED, Z_DEFLATED, kWindowBits + kGzipFormat, 8, Z_DEFAULT_STRATEGY);
}
Gzip::~Gzip() { ::deflateEnd(&state_->stream); }

void Gzip::feed(std::string_view bytes, bool last, std::string& out) {
  z_stream& stream = state_->stream;
  stream.next_in = as_bytes(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  char block[65536];
  do {
    stream.next_out = reinterpret_cast<Bytef*>(block);
    stream.avail_out = sizeof block;
    ::deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
    out.append(block, sizeof block - stream.avail_out);
  } while (stream.avail_out == 0);
}

}  // namespace osiris::e2b_server

#include "plugins/e2b/api/connect_codec.h"

namespace osiris::e2b {
namespace {

constexpr size_t kHeadBytes = 5;
constexpr unsigned char kCompressed = 0x01;
constexpr unsigned char kEndOfStream = 0x02;

}  // namespace

std::string encode_envelope(std::string_view payload) {
  std::string out;
  out.reserve(kHeadBytes + payload.size());
  out += '\0';
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((payload.size() >> shift) & 0xff);
  out += payload;
  return out;
}

void EnvelopeDecoder::feed(std::string_view bytes) {
  if (offset_ > 0 && offset_ == buffer_.size()) {
    buffer_.clear();
    offset_ = 0;
  } else if (offset_ > (1u << 20)) {
    buffer_.erase(0, offset_);
    offset_ = 0;
  }
  buffer_ += bytes;
}

Result<std::optional<Envelope>> EnvelopeDecoder::next() {
  const std::string_view rest = std::string_view(buffer_).substr(offset_);
  if (ended_ && !rest.empty()) return Error(Code::kUnavailable, "bytes after the end of a Connect stream");
  if (rest.size() < kHeadBytes) return std::optional<Envelope>();
  const auto flags = static_cast<unsigned char>(rest[0]);
  size_t length = 0;
  for (size_t i = 1; i < kHeadBytes; ++i) length = (length << 8) | static_cast<unsigned char>(rest[i]);
  if (flags & kCompressed) return Error(Code::kUnavailable, "a compressed Connect envelope, which was not asked for");
  if (flags & ~kEndOfStream)
    return Error(Code::kUnavailable, "a Connect envelope with unknown flags " + std::to_string(flags));
  if (length > kEnvelopeBytesMax)
    return Error(Code::kUnavailable, "a Connect envelope of " + std::to_string(length) + " bytes");
  if (rest.size() < kHeadBytes + length) return std::optional<Envelope>();
  Envelope envelope;
  envelope.end_of_stream = (flags & kEndOfStream) != 0;
  envelope.payload = std::string(rest.substr(kHeadBytes, length));
  offset_ += kHeadBytes + length;
  ended_ = envelope.end_of_stream;
  return std::optional<Envelope>(std::move(envelope));
}

}  // namespace osiris::e2b

// The envelopes of Connect's streaming protocol (connectrpc.com, "Streaming RPCs"): five bytes of head, one of flags
// and four of length (big-endian), then the payload. Bytes in, envelopes out; no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/error.h"

namespace osiris::e2b {

inline constexpr size_t kEnvelopeBytesMax = 64u << 20;

struct Envelope {
  bool end_of_stream = false;
  std::string payload;
};

std::string encode_envelope(std::string_view payload);

class EnvelopeDecoder {
 public:
  void feed(std::string_view bytes);
  // The next whole envelope; nullopt while more bytes are needed. An error (too large, compressed although we did not
  // ask for it, bytes after the end) is final.
  Result<std::optional<Envelope>> next();
  // Bytes of an envelope that never became whole.
  bool has_partial() const { return offset_ < buffer_.size(); }

 private:
  std::string buffer_;
  size_t offset_ = 0;
  bool ended_ = false;
};

}  // namespace osiris::e2b

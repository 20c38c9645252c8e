// The bytes of the worker protocol (docs/worker-protocol.md, "Frames"): bytes in, frames out. No I/O and no threads
// here; a FrameParser may be fed in pieces of any size, from any source, hostile ones included, and holds at most one
// frame.
//
//   {"id":"req_1",...}\n        a message: a JSON object on one line
//   @5\nhello\n                 a blob: its length in decimal, then its bytes
//
// Whatever is neither is garbage. Each garbage line is reported once with its first bytes; the parser then goes on at
// the next line, so a library that prints to the wrong stream costs a line of log and not the run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::rpc {

inline constexpr size_t kMessageBytesMax = size_t{64} << 20;  // without the newline
inline constexpr size_t kBlobBytesMax = size_t{64} << 20;
inline constexpr size_t kRelationBlobBytes = size_t{16} << 20;  // pieces a relation is sent in
inline constexpr size_t kGarbageExcerptBytes = 120;

struct Frame {
  enum class Kind { kMessage, kBlob, kGarbage };
  Kind kind = Kind::kGarbage;
  Json message;             // kMessage: always an object
  std::string bytes;        // kBlob: its bytes. kGarbage: the first kGarbageExcerptBytes, which may be any bytes
  uint64_t size_bytes = 0;  // of the whole line or blob
  std::string reason;       // kGarbage: why
};

class FrameParser {
 public:
  FrameParser() = default;
  // Smaller limits, for tests.
  FrameParser(size_t message_bytes_max, size_t blob_bytes_max)
      : message_bytes_max_(message_bytes_max), blob_bytes_max_(blob_bytes_max) {}

  // Takes a copy of the bytes. Call next() until it is empty before feeding more, or the buffer grows.
  void feed(std::string_view bytes);
  // The next whole frame, or nothing until more bytes come.
  std::optional<Frame> next();
  // At the end of the stream: what was begun and never ended, as garbage. The parser is then as new.
  std::optional<Frame> finish();
  // Forgets everything, as when a stream is opened again.
  void reset();
  // Bytes held back for a frame that is not whole yet.
  size_t buffered_bytes() const { return buffer_.size() - start_; }
  // Overwrites bytes already handed out, for a receiver of secrets. Costs a pass over the buffer.
  void wipe_consumed();

 private:
  enum class State { kLine, kSkipLine, kBlob };

  std::optional<Frame> take_line();
  std::optional<Frame> take_blob();
  std::optional<Frame> take_skipped();
  std::optional<Frame> read_line(std::string_view line);
  // The rest of the current line is garbage, whose first bytes stand at the front of the buffer.
  void skip_line(std::string reason);
  void consume(size_t count);

  size_t message_bytes_max_ = kMessageBytesMax;
  size_t blob_bytes_max_ = kBlobBytesMax;
  std::string buffer_;
  size_t start_ = 0;    // bytes of buffer_ before it are consumed
  size_t scanned_ = 0;  // bytes after start_ known to hold no newline
  State state_ = State::kLine;
  size_t blob_bytes_ = 0;
  Frame garbage_;  // collected while skipping
};

// One line with its newline. kExhausted when it is longer than a message may be.
Result<std::string> encode_message(const Json& message);
// "@LEN\n" + bytes + "\n". kExhausted when it is longer than a blob may be.
Result<std::string> encode_blob(std::string_view bytes);
// The "@LEN\n" before a blob's bytes, for senders that stream them; a "\n" follows the bytes.
std::string blob_header(size_t size_bytes);

// The excerpt of garbage as printable ASCII, other bytes as \xNN.
std::string printable(std::string_view bytes);

}  // namespace osiris::rpc

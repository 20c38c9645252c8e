#include "protocol/rpc/frames.h"

#include <algorithm>
#include <cstring>

#include "protocol/base/text.h"
#include "protocol/base/wipe.h"

namespace osiris::rpc {
namespace {

constexpr size_t kBlobHeaderBytesMax = 20;  // '@' and the digits of any length

// Consumed bytes are dropped once they outweigh what is left, so that each byte is moved at most once on average.
constexpr size_t kCompactBytes = size_t{64} << 10;

std::optional<size_t> parse_length(std::string_view digits, size_t max) {
  if (digits.empty() || digits.size() >= kBlobHeaderBytesMax) return std::nullopt;
  uint64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
    if (value > max) return std::nullopt;
  }
  return static_cast<size_t>(value);
}

Error too_long(std::string_view what, size_t size, size_t max) {
  return Error(Code::kExhausted, "a " + std::string(what) + " of " + std::to_string(size) +
                                     " bytes does not fit the worker protocol, whose limit is " + std::to_string(max));
}

}  // namespace

void FrameParser::feed(std::string_view bytes) {
  if (start_ >= kCompactBytes && start_ >= buffer_.size() - start_) {
    buffer_.erase(0, start_);
    start_ = 0;
  }
  buffer_.append(bytes);
}

std::optional<Frame> FrameParser::next() {
  while (buffered_bytes() > 0) {
    const State before = state_;
    std::optional<Frame> frame;
    switch (state_) {
      case State::kLine:
        frame = take_line();
        break;
      case State::kSkipLine:
        frame = take_skipped();
        break;
      case State::kBlob:
        frame = take_blob();
        break;
    }
    if (frame) return frame;
    if (state_ == before) break;  // waits for more bytes
  }
  return std::nullopt;
}

std::optional<Frame> FrameParser::take_line() {
  while (buffered_bytes() > 0) {
    const char first = buffer_[start_];
    if (first == '\n') {
      consume(1);
      continue;
    }
    if (first != '{' && first != '@') {
      skip_line("not a message: it begins neither with '{' nor with '@'");
      return std::nullopt;
    }
    const size_t limit = first == '{' ? message_bytes_max_ : kBlobHeaderBytesMax;
    const size_t end = buffer_.find('\n', start_ + scanned_);
    const size_t length = (end == std::string::npos ? buffer_.size() : end) - start_;
    if (length > limit) {
      skip_line(first == '{' ? "message longer than " + std::to_string(limit) + " bytes" : "not the length of a blob");
      return std::nullopt;
    }
    if (end == std::string::npos) {
      scanned_ = length;
      return std::nullopt;
    }
    return read_line(std::string_view(buffer_).substr(start_, length));
  }
  return std::nullopt;
}

std::optional<Frame> FrameParser::read_line(std::string_view line) {
  if (line.front() == '@') {
    const auto length = parse_length(line.substr(1), blob_bytes_max_);
    if (!length) {
      skip_line("not the length of a blob, or one over " + std::to_string(blob_bytes_max_) + " bytes");
      return std::nullopt;
    }
    consume(line.size() + 1);
    blob_bytes_ = *length;
    state_ = State::kBlob;
    return std::nullopt;
  }
  Result<Json> parsed = parse_json(line);
  if (!parsed || !parsed->is_object()) {
    skip_line(parsed ? "not a JSON object" : parsed.error().message);
    return std::nullopt;
  }
  Frame frame;
  frame.kind = Frame::Kind::kMessage;
  frame.message = *std::move(parsed);
  frame.size_bytes = line.size();
  consume(line.size() + 1);
  return frame;
}

std::optional<Frame> FrameParser::take_blob() {
  if (buffered_bytes() <= blob_bytes_) return std::nullopt;
  if (buffer_[start_ + blob_bytes_] != '\n') {
    // Its length was wrong: what follows cannot be trusted up to the next line end.
    skip_line("blob of " + std::to_string(blob_bytes_) + " bytes without its line end");
    garbage_.bytes.assign(buffer_, start_, std::min(blob_bytes_, kGarbageExcerptBytes));
    garbage_.size_bytes = blob_bytes_;
    consume(blob_bytes_);
    return std::nullopt;
  }
  Frame frame;
  frame.kind = Frame::Kind::kBlob;
  frame.bytes.assign(buffer_, start_, blob_bytes_);
  frame.size_bytes = blob_bytes_;
  consume(blob_bytes_ + 1);
  state_ = State::kLine;
  return frame;
}

std::optional<Frame> FrameParser::take_skipped() {
  const size_t end = buffer_.find('\n', start_);
  const size_t length = (end == std::string::npos ? buffer_.size() : end) - start_;
  const size_t room = kGarbageExcerptBytes - std::min(kGarbageExcerptBytes, garbage_.bytes.size());
  garbage_.bytes.append(buffer_, start_, std::min(length, room));
  garbage_.size_bytes += length;
  consume(length + (end == std::string::npos ? 0 : 1));
  if (end == std::string::npos) return std::nullopt;
  state_ = State::kLine;
  return std::move(garbage_);
}

std::optional<Frame> FrameParser::finish() {
  std::optional<Frame> frame;
  if (state_ == State::kSkipLine) {
    frame = std::move(garbage_);
  } else if (buffered_bytes() > 0 || state_ == State::kBlob) {
    frame.emplace();
    frame->bytes.assign(buffer_, start_, kGarbageExcerptBytes);
    frame->size_bytes = buffered_bytes();
    frame->reason = state_ == State::kBlob ? "the stream ended inside a blob" : "the stream ended inside a line";
  }
  reset();
  return frame;
}

void FrameParser::reset() {
  buffer_.clear();
  start_ = scanned_ = blob_bytes_ = 0;
  state_ = State::kLine;
  garbage_ = Frame();
}

void FrameParser::wipe_consumed() {
  // The bytes beyond size() may hold older ones that the buffer has since moved down.
  const size_t size = buffer_.size();
  wipe(buffer_.data(), start_);
  const size_t capacity = buffer_.capacity();
  buffer_.resize(capacity);
  wipe(buffer_.data() + size, capacity - size);
  buffer_.resize(size);
}

void FrameParser::skip_line(std::string reason) {
  garbage_ = Frame();
  garbage_.reason = std::move(reason);
  state_ = State::kSkipLine;
  scanned_ = 0;
}

void FrameParser::consume(size_t count) {
  start_ += count;
  scanned_ = 0;
  if (start_ == buffer_.size()) {
    buffer_.clear();
    start_ = 0;
  }
}

Result<std::string> encode_message(const Json& message) {
  std::string line = message.dump();
  if (line.size() > kMessageBytesMax) return too_long("message", line.size(), kMessageBytesMax);
  line.push_back('\n');
  return line;
}

std::string blob_header(size_t size_bytes) { return "@" + std::to_string(size_bytes) + "\n"; }

Result<std::string> encode_blob(std::string_view bytes) {
  if (bytes.size() > kBlobBytesMax) return too_long("blob", bytes.size(), kBlobBytesMax);
  std::string frame = blob_header(bytes.size());
  frame.append(bytes);
  frame.push_back('\n');
  return frame;
}

std::string printable(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      text.push_back(c);
    } else {
      text += "\\x" + to_hex({&c, 1});
    }
  }
  return text;
}

}  // namespace osiris::rpc

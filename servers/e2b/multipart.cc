#include "servers/e2b/multipart.h"

#include <algorithm>

#include "protocol/base/text.h"

namespace osiris::e2b_server {
namespace {

constexpr size_t kHeadersMaxBytes = 64 * 1024;

Error malformed(const char* why) {
  return Error(Code::kInvalidArgument, std::string("malformed multipart body: ") + why);
}

// The quoted (or bare) value of `key` in a header's parameters.
std::string parameter(std::string_view header, std::string_view key) {
  const std::string wanted = std::string(key) + "=";
  for (size_t at = header.find(wanted); at != std::string_view::npos; at = header.find(wanted, at + 1)) {
    const char before = at == 0 ? ' ' : header[at - 1];
    if (before != ' ' && before != ';') continue;
    std::string_view rest = header.substr(at + wanted.size());
    if (!rest.starts_with('"')) return std::string(trim(rest.substr(0, rest.find(';'))));
    rest.remove_prefix(1);
    return std::string(rest.substr(0, rest.find('"')));
  }
  return {};
}

}  // namespace

MultipartReader::MultipartReader(std::string_view boundary, Sink sink)
    : delimiter_("\r\n--" + std::string(boundary)), sink_(std::move(sink)) {}

std::string MultipartReader::boundary_of(std::string_view content_type) {
  if (!ascii_lower(std::string(content_type)).starts_with("multipart/form-data")) return {};
  return parameter(content_type, "boundary");
}

Status MultipartReader::feed(std::string_view bytes) {
  buffer_ += bytes;
  while (true) {
    OSIRIS_ASSIGN(const bool more, step());
    if (!more) return {};
  }
}

// One transition. False: more bytes are needed.
Result<bool> MultipartReader::step() {
  switch (state_) {
    case State::kPreamble:
    case State::kContent: {
      const size_t at = buffer_.find(delimiter_);
      const size_t safe =
          at != std::string::npos ? at : buffer_.size() - std::min(buffer_.size(), delimiter_.size() - 1);
      if (state_ == State::kContent && safe > 0) OSIRIS_TRY(sink_.data(std::string_view(buffer_).substr(0, safe)));
      buffer_.erase(0, safe);
      if (at == std::string::npos) return false;
      buffer_.erase(0, delimiter_.size());
      if (state_ == State::kContent) OSIRIS_TRY(sink_.end());
      state_ = State::kAfterBoundary;
      return true;
    }
    case State::kAfterBoundary: {
      if (buffer_.size() < 2) return false;
      if (buffer_.starts_with("--")) {
        state_ = State::kEpilogue;
        return true;
      }
      const size_t end = buffer_.find("\r\n");
      if (end == std::string::npos && buffer_.size() > kHeadersMaxBytes)
        return malformed("a boundary's line never ends");
      if (end == std::string::npos) return false;
      buffer_.erase(0, end + 2);
      state_ = State::kHeaders;
      return true;
    }
    case State::kHeaders: {
      const size_t end = buffer_.starts_with("\r\n") ? 0 : buffer_.find("\r\n\r\n");
      if (end == std::string::npos && buffer_.size() > kHeadersMaxBytes) return malformed("a part's headers never end");
      if (end == std::string::npos) return false;
      std::string name, filename;
      for (const std::string& line : split(std::string_view(buffer_).substr(0, end), '\n')) {
        if (!ascii_lower(line.substr(0, line.find(':'))).starts_with("content-disposition")) continue;
        name = parameter(trim(line), "name");
        filename = parameter(trim(line), "filename");
      }
      buffer_.erase(0, end == 0 ? 2 : end + 4);
      OSIRIS_TRY(sink_.begin(name, filename));
      state_ = State::kContent;
      return true;
    }
    case State::kEpilogue:
      buffer_.clear();
      return false;
  }
  return false;
}

Status MultipartReader::finish() const {
  if (state_ == State::kEpilogue) return {};
  return malformed("it ends before its closing boundary");
}

}  // namespace osiris::e2b_server

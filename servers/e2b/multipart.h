// multipart/form-data as a stream: bytes in, parts out; a part's content is passed on as it comes.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "protocol/base/error.h"

namespace osiris::e2b_server {

class MultipartReader {
 public:
  struct Sink {
    // Name and file name as given (raw UTF-8, %22 not undone).
    std::function<Status(const std::string& name, const std::string& filename)> begin;
    std::function<Status(std::string_view bytes)> data;
    std::function<Status()> end;
  };

  MultipartReader(std::string_view boundary, Sink sink);
  Status feed(std::string_view bytes);
  // kInvalidArgument unless the closing boundary has been seen.
  Status finish() const;

  // "multipart/form-data; boundary=x" -> "x"; empty when there is none.
  static std::string boundary_of(std::string_view content_type);

 private:
  enum class State { kPreamble, kHeaders, kContent, kAfterBoundary, kEpilogue };
  Result<bool> step();

  const std::string delimiter_;  // "\r\n--boundary"
  const Sink sink_;
  State state_ = State::kPreamble;
  std::string buffer_ = "\r\n";  // so that the first boundary needs no case of its own
};

}  // namespace osiris::e2b_server

// What a relay is told on its stdin: a header, one line of JSON, and the bytes that it announces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::worker {

// Views are of the input's own buffer, until the next call.
struct RelayMessage {
  uint64_t run = 0;
  Json header;
  std::string_view package;  // the archive, where it comes with the message
  std::string_view input;    // for the worker's stdin: its opening, or what comes later
};

// Bytes in, messages out. What was taken is overwritten: it may hold secrets.
class RelayInput {
 public:
  RelayInput();
  ~RelayInput();
  RelayInput(const RelayInput&) = delete;
  RelayInput& operator=(const RelayInput&) = delete;

  // Where the next bytes go, and how many came.
  char* room() { return bytes_.data() + size_; }
  size_t room_size() const { return bytes_.size() - size_; }
  void came(size_t count) { size_ += count; }
  // The next whole message; nothing until more bytes come; an error: what comes makes no sense.
  Result<std::optional<RelayMessage>> next();

 private:
  void drop_taken();
  void grow_to(size_t size);

  std::string bytes_;  // all of it is room
  size_t size_ = 0;    // that are there
  size_t taken_ = 0;   // of these, by the last message
};

}  // namespace osiris::worker

// Bytes of an encoding to UTF-8, streaming. Own code because a static glibc has no iconv tables. No I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/utf8.h"
#include "worker/drivers/csv/format.h"

namespace osiris::worker::csv {

using csv_format::Encoding;

// The offset of the first byte that is not part of a valid UTF-8 character; npos when there is none. A character cut
// off by the end of `bytes` is invalid at its first byte.
size_t find_invalid_utf8(std::string_view bytes);

class Decoder {
 public:
  // `name` is how the pipeline spells the encoding, for messages.
  Decoder(Encoding encoding, std::string name) : encoding_(encoding), name_(std::move(name)) {}

  // Appends the text of `bytes` to `utf8`. A character cut at the end waits for the next call. A byte order mark at the
  // start is dropped; UTF-16 without one is little-endian. kInvalidArgument names the byte, its offset and its line.
  Status decode(std::string_view bytes, std::string& utf8);
  // The end of the input: a character that is still incomplete is an error.
  Status finish();
  // Empty, or what is odd about text that was decoded all the same: Windows' characters read as latin-1.
  const std::string& doubt() const { return doubt_; }

 private:
  Status decode_utf8(std::string_view bytes, std::string& utf8);
  Status decode_utf16(std::string_view bytes, std::string& utf8);
  Error invalid(uint64_t offset, unsigned char byte, std::string_view why, std::string_view text_before) const;
  void count(std::string_view text);
  void doubt_latin1(std::string_view bytes);

  Encoding encoding_;
  std::string name_;
  std::string held_;     // an incomplete character, at most 3 bytes
  uint64_t offset_ = 0;  // of the byte after held_
  uint64_t line_ = 1;
  bool started_ = false;  // the byte order mark has been dealt with
  bool big_endian_ = false;
  std::string doubt_;
};

}  // namespace osiris::worker::csv

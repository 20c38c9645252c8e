// The Connect protocol with its JSON codec: envelopes, error codes and the two shapes of a call.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "servers/e2b/http.h"

namespace osiris::e2b_server {

inline constexpr uint8_t kEndOfStream = 0x02;

// One flag byte, four bytes of length (big endian), the payload.
std::string envelope(uint8_t flags, std::string_view payload);

struct Envelope {
  uint8_t flags = 0;
  std::string payload;
};

// Bytes in, envelopes out; holds a partial one until the rest has come.
class EnvelopeReader {
 public:
  void feed(std::string_view bytes) { buffer_ += bytes; }
  // nullopt: more bytes are needed. kExhausted: longer than 64 MiB.
  Result<std::optional<Envelope>> next();
  bool is_empty() const { return buffer_.empty(); }

 private:
  std::string buffer_;
};

// 404 for "not_found", ...; 500 for what it does not know.
int http_status_of(std::string_view connect_code);

void respond_connect_error(Exchange& exchange, std::string_view code, std::string_view message);
// {} or {"error":{"code","message"}} in the last envelope.
std::string end_of_stream();
std::string end_of_stream(std::string_view code, std::string_view message);
bool begin_connect_stream(Exchange& exchange);
// A stream that is nothing but its error: what a refused streaming call is answered with.
void fail_connect_stream(Exchange& exchange, std::string_view code, std::string_view message);

// A unary call's message. Answers the call itself and returns nullopt when the content type, the body or the JSON is
// wrong.
std::optional<Json> read_unary(Exchange& exchange);
// Whether the request's content type is a stream's; answers 415 itself otherwise.
bool is_connect_stream(Exchange& exchange);
bool has_stream_type(const Request& request);
// A server stream's single envelope; as above.
std::optional<Json> read_stream_request(Exchange& exchange);

// A field by its lowerCamelCase or snake_case name.
const Json& field(const Json& message, std::string_view camel, std::string_view snake);
// int64 and enums arrive as numbers or strings.
int64_t integer(const Json& value, int64_t fallback = 0);
// Standard or URL-safe, padded or not.
std::optional<std::string> decode_bytes(const Json& value);

}  // namespace osiris::e2b_server

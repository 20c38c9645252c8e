// What the rest of the server sees of HTTP: one request, and the exchange that answers it. http_server.cc implements
// Exchange on a real connection; shaped_exchange.cc wraps one to add latency, bandwidth and faults.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::e2b_server {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Request {
  uint64_t connection = 0;  // the n-th connection of this server
  std::string method;
  std::string target;  // as sent
  std::string path;    // percent-decoded, without query
  Pairs query;         // decoded once
  Pairs headers;       // names in lower case

  // nullopt when absent; the first one when repeated.
  std::optional<std::string> header(std::string_view lower_name) const;
  std::optional<std::string> query_value(std::string_view key) const;
};

// Where an answer breaks off: inside the status line; behind it; inside a header; inside the size of a chunk; inside
// the trailer.
enum class CutAt { kStatusLine, kHeaders, kHeader, kChunkSize, kTrailer };

enum class Wake { kEvent, kTimeout, kClientGone };

// One request and its answer. Used by the connection's thread only. Either respond() once, or begin_stream(),
// write() any number of times and end_stream(); or abort() at any moment.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const Request& request() const = 0;

  // The next piece of the request body; 0 at its end; an error when the client broke off.
  virtual Result<size_t> read_body(char* out, size_t capacity_bytes) = 0;

  // Goes with whatever answer is given.
  virtual void add_header(const std::string& name, const std::string& value) = 0;
  virtual void respond(int status, const Pairs& headers, std::string_view body) = 0;
  // Without length_bytes the body is chunked. False: the client is gone.
  virtual bool begin_stream(int status, const Pairs& headers, std::optional<uint64_t> length_bytes) = 0;
  virtual bool write(std::string_view bytes) = 0;
  virtual void end_stream() = 0;
  // Closes the connection with a TCP reset.
  virtual void abort() = 0;
  // The answer breaks off where it next comes to this point, and the connection is closed, in order or by a reset. The
  // last two need a chunked answer.
  virtual void cut(CutAt at, bool resets) = 0;

  // The next write carries what happened at this moment: an injected delay counts from it, not from the write.
  virtual void set_event_time(std::chrono::steady_clock::time_point) {}

  // Waits until `event_fd` is readable, the client has closed, or the time is over.
  virtual Wake wait(int event_fd, std::chrono::milliseconds timeout) = 0;

  // Answers itself when the body is malformed (400) or too large (413).
  Result<std::string> read_body_all(size_t max_bytes = 16u << 20);
  void respond_json(int status, const Json& body);
  // The error body of the control plane and of envd's REST half: {"code":<status>,"message":...}.
  void respond_error(int status, std::string_view message);
};

// "a=1&b=%20": decodes both sides; '+' is a space.
Pairs parse_form(std::string_view text);
std::string percent_decode(std::string_view text, bool plus_is_space = false);
const char* reason_phrase(int status);
// "inline; filename=..." for any name a file can have (RFC 6266).
std::string content_disposition(std::string_view filename);
// By the name's end; application/octet-stream when that says nothing.
std::string content_type_of(std::string_view path);

}  // namespace osiris::e2b_server

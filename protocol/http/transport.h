// HTTP as the project needs it: many exchanges at once over reused connections, bodies that stream both ways, and
// errors that say whether the other side can have seen the request. curl_transport.cc is the one that talks to a
// network; retry.h wraps any transport.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/error.h"

namespace osiris::http {

using Milliseconds = std::chrono::milliseconds;

class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> entries) : entries_(entries) {}
  void add(std::string name, std::string value) { entries_.emplace_back(std::move(name), std::move(value)); }
  // Names compare without case; the first one wins. Empty when absent.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& entries() const { return entries_; }

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

// A bounded pipe between the thread that makes a request body and the transport that sends it.
class BodyPipe {
 public:
  explicit BodyPipe(size_t capacity_bytes = 1 << 20) : capacity_bytes_(capacity_bytes) {}

  // Producer. Blocks while full; false once the reading end is gone (the exchange ended), so stop producing. Large
  // pieces are not copied into the pipe: the call returns when the reader has taken them.
  bool write(std::string_view bytes);
  // Producer. No more bytes follow; with an error the request is aborted instead of completed.
  void close();
  void fail(Error error);

  // Transport. Copies up to `capacity` bytes; kAgain while empty, kEnd after close(), kFailed after fail().
  enum class Read { kBytes, kAgain, kEnd, kFailed };
  Read read(char* into, size_t capacity, size_t* count);
  // The same for a reader that may wait: never kAgain.
  Read read_wait(char* into, size_t capacity, size_t* count);
  void abandon();
  // Called (by the producer's thread) whenever bytes or the end arrive after the pipe was empty.
  void on_readable(std::function<void()> notify);
  std::optional<Error> failure() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable news_;
  bool lend(std::string_view bytes);
  size_t held() const { return buffer_.size() - offset_; }  // not yet read; under mutex_

  std::string buffer_;
  size_t offset_ = 0;
  std::string_view lent_;  // a producer's, which waits; read after the buffer
  size_t capacity_bytes_;
  bool closed_ = false;
  bool abandoned_ = false;
  std::optional<Error> failure_;
  std::function<void()> notify_;
};

struct Timeouts {
  Milliseconds connect{10'000};
  Milliseconds idle{60'000};  // no byte in either direction for this long; 0: none
  Milliseconds total{0};      // the whole exchange; 0: none
};

struct Response {
  int status = 0;
  Headers headers;
  std::string body;
  uint64_t bytes_sent = 0;      // body bytes; this and the next once the whole body was read
  uint64_t bytes_received = 0;  // body bytes on the wire
  int attempts = 1;
};

struct Request {
  std::string method = "GET";
  std::string url;
  Headers headers;
  std::string body;  // sent with Content-Length
  std::shared_ptr<BodyPipe>
      body_stream;  // instead of `body`: sent chunked, or with body_stream_bytes as Content-Length
  int64_t body_stream_bytes = -1;
  Timeouts timeouts;
  size_t buffered_bytes_max = 4u << 20;  // of the reply, held for a slow reader before its transfer pauses
  // May this be sent twice without harm? GET, HEAD, PUT and DELETE are; a POST only if its sender says so.
  bool idempotent = false;
  // Beside 429: whether the server says by this answer that it did not act, and may later. Null: by none.
  bool (*is_refusal)(const Response&) = nullptr;
  bool wants_new_connection = false;  // not one that earlier requests have used
  std::string label;                  // what this call is, for messages: "create sandbox"
  bool has_secrets = false;           // each copy of `body` is wiped when it is no longer needed, and no log shows it

  Request() = default;
  Request(const Request&) = default;
  Request(Request&&) = default;
  Request& operator=(const Request&) = default;
  Request& operator=(Request&&) = default;
  ~Request();
};

bool is_idempotent(const Request& request);

// Why an exchange brought no response, beside its Error.
struct Failure {
  Error error;
  bool reached_server = true;  // false: refused, unresolved or not connected; the request cannot have had an effect
  int attempts = 1;
};

// One exchange under way. Reads may come from one thread at a time; cancel() from any.
class Exchange {
 public:
  virtual ~Exchange() = default;  // cancels what is still under way

  // Status and headers; blocks until they are here. The reference lives as long as the exchange.
  virtual Result<const Response*> head() = 0;
  // The next bytes of the body: empty at its end. kDeadline after `wait` without a byte (the exchange goes on);
  // kUnavailable when the connection broke, kCancelled after cancel().
  virtual Result<std::string> read(Milliseconds wait) = 0;
  virtual void cancel() = 0;
  virtual bool reached_server() const = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // [any thread] Starts an exchange and returns at once.
  virtual std::unique_ptr<Exchange> open(Request request) = 0;
};

// Runs an exchange to its end, keeping at most max_body_bytes (more is kExhausted). `cancelled` is polled while
// waiting.
struct SendOptions {
  size_t max_body_bytes = 64u << 20;
  // Takes the body of an answer with status 2xx as it comes, where it is set; Response::body is empty then. `at`: the
  // bytes before these. An error ends the exchange and is its failure.
  std::function<Status(const Response& head, uint64_t at, std::string_view bytes)> sink;
  std::function<void()> opened;  // called once the exchange is under way: what is opened by it takes another connection
  const std::atomic<bool>* cancelled = nullptr;
  // How long a cancelled exchange may still go on. For a request whose effect has to be known to be undone.
  Milliseconds cancel_grace{0};
};
struct ExchangeResult {
  std::optional<Response> response;
  std::optional<Failure> failure;
};
ExchangeResult send(Transport& transport, const Request& request, const SendOptions& options = {});

}  // namespace osiris::http

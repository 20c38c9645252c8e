// A transport without a network: what was asked is kept, and each exchange is answered by the test, at once and in
// full. For what code makes of answers; how bytes travel is tested against real servers (scripted_server.h).
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/http/transport.h"

namespace osiris::http {

// How one exchange goes.
struct FakeAnswer {
  int status = 200;
  std::string body = {};
  bool breaks = false;  // the connection breaks after the body
  Headers headers = {};
  std::optional<Error> fails = std::nullopt;  // no answer comes at all, for this reason
  bool reached = true;                        // ... although the request arrived

  static FakeAnswer json(int status, std::string text) {
    return {.status = status, .body = std::move(text), .headers = {{"Content-Type", "application/json"}}};
  }
  static FakeAnswer lost() { return {.fails = Error(Code::kUnavailable, "connection reset", "", "connection.failed")}; }
  static FakeAnswer refused() {
    return {.fails = Error(Code::kUnavailable, "connection refused", "", "connection.failed"), .reached = false};
  }
};

class FakeExchange : public Exchange {
 public:
  explicit FakeExchange(FakeAnswer answer) : answer_(std::move(answer)) {
    response_.status = answer_.status;
    response_.headers = answer_.headers;
  }
  Result<const Response*> head() override {
    if (answer_.fails) return *answer_.fails;
    return static_cast<const Response*>(&response_);
  }
  Result<std::string> read(Milliseconds) override {
    if (cancelled_) return Error(Code::kCancelled, "cancelled");
    if (answer_.fails) return *answer_.fails;
    if (!answer_.body.empty()) return std::exchange(answer_.body, {});
    if (answer_.breaks) return Error(Code::kUnavailable, "connection reset", "", "connection.failed");
    return std::string();
  }
  void cancel() override { cancelled_ = true; }
  bool reached_server() const override { return answer_.reached; }

 private:
  FakeAnswer answer_;
  Response response_;
  std::atomic<bool> cancelled_{false};
};

// [any thread]
class FakeTransport : public Transport {
 public:
  // In the order of the requests; then `otherwise`.
  std::deque<FakeAnswer> answers;
  FakeAnswer otherwise{.status = 404};
  // Instead of both, if set.
  std::function<FakeAnswer(const Request&)> handler;
  // Everything that was asked; a streamed body is in `body`.
  std::vector<Request> requests;

  std::unique_ptr<Exchange> open(Request request) override {
    if (request.body_stream) request.body = drained(*request.body_stream);
    const std::lock_guard lock(mutex_);
    requests.push_back(request);
    if (handler) return std::make_unique<FakeExchange>(handler(request));
    if (answers.empty()) return std::make_unique<FakeExchange>(otherwise);
    FakeAnswer answer = std::move(answers.front());
    answers.pop_front();
    return std::make_unique<FakeExchange>(std::move(answer));
  }

  // "POST https://api.test/v2/sandboxes", in order.
  std::vector<std::string> calls() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    for (const Request& request : requests) out.push_back(request.method + " " + request.url);
    return out;
  }

 private:
  static std::string drained(BodyPipe& pipe) {
    std::string body;
    std::string block(size_t{64} << 10, '\0');
    for (size_t count = 0; pipe.read_wait(block.data(), block.size(), &count) == BodyPipe::Read::kBytes;)
      body.append(block, 0, count);
    return body;
  }

  mutable std::mutex mutex_;
};

}  // namespace osiris::http

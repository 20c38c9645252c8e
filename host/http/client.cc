#include "host/http/client.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <utility>

#include "host/http/frames.h"
#include "protocol/base/categories.h"
#include "protocol/base/subprocess.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "protocol/base/wipe.h"

namespace osiris::http {
namespace {

using std::chrono::steady_clock;

constexpr Milliseconds kSlice{50};       // between two looks at whether the exchange was cancelled
constexpr Milliseconds kOverdue{2'000};  // beyond a request's own limit
constexpr Milliseconds kEnding{2'000};

}  // namespace

class Client::Program {
 public:
  static Result<std::unique_ptr<Program>> start(const ClientOptions& options) {
    SpawnOptions spawn;
    spawn.arguments = {options.program.string()};
    auto process = Subprocess::spawn(spawn);
    if (!process.ok()) {
      Error error = process.error();
      error.hint = "it is installed with osiris; install it again";
      return error;
    }
    auto self = std::make_unique<Program>(*std::move(process));
    self->unsent_ = to_bytes(options_frame(options.curl));
    return self;
  }
  explicit Program(Subprocess process) : process_(std::move(process)) {}

  void ask(const Request& request) {
    Frame frame = request_frame(request);
    std::string bytes = unsent_ + to_bytes(frame);
    for (std::string& text : frame) wipe(text);
    wipe(unsent_);
    unsent_ = std::move(bytes);
  }

  // Moves bytes for at most `wait`. The answer; nullopt: not yet. An error: the program is of no use any more.
  Result<std::optional<ExchangeResult>> pump(Milliseconds wait) {
    pollfd streams[] = {{process_.stdout_fd(), POLLIN, 0},
                        {unsent_.size() > sent_ ? process_.stdin_fd() : -1, POLLOUT, 0}};
    ::poll(streams, 2, static_cast<int>(wait.count()));
    if (streams[1].revents != 0 && !send_some()) return ended();
    if (streams[0].revents == 0) return std::optional<ExchangeResult>();
    char block[size_t{64} << 10];
    const ssize_t got = ::read(process_.stdout_fd(), block, sizeof block);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return ended();
    if (got > 0) received_.append(block, static_cast<size_t>(got));
    OSIRIS_ASSIGN(const std::optional<Frame> frame, take_frame(received_));
    if (!frame) return std::optional<ExchangeResult>();
    OSIRIS_ASSIGN(ExchangeResult result, result_of(*frame));
    return std::optional(std::move(result));
  }

 private:
  bool send_some() {
    const ssize_t sent = ::send(process_.stdin_fd(), unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    sent_ += static_cast<size_t>(sent);
    if (sent_ < unsent_.size()) return true;
    wipe(unsent_);
    sent_ = 0;
    return true;
  }

  Error ended() {
    const auto exit = process_.wait(kEnding.count());
    char block[512];
    const ssize_t got = ::read(process_.stderr_fd(), block, sizeof block);
    const std::string_view words = trim(std::string_view(block, got > 0 ? static_cast<size_t>(got) : 0));
    const std::string said = printable_line(words);
    return Error(Code::kUnavailable,
                 "osiris-http " + (exit ? exit->describe() : std::string("closed its output")) +
                     (said.empty() ? "" : ": " + said),
                 "", category::kConnectionFailed);
  }

  Subprocess process_;
  std::string unsent_;
  size_t sent_ = 0;
  std::string received_;
};

class Client::Call : public Exchange {
 public:
  Call(Client& client, const Request& request)
      : client_(client), label_(request.label.empty() ? request.method + " " + request.url : request.label) {
    if (request.timeouts.total.count() > 0) until_ = steady_clock::now() + request.timeouts.total + kOverdue;
    if (!client_.program_) {
      auto started = Program::start(client_.options_);
      if (!started.ok()) {
        fail(started.error().within(label_), false);
        return;
      }
      client_.program_ = *std::move(started);
    }
    client_.program_->ask(request);
  }
  // Its answer would be taken for the next one's.
  ~Call() override {
    if (!is_answered_) client_.program_.reset();
  }

  Result<const Response*> head() override {
    while (!response_ && !failure_)
      if (const Status moved = pump(kSlice); !moved.ok()) return moved.error();
    if (failure_) return failure_->error;
    return static_cast<const Response*>(&*response_);
  }

  Result<std::string> read(Milliseconds wait) override {
    const auto end = steady_clock::now() + wait;
    while (!response_ && !failure_) {
      if (steady_clock::now() >= end) return Error(Code::kDeadline, label_ + ": no answer yet");
      OSIRIS_TRY(pump(std::min(kSlice, wait)));
    }
    if (failure_) return failure_->error;
    return std::exchange(body_, {});
  }

  void cancel() override { is_cancelled_ = true; }
  bool reached_server() const override { return !failure_ || failure_->reached_server; }

 private:
  void fail(Error error, bool reached_server) { failure_ = Failure{std::move(error), reached_server, 1}; }

  Status pump(Milliseconds wait) {
    if (is_cancelled_) return Error(Code::kCancelled, label_ + " was cancelled");
    if (until_ && steady_clock::now() >= *until_) {
      fail(
          Error(Code::kUnavailable, label_ + ": the time is over and no answer came", "", category::kConnectionTimeout),
          true);
      return {};
    }
    auto result = client_.program_->pump(wait);
    if (!result.ok()) {
      fail(result.error().within(label_), true);
      return {};
    }
    if (!*result) return {};
    is_answered_ = true;
    failure_ = std::move((*result)->failure);
    response_ = std::move((*result)->response);
    if (response_) body_ = std::exchange(response_->body, {});
    return {};
  }

  Client& client_;
  const std::string label_;
  std::optional<steady_clock::time_point> until_;
  std::atomic<bool> is_cancelled_{false};
  bool is_answered_ = false;
  std::optional<Response> response_;
  std::string body_;
  std::optional<Failure> failure_;
};

std::filesystem::path client_program(const std::filesystem::path& library_directory) {
  return library_directory / "osiris-http";
}

Client::Client(ClientOptions options) : options_(std::move(options)) {}
Client::~Client() = default;

std::unique_ptr<Exchange> Client::open(Request request) { return std::make_unique<Call>(*this, request); }

}  // namespace osiris::http

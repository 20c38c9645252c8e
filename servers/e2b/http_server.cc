#include "servers/e2b/http_server.h"
#include "protocol/base/fd.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>
#include <cstdio>
#include <limits>
#include <mutex>
#include <set>
#include <thread>

namespace osiris::e2b_server {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

constexpr uint64_t kDrainMaxBytes = 1ull << 30;

bool is_bodyless(int status) { return status == 204 || status == 304 || status < 200; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

class ConnectionExchange final : public Exchange {
 public:
  ConnectionExchange(Tcp::socket& socket, boost::beast::flat_buffer& buffer, uint64_t connection)
      : socket_(socket), buffer_(buffer) {
    parser_.header_limit(256 * 1024);
    parser_.body_limit(std::numeric_limits<uint64_t>::max());  // boost::none means a limit of 0 in 1.74
    request_.connection = connection;
  }

  // False: nothing came, or nothing that is HTTP (which has been answered).
  bool read_header(const HttpServer::Times& times) {
    auto give_up = std::chrono::steady_clock::now() + times.idle_max;
    bool begun = false;
    parser_.eager(false);
    while (!parser_.is_header_done()) {
      error_code error;
      const size_t used = parser_.put(buffer_.data(), error);
      buffer_.consume(used);
      if (error && error != http::error::need_more) return refuse(error);
      if (parser_.is_header_done()) break;
      if (buffer_.size() > 0 && !std::exchange(begun, true))
        give_up = std::chrono::steady_clock::now() + times.header_max;
      if (!wait_for_bytes(give_up)) return false;
      const auto room = buffer_.prepare(16384);
      const ssize_t count = ::recv(socket_.native_handle(), room.data(), room.size(), 0);
      if (count <= 0) return false;
      buffer_.commit(static_cast<size_t>(count));
    }
    const auto& message = parser_.get();
    request_.method = std::string(message.method_string());
    request_.target = std::string(message.target());
    const size_t question = request_.target.find('?');
    request_.path = percent_decode(std::string_view(request_.target).substr(0, question));
    if (question != std::string::npos)
      request_.query = parse_form(std::string_view(request_.target).substr(question + 1));
    for (const auto& field : message)
      request_.headers.emplace_back(lower({field.name_string().data(), field.name_string().size()}),
                                    std::string(field.value()));
    keep_alive_ = message.keep_alive();
    return true;
  }

  bool refuse(const error_code& error) {
    const bool large = error == http::error::header_limit || error == http::error::buffer_overflow;
    respond(large ? 431 : 400, {{"content-type", "text/plain; charset=utf-8"}},
            large ? "request header too large\n" : error.message() + "\n");
    drop_unread();
    return false;
  }

  // Closing with bytes unread would reset the connection under the answer.
  void drop_unread() {
    ::shutdown(socket_.native_handle(), SHUT_WR);
    char block[16384];
    for (int i = 0; i < 64 && ::recv(socket_.native_handle(), block, sizeof block, MSG_DONTWAIT) > 0; ++i) continue;
  }

  bool wait_for_bytes(std::chrono::steady_clock::time_point until) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd ready{socket_.native_handle(), POLLIN, 0};
    return left.count() > 0 && ::poll(&ready, 1, static_cast<int>(left.count())) > 0;
  }

  // After the handler: whether the connection can carry another request.
  bool finish() {
    if (aborted_) return false;
    if (!answered_)
      respond_error(failed_ ? 400 : 500, failed_ ? "malformed request body" : "the handler gave no answer");
    if (failed_) drop_unread();
    if (streaming_ || failed_) return false;
    char block[65536];
    uint64_t drained = 0;
    while (true) {  // an early answer leaves body behind; clients dislike a close in the middle of their upload
      const auto count = read_body(block, sizeof block);
      if (!count.ok()) return false;
      if (*count == 0) break;
      if ((drained += *count) > kDrainMaxBytes) return false;
    }
    return keep_alive_;
  }

  const Request& request() const override { return request_; }

  Result<size_t> read_body(char* out, size_t capacity_bytes) override {
    if (aborted_) return Error(Code::kUnavailable, "the connection was cut");
    if (!continued_ && request_.header("expect") && !parser_.is_done()) {
      error_code ignored;
      asio::write(socket_, asio::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25), ignored);
    }
    continued_ = true;
    while (!parser_.is_done()) {
      auto& body = parser_.get().body();
      body.data = out;
      body.size = capacity_bytes;
      error_code error;
      http::read(socket_, buffer_, parser_, error);
      if (error == http::error::need_buffer) error = {};
      if (error) {
        failed_ = true;
        return Error(Code::kUnavailable, "reading the request body: " + error.message());
      }
      const size_t count = capacity_bytes - body.size;
      if (count > 0) return count;
    }
    return size_t{0};
  }

  void add_header(const std::string& name, const std::string& value) override { added_.emplace_back(name, value); }

  void respond(int status, const Pairs& headers, std::string_view body) override {
    if (answered_ || aborted_) return;
    answered_ = true;
    std::string text = head(status, headers);
    if (!is_bodyless(status)) text += "content-length: " + std::to_string(body.size()) + "\r\n";
    text += "\r\n";
    if (cut_) return break_off(text.substr(0, cut_in_head(text)));
    if (!is_bodyless(status) && request_.method != "HEAD") text += body;
    send(text);
  }

  bool begin_stream(int status, const Pairs& headers, std::optional<uint64_t> length_bytes) override {
    if (answered_ || aborted_) return false;
    answered_ = streaming_ = true;
    chunked_ = !length_bytes;
    std::string text = head(status, headers);
    text += chunked_ ? "transfer-encoding: chunked\r\n" : "content-length: " + std::to_string(*length_bytes) + "\r\n";
    text += "\r\n";
    if (cut_ && *cut_ < CutAt::kChunkSize) return break_off(text.substr(0, cut_in_head(text))), false;
    return send(text);
  }

  bool write(std::string_view bytes) override {
    if (failed_ || aborted_) return false;
    if (bytes.empty()) return true;
    if (cut_ == CutAt::kChunkSize) return break_off(chunk_size_of(bytes.size())), false;
    error_code error;
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    if (chunked_)
      asio::write(socket_, http::make_chunk(buffer), error);
    else
      asio::write(socket_, buffer, error);
    failed_ = failed_ || error.failed();
    return !failed_;
  }

  void end_stream() override {
    if (aborted_ || !streaming_) return;
    if (cut_) return break_off(*cut_ == CutAt::kChunkSize ? chunk_size_of(0) : "0\r\nx-trail");
    error_code error;
    if (chunked_ && !failed_) asio::write(socket_, http::make_chunk_last(), error);
    failed_ = failed_ || error.failed();
    streaming_ = failed_;
  }

  void abort() override {
    if (aborted_) return;
    aborted_ = true;
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  }

  void cut(CutAt at, bool resets) override {
    cut_ = at;
    cut_resets_ = resets;
  }

  Wake wait(int event_fd, std::chrono::milliseconds timeout) override {
    pollfd polls[2] = {{socket_.native_handle(), POLLRDHUP, 0}, {event_fd, POLLIN, 0}};
    const int ready =
        ::poll(polls, event_fd < 0 ? 1 : 2, static_cast<int>(std::min<int64_t>(timeout.count(), 1 << 30)));
    if (ready > 0 && (polls[0].revents & (POLLRDHUP | POLLHUP | POLLERR))) return Wake::kClientGone;
    if (ready > 0) return Wake::kEvent;
    return Wake::kTimeout;
  }

 private:
  std::string head(int status, const Pairs& headers) const {
    std::string text = "HTTP/1.1 " + std::to_string(status) + " " + reason_phrase(status) + "\r\n";
    for (const Pairs* pairs : {&headers, &added_})
      for (const auto& [name, value] : *pairs) text += name + ": " + value + "\r\n";
    if (!keep_alive_) text += "connection: close\r\n";
    return text;
  }

  // How much of a head leaves.
  size_t cut_in_head(const std::string& text) const {
    const size_t status_line = text.find("\r\n") + 2;
    if (*cut_ == CutAt::kStatusLine) return status_line / 2;
    if (*cut_ == CutAt::kHeaders) return status_line;
    return status_line + 3;  // no header's name is shorter
  }

  // Without the line end, or so much of it as leaves the size in doubt.
  static std::string chunk_size_of(size_t bytes) {
    char text[20];
    std::snprintf(text, sizeof text, "%zx", bytes);
    return text;
  }

  // The last bytes of an answer that will not be whole.
  void break_off(std::string_view bytes) {
    send(bytes);
    if (cut_resets_) return abort();
    aborted_ = true;
    drop_unread();
  }

  bool send(std::string_view text) {
    error_code error;
    asio::write(socket_, asio::buffer(text.data(), text.size()), error);
    failed_ = failed_ || error.failed();
    return !failed_;
  }

  Tcp::socket& socket_;
  boost::beast::flat_buffer& buffer_;
  http::request_parser<http::buffer_body> parser_;
  Request request_;
  Pairs added_;
  bool keep_alive_ = false;
  bool continued_ = false;
  bool answered_ = false;
  bool streaming_ = false;
  bool chunked_ = false;
  bool failed_ = false;
  bool aborted_ = false;
  std::optional<CutAt> cut_;
  bool cut_resets_ = false;
};

}  // namespace

struct HttpServer::State {
  asio::io_context context;
  Tcp::acceptor acceptor{context};
  Times times;
  Handler handler;
  std::thread accepting;
  EventDescriptor stop;

  std::mutex mutex;
  std::condition_variable idle;
  std::set<int> sockets;  // of live connections, to be cut by stop()
  bool stopping = false;
  std::atomic<uint64_t> accepted{0};

  void serve(Tcp::socket socket, uint64_t number) {
    if (times.connect_delay.count() > 0) std::this_thread::sleep_for(times.connect_delay);
    boost::beast::flat_buffer buffer;
    for (bool more = true; more;) {
      ConnectionExchange exchange(socket, buffer, number);
      if (!exchange.read_header(times)) break;
      try {
        handler(exchange);
      } catch (const std::system_error&) {  // the machine has no thread for what was asked
        exchange.abort();
      }
      more = exchange.finish();
    }
    std::lock_guard lock(mutex);  // closed under the lock: stop() must not touch a number that was given out again
    sockets.erase(socket.native_handle());
    error_code ignored;
    socket.close(ignored);
    if (sockets.empty()) idle.notify_all();
  }

  void accept_loop() {
    while (true) {
      pollfd polls[2] = {{acceptor.native_handle(), POLLIN, 0}, {stop.get(), POLLIN, 0}};
      if (::poll(polls, 2, -1) < 0) continue;
      if (polls[1].revents) return;
      const int fd = ::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      error_code error;
      Tcp::socket socket(context);
      socket.assign(acceptor.local_endpoint().protocol(), fd, error);
      socket.set_option(Tcp::no_delay(true), error);
      const uint64_t number = ++accepted;
      std::lock_guard lock(mutex);
      if (stopping) return;
      try {
        std::thread([this, number](Tcp::socket moved) { serve(std::move(moved), number); }, std::move(socket)).detach();
        sockets.insert(fd);
      } catch (const std::system_error&) {
        // The machine has no thread left: the connection closes, the server lives.
      }
    }
  }
};

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() { stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const std::string& address, const Times& times) {
  auto state = std::make_unique<State>();
  state->times = times;
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  error_code error;
  const auto ip = asio::ip::make_address(host, error);
  const int port = colon == std::string::npos ? -1 : std::atoi(address.c_str() + colon + 1);
  if (error || port < 0 || port > 65535)
    return Error(Code::kInvalidArgument, "--listen '" + address + "' is not ADDRESS:PORT",
                 "use 127.0.0.1:0 for any free port");
  const Tcp::endpoint endpoint(ip, static_cast<unsigned short>(port));
  state->acceptor.open(endpoint.protocol(), error);
  if (!error) state->acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) ::fcntl(state->acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
  if (!error) state->acceptor.bind(endpoint, error);
  if (!error) state->acceptor.listen(1024, error);
  if (error) return Error(Code::kUnavailable, "cannot listen on " + address + ": " + error.message());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

void HttpServer::start(Handler handler) {
  state_->handler = std::move(handler);
  state_->accepting = std::thread([this] { state_->accept_loop(); });
}

void HttpServer::stop() {
  if (!state_->accepting.joinable()) return;
  state_->stop.signal();
  state_->accepting.join();
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  for (const int fd : state_->sockets) ::shutdown(fd, SHUT_RDWR);
  state_->idle.wait(lock, [this] { return state_->sockets.empty(); });
}

std::string HttpServer::url() const {
  const auto endpoint = state_->acceptor.local_endpoint();
  const std::string host = endpoint.address().to_string();
  return "http://" + (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

uint64_t HttpServer::connections_open() const {
  std::lock_guard lock(state_->mutex);
  return state_->sockets.size();
}

}  // namespace osiris::e2b_server

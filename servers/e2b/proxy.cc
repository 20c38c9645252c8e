#include "servers/e2b/proxy.h"

#include <sys/socket.h>

#include <algorithm>

#include "protocol/base/text.h"
#include "servers/e2b/auth.h"
#include "servers/e2b/routing.h"

namespace osiris::e2b_server {
namespace {

constexpr size_t kHeadMaxBytes = 256 * 1024;
constexpr std::chrono::seconds kSilenceMax{620};

// Of one hop only, or of this proxy.
bool is_passed_on(std::string_view name) {
  constexpr std::string_view kOwn[] = {
      "connection", "keep-alive",       "transfer-encoding", "upgrade",          "expect",
      "te",         "proxy-connection", "e2b-sandbox-id",    "e2b-sandbox-port", "e2b-traffic-access-token"};
  return std::find(std::begin(kOwn), std::end(kOwn), name) == std::end(kOwn);
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

std::string host_for(const Call& call, int port) {
  std::string host = call.sandbox->network["maskRequestHost"].as_string();
  const size_t at = host.find("${PORT}");
  if (at != std::string::npos) host.replace(at, 7, std::to_string(port));
  return host.empty() ? call.request().header("host").value_or("localhost") : host;
}

bool send_request(Call& call, int fd, int port) {
  const Request& request = call.request();
  std::string head = request.method + " " + request.target + " HTTP/1.1\r\nhost: " + host_for(call, port) +
                     "\r\nconnection: close\r\n";
  for (const auto& [name, value] : request.headers)
    if (name != "host" && is_passed_on(name)) head += name + ": " + value + "\r\n";
  const bool chunked = request.header("transfer-encoding").has_value();
  if (chunked) head += "transfer-encoding: chunked\r\n";
  if (!send_all(fd, head + "\r\n")) return false;
  char block[65536];
  while (true) {
    const auto count = call.exchange.read_body(block, sizeof block);
    if (!count.ok()) return false;
    if (*count == 0) return !chunked || send_all(fd, "0\r\n\r\n");
    const std::string_view bytes(block, *count);
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", *count);
    const bool sent = chunked ? send_all(fd, size) && send_all(fd, bytes) && send_all(fd, "\r\n") : send_all(fd, bytes);
    if (!sent) return false;
  }
}

// What the program answers, as it comes. A chunked body is unwrapped, to be wrapped anew.
class Upstream {
 public:
  Upstream(Exchange& exchange, int fd) : exchange_(exchange), fd_(fd) {}

  // False: no HTTP answer.
  bool read_head() {
    size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (buffer_.size() > kHeadMaxBytes || !fill()) return false;
    const std::vector<std::string> lines = split(std::string_view(buffer_).substr(0, end), '\n');
    buffer_.erase(0, end + 4);
    if (!lines[0].starts_with("HTTP/1.") || lines[0].size() < 12) return false;
    status_ = std::atoi(lines[0].c_str() + 9);
    for (size_t i = 1; i < lines.size(); ++i) {
      const size_t colon = lines[i].find(':');
      if (colon == std::string::npos) return false;
      const std::string name = ascii_lower(lines[i].substr(0, colon)),
                        value(trim(std::string_view(lines[i]).substr(colon + 1)));
      if ((name + value).find('\r') != std::string::npos) return false;
      if (name == "transfer-encoding")
        chunked_ = ascii_lower(value).find("chunked") != std::string::npos;
      else if (name == "content-length")
        length_ = std::strtoull(value.c_str(), nullptr, 10);
      else if (is_passed_on(name))
        headers_.emplace_back(name, value);
    }
    return status_ >= 200 && status_ < 600;
  }

  void relay() {
    if (exchange_.request().method == "HEAD" || status_ == 204 || status_ == 304)
      return exchange_.respond(status_, headers_, "");
    if (!exchange_.begin_stream(status_, headers_, chunked_ ? std::nullopt : length_)) return;
    if (chunked_ ? relay_chunks() : relay_bytes(length_.value_or(UINT64_MAX), !length_))
      exchange_.end_stream();
    else
      exchange_.abort();
  }

 private:
  bool fill() {
    if (exchange_.wait(fd_, kSilenceMax) != Wake::kEvent) return false;
    char block[65536];
    const ssize_t count = ::recv(fd_, block, sizeof block, 0);
    if (count > 0) buffer_.append(block, static_cast<size_t>(count));
    closed_ = count == 0;
    return count > 0;
  }

  bool relay_bytes(uint64_t left, bool until_closed) {
    while (left > 0) {
      if (buffer_.empty() && !fill()) return until_closed && closed_;
      const size_t count = static_cast<size_t>(std::min<uint64_t>(left, buffer_.size()));
      if (!exchange_.write(std::string_view(buffer_).substr(0, count))) return false;
      buffer_.erase(0, count);
      left -= count;
    }
    return true;
  }

  bool relay_chunks() {
    while (true) {
      size_t end;
      while ((end = buffer_.find("\r\n")) == std::string::npos)
        if (buffer_.size() > kHeadMaxBytes || !fill()) return false;
      char* rest = nullptr;
      const uint64_t size = std::strtoull(buffer_.c_str(), &rest, 16);
      if (rest == buffer_.c_str()) return false;
      buffer_.erase(0, end + 2);
      if (size == 0) return true;  // trailers are dropped
      if (!relay_bytes(size, false)) return false;
      while (buffer_.size() < 2)
        if (!fill()) return false;
      buffer_.erase(0, 2);
    }
  }

  Exchange& exchange_;
  const int fd_;
  std::string buffer_;
  int status_ = 0;
  Pairs headers_;
  std::optional<uint64_t> length_;
  bool chunked_ = false;
  bool closed_ = false;
};

void answer_unroutable(Exchange& exchange) {
  exchange.respond(502, {{"content-type", "text/plain; charset=utf-8"}}, "Failed to route request to sandbox\n");
}

}  // namespace

void relay_answer(Exchange& exchange, int fd) {
  Upstream upstream(exchange, fd);
  if (upstream.read_head())
    upstream.relay();
  else
    answer_unroutable(exchange);
}

void proxy_to_port(Call& call, int port) {
  const SandboxInfo& info = *call.sandbox;
  if (!info.traffic_token.empty() &&
      !equal_secret(call.request().header("e2b-traffic-access-token").value_or(""), info.traffic_token))
    return call.exchange.respond_json(
        403, Json::object(
                 {{"sandboxId", info.id}, {"message", "Sandbox is secured with traffic access token"}, {"code", 403}}));
  const Reply dialled = info.sandbox->call(Json::object({{"op", "dial"}, {"port", port}}));
  if (dialled.error || dialled.fds.empty())
    return call.exchange.respond_json(502, Json::object({{"sandboxId", info.id},
                                                         {"message", "The sandbox is running but port is not open"},
                                                         {"port", port},
                                                         {"code", 502}}));
  const int fd = dialled.fds.front().get();
  if (send_request(call, fd, port))
    relay_answer(call.exchange, fd);
  else
    answer_unroutable(call.exchange);
}

}  // namespace osiris::e2b_server

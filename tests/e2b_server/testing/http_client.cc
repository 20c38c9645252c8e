#include "tests/e2b_server/testing/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "protocol/base/text.h"

namespace osiris::e2b_server {
namespace {

constexpr int kPatienceSeconds = 60;  // a hung server fails the test instead of hanging it

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

std::string HttpAnswer::header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers)
    if (name == lower_name) return value;
  return {};
}

Json HttpAnswer::json() const {
  auto parsed = parse_json(body);
  return parsed.ok() ? *std::move(parsed) : Json();
}

HttpClient::HttpClient(const std::string& url) {
  const size_t host = url.find("//") + 2, colon = url.rfind(':');
  host_ = url.substr(host, colon - host);
  port_ = std::atoi(url.c_str() + colon + 1);
}

HttpClient::~HttpClient() { close(); }

void HttpClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  buffer_.clear();
}

bool HttpClient::connect() {
  if (fd_ >= 0) return true;
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{kPatienceSeconds, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port_));
  ::inet_pton(AF_INET, host_.c_str(), &address.sin_addr);
  reset_ = false;
  return ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool HttpClient::fill() {
  char block[65536];
  const ssize_t count = ::recv(fd_, block, sizeof block, 0);
  if (count < 0) reset_ = errno == ECONNRESET;
  if (count <= 0) return false;
  buffer_.append(block, static_cast<size_t>(count));
  return true;
}

bool HttpClient::send(const std::string& method, const std::string& target, const Pairs& headers,
                      std::string_view body) {
  if (!connect()) return false;
  std::string text = method + " " + target + " HTTP/1.1\r\n";
  bool has_length = false, has_host = false;
  for (const auto& [name, value] : headers) {
    has_host = has_host || name == "host";
    text += name + ": " + value + "\r\n";
    has_length = has_length || name == "content-length" || name == "transfer-encoding";
  }
  if (!has_length && (!body.empty() || method != "GET"))
    text += "content-length: " + std::to_string(body.size()) + "\r\n";
  if (!has_host) text += "host: " + host_ + "\r\n";
  text += "\r\n";
  text += body;
  return send_raw(text);
}

bool HttpClient::send_raw(std::string_view text) {
  if (!connect()) return false;
  for (size_t at = 0; at < text.size();) {
    const ssize_t count = ::send(fd_, text.data() + at, text.size() - at, MSG_NOSIGNAL);
    if (count <= 0) {
      reset_ = errno == ECONNRESET || errno == EPIPE;
      return false;
    }
    at += static_cast<size_t>(count);
  }
  return true;
}

std::optional<std::string> HttpClient::line() {
  size_t end;
  while ((end = buffer_.find("\r\n")) == std::string::npos)
    if (!fill()) return std::nullopt;
  std::string text = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return text;
}

HttpAnswer HttpClient::read_head() {
  HttpAnswer answer;
  const auto status = line();
  if (!status) {
    answer.was_reset = reset_;
    return answer;
  }
  answer.status = std::atoi(status->c_str() + 9);
  while (auto header = line()) {
    if (header->empty()) break;
    const size_t colon = header->find(':');
    answer.headers.emplace_back(lower(header->substr(0, colon)), std::string(trim(header->substr(colon + 1))));
  }
  chunked_ = answer.header("transfer-encoding") == "chunked";
  left_.reset();
  if (!chunked_) left_ = static_cast<uint64_t>(std::atoll(answer.header("content-length").c_str()));
  return answer;
}

std::string HttpClient::take(size_t count, HttpAnswer& answer) {
  if (buffer_.empty() && !fill()) {
    answer.was_reset = reset_;
    left_ = 0;
    chunked_ = false;
    close();
    return {};
  }
  std::string out = buffer_.substr(0, count);
  buffer_.erase(0, out.size());
  *left_ -= out.size();
  return out;
}

std::string HttpClient::read_some(HttpAnswer& answer) {
  if (answer.is_complete || fd_ < 0) return {};
  if (chunked_ && !left_) {
    const auto size = line();
    if (!size) {
      answer.was_reset = reset_;
      close();
      return {};
    }
    left_ = std::strtoull(size->c_str(), nullptr, 16);
    if (*left_ == 0) {
      line();
      answer.is_complete = true;
      return {};
    }
  }
  if (*left_ == 0) {
    answer.is_complete = true;
    return {};
  }
  std::string out = take(*left_, answer);
  if (chunked_ && left_ == 0 && fd_ >= 0) {
    line();
    left_.reset();
  }
  return out;
}

HttpAnswer HttpClient::request(const std::string& method, const std::string& target, const Pairs& headers,
                               std::string_view body) {
  HttpAnswer answer;
  send(method, target, headers, body);  // a server that has already answered may have stopped reading
  if (fd_ < 0) return answer;
  answer = read_head();
  if (answer.status == 0 || answer.status == 204 || answer.status == 304 || method == "HEAD") {
    answer.is_complete = answer.status != 0;
    if (answer.status == 0) close();
    return answer;
  }
  for (std::string part; !(part = read_some(answer)).empty();) answer.body += part;
  return answer;
}

Pairs SandboxHandle::headers(const Pairs& more) const {
  Pairs all{{"e2b-sandbox-id", id}, {"e2b-sandbox-port", "49983"}};
  if (!token.empty()) all.emplace_back("x-access-token", token);
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

EventStream::EventStream(const SandboxHandle& sandbox, const std::string& method, const Json& message,
                         const Pairs& more)
    : client_(sandbox.url) {
  Pairs headers = sandbox.headers(more);
  headers.emplace_back("content-type", "application/connect+json");
  client_.send("POST", "/" + method, headers, envelope(0, message.dump()));
  head_ = client_.read_head();
  outcome_.status = head_.status;
}

std::optional<Json> EventStream::next() {
  while (!over_) {
    auto ready = reader_.next();
    if (ready.ok() && ready->has_value()) {
      auto message = parse_json((*ready)->payload);
      if ((*ready)->flags != 0) {
        end_of_stream_ = message.ok() ? *message : Json("unreadable");
        continue;
      }
      return message.ok() ? std::optional(*message) : std::nullopt;
    }
    const std::string part = client_.read_some(head_);
    over_ = part.empty();
    reader_.feed(part);
  }
  return std::nullopt;
}

int64_t EventStream::pid() {
  while (outcome_.pid == 0) {
    const auto event = next();
    if (!event) return 0;
    outcome_.pid = (*event)["event"]["start"]["pid"].as_int();
  }
  return outcome_.pid;
}

EventStream::Outcome EventStream::finish() {
  while (const auto message = next()) {
    const Json& event = (*message)["event"];
    if (event["start"].is_object()) outcome_.pid = event["start"]["pid"].as_int();
    if (event["end"].is_object()) outcome_.end = event["end"];
    outcome_.out += base64_decode(event["data"]["stdout"].as_string()).value_or("?");
    outcome_.err += base64_decode(event["data"]["stderr"].as_string()).value_or("?");
    outcome_.pty += base64_decode(event["data"]["pty"].as_string()).value_or("?");
  }
  outcome_.end_of_stream = end_of_stream_;
  outcome_.was_reset = head_.was_reset;
  return outcome_;
}

}  // namespace osiris::e2b_server

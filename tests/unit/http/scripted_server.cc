#include "tests/unit/http/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace osiris::http {
namespace {

int listen_on_loopback(int* port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(fd, 64) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    std::abort();
  *port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

bool Connection::fill() {
  char block[65536];
  const ssize_t got = ::recv(fd_, block, sizeof block, 0);
  if (got <= 0) return false;
  buffer_.append(block, static_cast<size_t>(got));
  return true;
}

Connection::Received Connection::receive() {
  size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
    if (!fill()) return {};
  Received received;
  received.head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  const std::string& head = received.head;
  if (const size_t at = head.find("Content-Length: "); at != std::string::npos) {
    const size_t length = std::strtoul(head.c_str() + at + 16, nullptr, 10);
    while (buffer_.size() < length)
      if (!fill()) break;
    received.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
  } else if (head.find("chunked") != std::string::npos) {
    for (;;) {
      while ((end = buffer_.find("\r\n")) == std::string::npos)
        if (!fill()) return received;
      const size_t length = std::strtoul(buffer_.c_str(), nullptr, 16);
      while (buffer_.size() < end + 2 + length + 2)
        if (!fill()) return received;
      received.body += buffer_.substr(end + 2, length);
      buffer_.erase(0, end + 2 + length + 2);
      if (length == 0) break;
    }
  }
  return received;
}

void Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

void Connection::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void Connection::wait_for_peer() {
  while (fill()) buffer_.clear();
}

ScriptedServer::ScriptedServer(std::function<void(Connection&)> serve) : serve_(std::move(serve)) {
  listener_ = listen_on_loopback(&port_);
  accepting_ = std::thread([this] {
    for (int fd; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      ++connections_;
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
      serving_.emplace_back([this, fd] {
        Connection connection(fd);
        serve_(connection);
        const std::lock_guard guard(mutex_);
        std::erase(open_, fd);
        ::close(fd);
      });
    }
  });
}

ScriptedServer::~ScriptedServer() {
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  ::close(listener_);
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : serving_) thread.join();
}

int unused_port() {
  int port = 0;
  ::close(listen_on_loopback(&port));
  return port;
}

}  // namespace osiris::http

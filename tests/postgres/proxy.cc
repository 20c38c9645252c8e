#include "tests/postgres/proxy.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <string_view>
#include <utility>

namespace osiris::test {
namespace {

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

}  // namespace

Proxy::Proxy(uint16_t server_port, Look look)
    : server_port_(server_port), look_(std::move(look)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_.get(), generic, size) == 0 && ::listen(listener_.get(), 8) == 0 &&
      getsockname(listener_.get(), generic, &size) == 0)
    port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { listen(); });
}

Proxy::~Proxy() {
  stop_.signal();
  thread_.join();
}

// One connection at a time: a step has no more.
void Proxy::listen() {
  for (;;) {
    pollfd fds[2] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    poll(fds, 2, -1);
    if (fds[1].revents != 0) return;
    const FileDescriptor client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const FileDescriptor server(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(server_port_);
    if (is_closed_) continue;  // both are closed
    if (connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      carry(client.get(), server.get());
  }
}

void Proxy::carry(int client, int server) {
  for (char buffer[65536];;) {
    pollfd fds[3] = {{client, POLLIN, 0}, {server, POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    poll(fds, 3, -1);
    if (fds[2].revents != 0) return;
    for (const bool from_client : {true, false}) {
      if (fds[from_client ? 0 : 1].revents == 0) continue;
      const ssize_t size = recv(from_client ? client : server, buffer, sizeof buffer, 0);
      if (size <= 0) return;
      std::string bytes(buffer, static_cast<size_t>(size));
      if (look_(from_client, bytes) == Fate::kCut) return;
      if (!send_all(from_client ? server : client, bytes)) return;
    }
  }
}

}  // namespace osiris::test

// A connection to a port of the sandbox, from inside its network; the descriptor goes to the server.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "servers/e2b/agent/agent.h"

namespace osiris::e2b_server {
namespace {

constexpr int kConnectMaxMs = 1000;  // loopback answers at once, unless the backlog is full

FileDescriptor connect_to(const sockaddr* address, socklen_t size) {
  FileDescriptor socket(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return {};
  if (::connect(socket.get(), address, size) != 0) {
    pollfd ready{socket.get(), POLLOUT, 0};
    int error = errno;
    socklen_t error_size = sizeof error;
    if (error != EINPROGRESS || ::poll(&ready, 1, kConnectMaxMs) <= 0) return {};
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &error_size) != 0 || error != 0) return {};
  }
  ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) & ~O_NONBLOCK);
  return socket;
}

}  // namespace

Reply dial_port(const Json& request) {
  const auto port = htons(static_cast<uint16_t>(request["port"].as_int()));
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = port;
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = port;
  v6.sin6_addr = in6addr_loopback;
  FileDescriptor socket = connect_to(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  if (!socket.is_open()) socket = connect_to(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
  if (!socket.is_open())
    return Reply::failure("not_found", "nothing listens on port " + std::to_string(request["port"].as_int()));
  Reply reply;
  reply.fds.push_back(std::move(socket));
  return reply;
}

}  // namespace osiris::e2b_server

// One JSON message, with file descriptors, over the SOCK_SEQPACKET socket between the server and the agent inside a
// sandbox. A message that is larger than a packet travels in a memory file whose descriptor comes first.
#pragma once

#include <unistd.h>

#include <optional>
#include <utility>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::e2b_server {

// Owns a descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { reset(); }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct Message {
  Json body;
  std::vector<Fd> fds;
};

// The descriptors stay the caller's. [any thread; one message is one packet]
Status send_message(int socket, const Json& body, const std::vector<int>& fds = {});
// nullopt: the other side has closed. Received descriptors are close-on-exec.
Result<std::optional<Message>> receive_message(int socket);

}  // namespace osiris::e2b_server

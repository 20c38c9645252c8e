// One JSON message, with file descriptors, over the SOCK_SEQPACKET socket between the server and the agent inside a
// sandbox. A message that is larger than a packet travels in a memory file whose descriptor comes first.
#pragma once

#include <unistd.h>

#include <optional>
#include <utility>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/fd.h"
#include "protocol/base/json.h"

namespace osiris::e2b_server {

struct Message {
  Json body;
  std::vector<FileDescriptor> fds;
};

// The descriptors stay the caller's. [any thread; one message is one packet]
Status send_message(int socket, const Json& body, const std::vector<int>& fds = {});
// nullopt: the other side has closed. Received descriptors are close-on-exec.
Result<std::optional<Message>> receive_message(int socket);

}  // namespace osiris::e2b_server

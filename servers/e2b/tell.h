// A fault that another program commits: a proxy of the test's own in front of the server is told of the call, and acts
// before its answer leaves.
#pragma once

#include "protocol/base/json.h"

namespace osiris::e2b_server {

// Sends `who` as one JSON line to 127.0.0.1:port and waits until the other side hangs up, 10 s at most. No listener:
// nothing happens.
void tell(int port, const Json& who);

}  // namespace osiris::e2b_server

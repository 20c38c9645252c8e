// The way to a port that a program inside a sandbox listens on: {port}-{id}.domain, or the two routing headers.
#pragma once

#include "servers/e2b/server.h"

namespace osiris::e2b_server {

// Checks the traffic token of a sandbox that is not public; 502 when nothing listens. Plain HTTP only, no upgrades.
void proxy_to_port(Call& call, int port);

// The HTTP answer that comes out of the socket `fd`, to the client as it comes; 502 when it is none, an abort when it
// breaks off.
void relay_answer(Exchange& exchange, int fd);

}  // namespace osiris::e2b_server

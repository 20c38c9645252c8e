// Events of a subscriber as a Connect server stream, with keepalives, a deadline and the cut when the sandbox dies.
#pragma once

#include <chrono>
#include <optional>

#include "tests/e2b_server/http.h"
#include "tests/e2b_server/process.h"

namespace osiris::e2b_server {

Json keepalive_event_of_process();
Json keepalive_event_of_watch();

// Returns when the stream has ended, the client has gone, or the sandbox has (then the connection is reset). The interval is
// the request's Keepalive-Ping-Interval; the deadline ends the stream with deadline_exceeded.
void stream_events(Exchange& exchange, Subscriber& subscriber, const Json& keepalive, std::optional<std::chrono::milliseconds> deadline);

}  // namespace osiris::e2b_server

// Events of a subscriber as a Connect server stream, with keepalives, a deadline and the cut when the sandbox dies.
#pragma once

#include <chrono>
#include <optional>

#include "servers/e2b/http.h"
#include "servers/e2b/process.h"

namespace osiris::e2b_server {

Json keepalive_event_of_process();
Json keepalive_event_of_watch();

// Returns when the stream has ended, the client has gone, or the sandbox has (then the connection is reset). The
// interval is the request's Keepalive-Ping-Interval; from `over` on the stream ends with deadline_exceeded, whatever
// else has happened.
void stream_events(Exchange& exchange, Subscriber& subscriber, const Json& keepalive, SteadyTime over);

// The request's Connect-Timeout-Ms; nullopt: none.
std::optional<std::chrono::milliseconds> timeout_header(const Request& request);
// From now; the end of time for none.
SteadyTime end_of(std::optional<std::chrono::milliseconds> timeout);

}  // namespace osiris::e2b_server

// Looking up a host name, which nothing can interrupt: glibc may wait half a minute for a name server. So it happens on
// a thread that is left behind when the step is cancelled or its time is over; that thread touches nothing of the step.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>

#include "worker/drivers/db/deadline.h"

namespace osiris::worker::db {

// The addresses of `host` (numeric ones are their own, without asking). nullopt when it has none, when no name server
// has answered within `limit` (none: as long as there is time), and when `deadline` was cancelled or ran out first (it
// then says so). A client library that
// looks the name up once more is answered from the resolver's cache.
std::optional<std::set<std::string>> find_addresses(const std::string& host, Deadline& deadline,
                                                    std::optional<std::chrono::milliseconds> limit = std::nullopt);

}  // namespace osiris::worker::db

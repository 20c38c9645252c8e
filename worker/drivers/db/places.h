// Where a server may be found: the order in which a connection is tried.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "worker/drivers/db/deadline.h"

namespace osiris::worker::db {

struct Place {
  std::string name;                    // what to connect to: `host`, or an address lent for it
  std::vector<std::string> addresses;  // of `name`, as this machine resolves it
};

// `host` first, if this machine's look-up finds it, then the addresses `lent` for it that are not among its own. While
// some are lent, the own name server gets half of `connect_timeout` and three seconds at most. Empty: not found.
std::vector<Place> places_of(const std::string& host, const std::vector<std::string>& lent, Deadline& deadline,
                             std::chrono::seconds connect_timeout);

}  // namespace osiris::worker::db

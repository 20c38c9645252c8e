// Where a PostgreSQL connection string leads. The worker's libpq reads all of it; the host needs the place alone, for
// the rules of the network.
#pragma once

#include <string>
#include <string_view>

namespace osiris {

struct DsnServer {
  std::string host;  // empty: none can be told
  int port = 5432;
};

// Of "postgresql://user:password@host:port/database?…" or "host=… port=…".
DsnServer server_of_dsn(std::string_view dsn);

}  // namespace osiris

// Where and as whom to connect to PostgreSQL, checked and with every default filled in. The connection's fields win;
// the step's own `host` and `port` win over them only where they differ from the spec's defaults, because the compiler
// writes those defaults into every cfg.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/wipe.h"
#include "worker/driver_api/driver.h"

namespace osiris::worker::postgres {

// Each copy wipes its password.
struct ServerSettings {
  std::string host;
  std::vector<std::string> addresses;  // lent for `host`, tried where its own look-up leads to no server
  uint16_t port = 5432;
  std::string user;
  std::string password;
  std::string database;
  std::string schema;                // where unqualified names are; empty: the server's search_path
  std::string sslmode = "prefer";    // one of libpq's
  std::string sslrootcert;           // path of a PEM file on this machine, or the PEM text itself; empty: none given
  uint32_t connect_timeout_s = 10;   // for the whole log-in
  uint32_t read_timeout_s = 0;       // for one wait on the server; 0: as long as it takes
  uint32_t statement_timeout_s = 0;  // the server ends a statement after so long; 0: as its own settings say
  uint32_t lock_timeout_s = 0;       // the same for one wait on a lock

  ServerSettings() = default;
  ServerSettings(const ServerSettings&) = default;
  ServerSettings(ServerSettings&&) = default;
  ServerSettings& operator=(const ServerSettings&) = default;
  ServerSettings& operator=(ServerSettings&&) = default;
  ~ServerSettings() { wipe(password); }

  bool verifies() const { return sslmode.starts_with("verify"); }
};

Result<ServerSettings> read_server_settings(const StepContext& context);
// The same from `fields`, which a component of another family has made of its connection's.
Result<ServerSettings> read_server_settings(const StepContext& context, const Json& fields);

// "db.example.org:5432", an IPv6 address in brackets.
std::string place_of(const ServerSettings& server);

}  // namespace osiris::worker::postgres

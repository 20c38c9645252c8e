// Where and as whom to connect to MySQL or MariaDB, checked and with every default filled in. The connection's fields
// win; the step's own `host` and `port` win over them only where they differ from the spec's defaults, because the
// compiler writes those defaults into every cfg.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/wipe.h"
#include "worker/driver_api/driver.h"

namespace osiris::worker::mysql {

enum class SslMode { kDisabled, kPreferred, kRequired, kVerifyCa, kVerifyIdentity };

// Where and as whom to connect. Each copy wipes its password.
struct ServerSettings {
  std::string host;
  std::vector<std::string> addresses;  // lent for `host`, tried where its own look-up leads to no server
  uint16_t port = 3306;
  std::string user;
  std::string password;
  std::string database;  // the schema unqualified names mean
  SslMode ssl_mode = SslMode::kPreferred;
  std::string ssl_ca;               // path of a PEM file on this machine, or the PEM text itself; empty: none given
  uint32_t connect_timeout_s = 10;  // for the whole log-in
  uint32_t read_timeout_s = 0;      // for one wait on the server; 0: as long as it takes
  uint32_t write_timeout_s = 0;

  ServerSettings() = default;
  ServerSettings(const ServerSettings&) = default;
  ServerSettings(ServerSettings&&) = default;
  ServerSettings& operator=(const ServerSettings&) = default;
  ServerSettings& operator=(ServerSettings&&) = default;
  ~ServerSettings() { wipe(password); }
};

// Errors say `Step <id>: ...` and carry connection.invalid_config.
Result<ServerSettings> read_server_settings(const StepContext& context);

// `name` as MySQL reads it back: in backticks, inner ones doubled.
std::string quote_identifier(std::string_view name);

}  // namespace osiris::worker::mysql

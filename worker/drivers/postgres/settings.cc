#include "worker/drivers/postgres/settings.h"

#include <algorithm>
#include <array>

#include "protocol/base/text.h"
#include "worker/drivers/db/fields.h"

namespace osiris::worker::postgres {
namespace {

using db::connection_fault;
using db::first_text;
using db::read_number;

constexpr std::array kSslModes = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"};

Status refuse_unknown_fields(const StepContext& context, const Json& fields) {
  static const std::vector<std::string> kKnown = {"type",
                                                  "host",
                                                  "port",
                                                  "database",
                                                  "user",
                                                  "username",
                                                  "password",
                                                  "schema",
                                                  "max_connections",
                                                  "sslmode",
                                                  "alias",
                                                  "default",
                                                  "sslrootcert",
                                                  "connect_timeout",
                                                  "read_timeout",
                                                  "lock_timeout",
                                                  "description",
                                                  "statement_timeout"};
  OSIRIS_TRY(db::refuse_unknown_fields(context, fields, "postgres", kKnown));
  const std::string type = fields["type"].as_string_or("postgres");
  if (type != "postgres" && type != "postgresql")
    return connection_fault(context, "connection type '" + type + "' is not postgres");
  return {};
}

Status read_tls(const StepContext& context, const Json& fields, ServerSettings& server) {
  server.sslrootcert = fields["sslrootcert"].as_string();
  std::string mode = ascii_lower(fields["sslmode"].as_string());
  std::replace(mode.begin(), mode.end(), '_', '-');
  if (mode.empty()) mode = server.sslrootcert.empty() ? "prefer" : "verify-ca";
  if (std::find(kSslModes.begin(), kSslModes.end(), mode) == kSslModes.end())
    return connection_fault(context, "sslmode '" + mode + "' is unknown",
                            "choose disable, allow, prefer, require, verify-ca or verify-full");
  // With an authority to check by, libpq's `require` is `verify-ca`.
  if (mode == "require" && !server.sslrootcert.empty()) mode = "verify-ca";
  server.sslmode = mode;
  if (!server.sslrootcert.empty() && !server.verifies())
    return connection_fault(context, "sslrootcert has no effect with sslmode " + mode,
                            "set sslmode to verify-ca or verify-full, or remove sslrootcert");
  const bool is_text = server.sslrootcert.find("-----BEGIN") != std::string::npos;
  if (!server.sslrootcert.empty() && !is_text)
    server.sslrootcert = context.input_file(server.sslrootcert).absolute.string();
  return {};
}

Status read_host(const StepContext& context, const Json& fields, ServerSettings& server) {
  const Json& config = context.config();
  server.host = first_text(fields["host"], config["host"]);
  if (const std::string& own = config["host"].as_string(); !own.empty() && own != "localhost") server.host = own;
  if (server.host.empty()) server.host = "localhost";
  if (!db::is_plain_host(server.host))
    return connection_fault(context, "'host' must be one host name or address, got '" + server.host + "'",
                            "the connection is made over TCP; socket directories and lists of hosts are not supported");
  if (context.connection())
    for (const Json& address : context.connection()->addresses[server.host].items())
      if (db::is_plain_host(address.as_string())) server.addresses.push_back(address.as_string());
  OSIRIS_TRY(read_number(context, config, "port", 1, 65535, server.port));
  if (server.port == 5432) OSIRIS_TRY(read_number(context, fields, "port", 1, 65535, server.port));
  return {};
}

}  // namespace

Result<ServerSettings> read_server_settings(const StepContext& context) {
  static const Json kNone = Json::object();
  const Json& fields = context.connection() ? context.connection()->fields : kNone;
  if (!context.connection() && context.config()["database"].is_null())
    return connection_fault(context, "'resolved_connection' is required",
                            "add connection: \"@postgres.<alias>\" to the step and the alias to "
                            "osiris_connections.yaml");
  OSIRIS_TRY(refuse_unknown_fields(context, fields));
  return read_server_settings(context, fields);
}

Result<ServerSettings> read_server_settings(const StepContext& context, const Json& fields) {
  const Json& config = context.config();
  ServerSettings server;
  OSIRIS_TRY(read_host(context, fields, server));
  server.user = first_text(fields["user"], fields["username"]);
  if (server.user.empty()) server.user = config["user"].as_string_or("postgres");
  server.password = first_text(fields["password"], config["password"]);
  server.database = first_text(fields["database"], config["database"]);
  server.schema = first_text(config["schema"], fields["schema"]);
  if (server.database.empty()) return connection_fault(context, "'database' is required in connection");
  for (const std::string* text : {&server.user, &server.password, &server.database, &server.schema})
    if (text->find('\0') != std::string::npos)
      return connection_fault(context, "a connection field holds a NUL character");
  OSIRIS_TRY(read_number(context, fields, "connect_timeout", 1, 3600, server.connect_timeout_s));
  OSIRIS_TRY(read_number(context, fields, "read_timeout", 0, 86400, server.read_timeout_s));
  // Those of the step win.
  for (const Json* source : {&fields, &config}) {
    OSIRIS_TRY(read_number(context, *source, "statement_timeout", 0, 86400, server.statement_timeout_s));
    OSIRIS_TRY(read_number(context, *source, "lock_timeout", 0, 86400, server.lock_timeout_s));
  }
  OSIRIS_TRY(read_tls(context, fields, server));
  return server;
}

std::string place_of(const ServerSettings& server) {
  const bool is_ipv6 = server.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port);
}

}  // namespace osiris::worker::postgres

#include "worker/drivers/mysql/settings.h"

#include <algorithm>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/drivers/db/fields.h"

namespace osiris::worker::mysql {
namespace {

using db::connection_fault;
using db::first_text;
using db::is_plain_host;
using db::read_number;

Result<SslMode> ssl_mode_of(const StepContext& context, std::string text) {
  text = ascii_lower(text);
  std::replace(text.begin(), text.end(), '-', '_');
  if (text == "disabled") return SslMode::kDisabled;
  if (text == "preferred") return SslMode::kPreferred;
  if (text == "required") return SslMode::kRequired;
  if (text == "verify_ca") return SslMode::kVerifyCa;
  if (text == "verify_identity") return SslMode::kVerifyIdentity;
  return connection_fault(context, "ssl_mode '" + text + "' is unknown",
                          "choose disabled, preferred, required, verify_ca or verify_identity");
}

Status read_tls(const StepContext& context, const Json& fields, ServerSettings& server) {
  server.ssl_ca = fields["ssl_ca"].as_string();
  const Json& mode = fields["ssl_mode"];
  if (!mode.is_null()) {
    OSIRIS_ASSIGN(server.ssl_mode, ssl_mode_of(context, mode.as_string()));
  } else if (!server.ssl_ca.empty()) {
    server.ssl_mode = SslMode::kVerifyCa;  // as MySQL's own clients read a CA without a mode
  }
  const bool verifies = server.ssl_mode == SslMode::kVerifyCa || server.ssl_mode == SslMode::kVerifyIdentity;
  if (!server.ssl_ca.empty() && !verifies) {
    return connection_fault(context, "ssl_ca has no effect with ssl_mode " + mode.as_string(),
                            "set ssl_mode to verify_ca or verify_identity, or remove ssl_ca");
  }
  const bool is_text = server.ssl_ca.find("-----BEGIN") != std::string::npos;
  if (!server.ssl_ca.empty() && !is_text) server.ssl_ca = context.input_file(server.ssl_ca).absolute.string();
  return {};
}

Status refuse_unknown_fields(const StepContext& context, const Json& fields) {
  static const std::vector<std::string> kKnown = {
      "type",           "host",     "port",        "database",        "user",
      "username",       "password", "charset",     "connect_timeout", "read_timeout",
      "write_timeout",  "timeout",  "pool_size",   "pool_recycle",    "ssl_mode",
      "ssl_ca",         "alias",    "description", "default",         "schema",
      "max_connections"};
  OSIRIS_TRY(db::refuse_unknown_fields(context, fields, "mysql", kKnown));
  const std::string type = fields["type"].as_string_or("mysql");
  if (type != "mysql" && type != "mariadb")
    return connection_fault(context, "connection type '" + type + "' is not mysql");
  return {};
}

Status read_charset(const StepContext& context, const Json& fields) {
  const std::string charset = ascii_lower(fields["charset"].as_string_or("utf8mb4"));
  if (charset == "utf8mb4" || charset == "utf8" || charset == "utf8mb3" || charset == "utf-8") return {};
  return connection_fault(context, "charset '" + charset + "' is not supported: text arrives as utf8mb4",
                          "remove charset; the server converts from whatever the tables are stored in");
}

}  // namespace

std::string quote_identifier(std::string_view name) {
  std::string quoted = "`";
  for (const char c : name) {
    if (c == '`') quoted += '`';
    quoted += c;
  }
  return quoted + "`";
}

Result<ServerSettings> read_server_settings(const StepContext& context) {
  const Json& config = context.config();
  static const Json kNone = Json::object();
  const Json& fields = context.connection() ? context.connection()->fields : kNone;
  if (!context.connection() && config["database"].is_null()) {
    return connection_fault(context, "'resolved_connection' is required",
                            "add connection: \"@mysql.<alias>\" to the step and the alias to osiris_connections.yaml");
  }
  OSIRIS_TRY(refuse_unknown_fields(context, fields));
  OSIRIS_TRY(read_charset(context, fields));

  ServerSettings server;
  server.host = first_text(fields["host"], config["host"]);
  if (const std::string& own = config["host"].as_string(); !own.empty() && own != "localhost") server.host = own;
  if (server.host.empty()) server.host = "localhost";
  if (!is_plain_host(server.host)) {
    return connection_fault(context, "'host' must be one host name or address, got '" + server.host + "'");
  }
  if (context.connection())
    for (const Json& address : context.connection()->addresses[server.host].items())
      if (is_plain_host(address.as_string())) server.addresses.push_back(address.as_string());
  OSIRIS_TRY(read_number(context, config, "port", 1, 65535, server.port));
  if (server.port == 3306) OSIRIS_TRY(read_number(context, fields, "port", 1, 65535, server.port));
  server.user = first_text(fields["user"], fields["username"]);
  if (server.user.empty()) server.user = config["user"].as_string_or("root");
  server.password = first_text(fields["password"], config["password"]);
  server.database = first_text(fields["database"], config["database"]);
  if (const std::string schema = first_text(config["schema"], fields["schema"]); !schema.empty())
    server.database = schema;
  if (server.database.empty()) return connection_fault(context, "'database' is required in connection");
  for (const std::string* text : {&server.user, &server.password, &server.database}) {
    if (text->find('\0') != std::string::npos)
      return connection_fault(context, "a connection field holds a NUL character");
  }
  OSIRIS_TRY(read_number(context, fields, "timeout", 1, 3600, server.connect_timeout_s));
  OSIRIS_TRY(read_number(context, fields, "connect_timeout", 1, 3600, server.connect_timeout_s));
  OSIRIS_TRY(read_number(context, fields, "read_timeout", 0, 86400, server.read_timeout_s));
  OSIRIS_TRY(read_number(context, fields, "write_timeout", 0, 86400, server.write_timeout_s));
  OSIRIS_TRY(read_tls(context, fields, server));
  return server;
}

}  // namespace osiris::worker::mysql

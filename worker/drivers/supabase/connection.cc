#include "worker/drivers/supabase/connection.h"

#include <libpq-fe.h>

#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "protocol/base/text.h"
#include "worker/drivers/db/fields.h"
#include "worker/drivers/postgres/check.h"
#include "worker/drivers/supabase/rest.h"

namespace osiris::worker::supabase {
namespace {

using db::connection_fault;

constexpr std::array kDsnFields = {"pg_dsn", "sql_dsn", "dsn"};
constexpr std::string_view kRestPath = "/rest/v1";
constexpr int64_t kCheckLimit_ms = 2'000;
constexpr int64_t kRetryDelay_ms = 500;
constexpr const char* kDefaultSchema = "public";

const Json& fields_of(const StepContext& step) {
  static const Json kNone = Json::object();
  return step.connection() ? step.connection()->fields : kNone;
}

Status refuse_unknown_fields(const StepContext& step, const Json& fields) {
  static const std::vector<std::string> kKnown = {"max_connections",
                                                  "url",
                                                  "project_id",
                                                  "key",
                                                  "service_role_key",
                                                  "anon_key",
                                                  "schema",
                                                  "pg_dsn",
                                                  "sql_dsn",
                                                  "dsn",
                                                  "pg_host",
                                                  "pg_port",
                                                  "pg_database",
                                                  "pg_user",
                                                  "pg_password",
                                                  "host",
                                                  "port",
                                                  "database",
                                                  "user",
                                                  "password",
                                                  "sslmode",
                                                  "sslrootcert",
                                                  "connect_timeout",
                                                  "read_timeout",
                                                  "lock_timeout",
                                                  "alias",
                                                  "statement_timeout",
                                                  "description",
                                                  "default"};
  for (const auto& [key, value] : fields.members()) {
    if (std::find(kKnown.begin(), kKnown.end(), key) != kKnown.end()) continue;
    const auto near = nearest(key, kKnown);
    return connection_fault(step, "unknown connection field '" + key + "'",
                            near ? "did you mean '" + *near + "'?" : "known fields: " + join(kKnown, ", "));
  }
  return {};
}

// Settings of a session that the driver makes for itself.
bool is_own(std::string_view keyword) {
  for (const std::string_view own : {"application_name", "fallback_application_name", "client_encoding", "gssencmode",
                                     "target_session_attrs", "keepalives"})
    if (keyword == own) return true;
  return false;
}

// What libpq reads of a URI or of key=value pairs. Its words about one that it cannot read may show the password.
Result<Json> fields_of_dsn(const StepContext& step, const std::string& field, const std::string& dsn) {
  static constexpr std::pair<std::string_view, const char*> kNames[] = {{"host", "host"},
                                                                        {"port", "port"},
                                                                        {"dbname", "database"},
                                                                        {"user", "user"},
                                                                        {"password", "password"},
                                                                        {"sslmode", "sslmode"},
                                                                        {"sslrootcert", "sslrootcert"},
                                                                        {"connect_timeout", "connect_timeout"}};
  char* words = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(PQconninfoParse(dsn.c_str(), &words),
                                                                               PQconninfoFree);
  PQfreemem(words);
  if (!options)
    return connection_fault(step, "the connection field '" + field + "' is no connection string of PostgreSQL",
                            "write postgresql://user:password@host:5432/database, with special characters of the "
                            "password percent-encoded");
  Json fields = Json::object();
  for (const PQconninfoOption* option = options.get(); option->keyword; ++option) {
    if (!option->val || is_own(option->keyword)) continue;
    const auto known = std::find_if(std::begin(kNames), std::end(kNames),
                                    [&](const auto& name) { return name.first == option->keyword; });
    if (known == std::end(kNames))
      return connection_fault(step, "'" + field + "' holds '" + option->keyword + "', which is not supported",
                              "leave it out");
    fields.set(known->second, option->val);
  }
  if (fields["host"].as_string().empty() || fields["database"].as_string().empty())
    return connection_fault(step, "'" + field + "' names no host, or no database",
                            "write postgresql://user:password@host:5432/database");
  return fields;
}

// host, database, user and password with this before their names; null where one is missing.
Json fields_with(const Json& fields, const std::string& prefix) {
  Json found = Json::object();
  for (const char* name : {"host", "database", "user", "password"}) {
    const Json& value = fields[prefix + name];
    if (value.as_string().empty()) return {};
    found.set(name, value);
  }
  if (const Json& port = fields[prefix + "port"]; !port.is_null()) found.set("port", port);
  return found;
}

// The step's, else the connection's. The compiler writes the default into every cfg, so it counts as not given.
std::string schema_of(const StepContext& step) {
  const std::string& own = step.config()["schema"].as_string();
  if (!own.empty() && own != kDefaultSchema) return own;
  return fields_of(step)["schema"].as_string_or(kDefaultSchema);
}

}  // namespace

Result<std::optional<postgres::ServerSettings>> database_of(const StepContext& step) {
  const Json& fields = fields_of(step);
  OSIRIS_TRY(refuse_unknown_fields(step, fields));
  Json server;
  for (const char* field : kDsnFields) {
    if (fields[field].as_string().empty()) continue;
    OSIRIS_ASSIGN(server, fields_of_dsn(step, field, fields[field].as_string()));
    break;
  }
  for (const char* prefix : {"pg_", ""})
    if (server.is_null()) server = fields_with(fields, prefix);
  if (server.is_null()) return std::optional<postgres::ServerSettings>();
  for (const char* name :
       {"sslmode", "sslrootcert", "connect_timeout", "read_timeout", "lock_timeout", "statement_timeout"})
    if (server[name].is_null() && !fields[name].is_null()) server.set(name, fields[name]);
  if (server["sslmode"].is_null() && server["sslrootcert"].is_null()) server.set("sslmode", "require");
  OSIRIS_ASSIGN(postgres::ServerSettings settings, postgres::read_server_settings(step, server));
  settings.schema = schema_of(step);
  return std::optional(std::move(settings));
}

Result<Endpoint> endpoint_of(const StepContext& step) {
  const Json& fields = fields_of(step);
  OSIRIS_TRY(refuse_unknown_fields(step, fields));
  const Json& config = step.config();
  Endpoint endpoint;
  endpoint.url = db::first_text(config["url"], fields["url"]);
  const std::string project = db::first_text(config["project_id"], fields["project_id"]);
  if (endpoint.url.empty() && !project.empty()) endpoint.url = "https://" + project + ".supabase.co";
  for (const char* field : {"service_role_key", "anon_key", "key"})
    if (endpoint.key.empty()) endpoint.key = fields[field].as_string();
  if (endpoint.url.empty() || endpoint.key.empty())
    return connection_fault(step, "Supabase URL and key are required",
                            "write url (or project_id) and service_role_key into the connection, or pg_dsn alone");
  if (!endpoint.url.starts_with("https://") && !endpoint.url.starts_with("http://"))
    return connection_fault(step, "the connection's url '" + endpoint.url + "' is no URL",
                            "write https://<project>.supabase.co");
  if (endpoint.key.find_first_of("\r\n") != std::string::npos)
    return connection_fault(step, "the connection's key holds a line break");
  while (endpoint.url.ends_with('/')) endpoint.url.pop_back();
  if (!endpoint.url.ends_with(kRestPath)) endpoint.url += kRestPath;
  endpoint.schema = schema_of(step);
  endpoint.client.user_agent = "osiris supabase";
  endpoint.client.retry_delay_ms = kRetryDelay_ms;
  endpoint.client.timeout_ms = config["timeout"].as_int(30) * 1000;
  endpoint.client.retries_max = static_cast<int>(config["retries"].as_int(3));
  return endpoint;
}

Status check(StepContext& step) {
  OSIRIS_ASSIGN(const auto database, database_of(step));
  if (database) return postgres::check(step, *database);
  OSIRIS_ASSIGN(Endpoint endpoint, endpoint_of(step));
  endpoint.client.timeout_ms = kCheckLimit_ms;
  endpoint.client.retries_max = 0;
  return Rest(step, endpoint, Purpose::kRead).ping();
}

}  // namespace osiris::worker::supabase

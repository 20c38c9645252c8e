// Where a Supabase project is: its database, where the connection says how to log in there, otherwise its PostgREST.
#pragma once

#include <optional>
#include <string>

#include "worker/driver_api/driver.h"
#include "worker/drivers/postgres/settings.h"
#include "worker/drivers/web/client.h"

namespace osiris::worker::supabase {

struct Endpoint {
  std::string url;     // "https://abc.supabase.co/rest/v1"
  std::string key;     // service_role_key, else anon_key, else key
  std::string schema;  // "public"
  web::ClientOptions client;
};

// By pg_dsn, sql_dsn or dsn; by pg_host, pg_database, pg_user and pg_password; or by host, database, user and password.
// nullopt: the connection has none of them. Without an sslmode it is `require`.
Result<std::optional<postgres::ServerSettings>> database_of(const StepContext& step);

// By url or project_id, with the step's `timeout` and `retries`.
Result<Endpoint> endpoint_of(const StepContext& step);

// Logs in to the database, or asks PostgREST for nothing; in two seconds at most.
Status check(StepContext& step);

}  // namespace osiris::worker::supabase

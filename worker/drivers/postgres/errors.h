// Turns what the server or libpq said into an Error: our code, a category, and the server's own words, which never hold
// a password.
#pragma once

#include <libpq-fe.h>

#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "worker/drivers/db/deadline.h"
#include "worker/drivers/db/server_rows.h"
#include "worker/drivers/postgres/settings.h"

namespace osiris::worker::postgres {

using db::cancelled_error;
using db::Deadline;

// What an error is about decides its category.
enum class Purpose { kRead, kWrite };

struct ServerError {
  std::string sqlstate;  // five characters; empty where libpq itself gave up
  std::string message;
  std::string detail, hint, context;
  std::string constraint;

  static ServerError of(const PGresult* result, const PGconn* connection);
  // Of a log-in that failed. libpq has the SQLSTATE in its text only, where the verbosity is PQERRORS_VERBOSE.
  static ServerError of_login(const PGconn* connection);
  bool is(std::string_view state) const { return sqlstate == state; }
  bool is_class(std::string_view two) const { return std::string_view(sqlstate).substr(0, 2) == two; }
  // The connection is gone, or the server is going down.
  bool is_lost() const;
  // Of libpq's own, which has no SQLSTATE for it.
  bool is_of_memory() const;
  // "relation "x" does not exist (SQLSTATE 42P01)", with the detail.
  std::string words() const;
};

// "PostgreSQL connection failed for step <id>: ..."
Error connection_error(const std::string& step_id, const ServerSettings& server, const ServerError& error,
                       const Deadline& deadline);
// "PostgreSQL query failed: ..." or "PostgreSQL write failed: ...". `so_far`: " after 12 rows of step x", or empty.
Error statement_error(const std::string& step_id, const ServerSettings& server, const ServerError& error,
                      const Deadline& deadline, Purpose purpose, const std::string& so_far = {});

}  // namespace osiris::worker::postgres

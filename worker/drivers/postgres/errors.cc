#include "worker/drivers/postgres/errors.h"

#include <algorithm>
#include <regex>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris::worker::postgres {
namespace {

constexpr size_t kDetailBytesMax = 400;

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text ? text : "";
}

// A value of the table may be in it, and be long.
std::string shortened(std::string text) {
  if (text.size() <= kDetailBytesMax) return text;
  size_t end = kDetailBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string hint_of_login(const ServerError& error) {
  if (error.is_class("28")) return "check user and password of the connection, and what pg_hba.conf allows";
  if (error.is("53300")) return "the server takes no more connections; run fewer steps at once, or raise its limit";
  if (error.message.find("certificate") != std::string::npos || error.message.find("SSL") != std::string::npos)
    return "check sslmode, sslrootcert and, for verify-full, that host is a name in the server's certificate";
  return "check that the server runs and is reachable from where the step runs";
}

const char* hint_of_statement(const ServerError& error, Purpose purpose) {
  const bool reads = purpose == Purpose::kRead;
  if (error.is("57014") && error.message.find("timeout") != std::string::npos)
    return "raise statement_timeout of the step, or do less in one statement";
  if (error.is("55P03")) return "another session holds a lock on the table: end it, or raise lock_timeout";
  if (error.is("25006") && reads) return "an extractor only reads: statements that write are refused";
  if (error.is("25006")) return "the server takes no writes: a standby, or default_transaction_read_only is on";
  if (error.is("42P01")) return reads ? "check the table's name, and `schema`" : "check `table` and `schema`";
  if (error.is("40P01") || error.is("40001")) return "another transaction was in the way: run again";
  if (error.is("42501")) return "grant the connection's user the right to do it";
  if (error.is_class("53")) return "the server is out of disk, memory or connections: look there";
  return reads ? "try the query in psql first" : "";
}

std::string category_of(const ServerError& error, Purpose purpose) {
  const bool reads = purpose == Purpose::kRead;
  if (error.is("57014") || error.is("55P03")) return category::kRuntimeTimeout;
  if (error.is("42501")) return reads ? category::kExtractPermissionDenied : category::kWritePermissionDenied;
  if (error.is("53100") && !reads) return category::kWriteDiskFull;
  return reads ? category::kExtractQueryFailed : category::kWriteFailed;
}

}  // namespace

ServerError ServerError::of(const PGresult* result, const PGconn* connection) {
  ServerError error;
  error.sqlstate = field(result, PG_DIAG_SQLSTATE);
  error.message = field(result, PG_DIAG_MESSAGE_PRIMARY);
  error.detail = shortened(field(result, PG_DIAG_MESSAGE_DETAIL));
  error.hint = field(result, PG_DIAG_MESSAGE_HINT);
  error.context = field(result, PG_DIAG_CONTEXT);
  error.constraint = field(result, PG_DIAG_CONSTRAINT_NAME);
  if (error.message.empty()) error.message = one_line(PQerrorMessage(connection));
  return error;
}

ServerError ServerError::of_login(const PGconn* connection) {
  ServerError error;
  std::string text = PQerrorMessage(connection);
  // FATAL:  28P01: password authentication failed for user "x"
  // LOCATION:  auth_failed, auth.c:335
  static const std::regex location("\nLOCATION:[^\n]*"), state(":  ([0-9A-Z]{5}): ");
  text = std::regex_replace(text, location, "");
  if (std::smatch found; std::regex_search(text, found, state)) {
    error.sqlstate = found[1];
    text = std::regex_replace(text, state, ": ");
  }
  // libpq asks the reader whether the server is running there; the hint does.
  if (const size_t question = text.find("\n\tIs the server"); question != std::string::npos)
    text.erase(question, text.find('\n', question + 1) - question);
  error.message = one_line(text);
  return error;
}

bool ServerError::is_lost() const {
  return sqlstate.empty() || is_class("08") || is("57P01") || is("57P02") || is("57P03") || is("57P05");
}

bool ServerError::is_of_memory() const {
  return sqlstate.empty() && (message.find("out of memory") != std::string::npos ||
                              message.find("cannot allocate memory") != std::string::npos);
}

std::string ServerError::words() const {
  std::string text = message;
  if (!sqlstate.empty()) text += " (SQLSTATE " + sqlstate + ")";
  if (!detail.empty()) text += ": " + one_line(detail);
  return text;
}

Error connection_error(const std::string& step_id, const ServerSettings& server, const ServerError& error,
                       const Deadline& deadline) {
  if (deadline.is_cancelled()) return cancelled_error(step_id);
  const std::string start = "PostgreSQL connection failed for step " + step_id + ": ";
  const std::string end = ", connecting to " + place_of(server) + " as " + server.user;
  if (deadline.has_run_out())
    return Error(
        Code::kUnavailable, start + "no answer within " + std::to_string(server.connect_timeout_s) + " s" + end,
        "check host and port, and that the server is reachable from where the step runs; or raise connect_timeout",
        category::kConnectionTimeout);
  const std::string words = start + error.message + end;
  // libpq's own words for a log-in method that asks for more than was given.
  const bool is_refused = error.is_class("28") || error.message.find("no password supplied") != std::string::npos;
  if (is_refused)
    return Error(Code::kUnauthenticated, words,
                 "check user and password of the connection, and what pg_hba.conf allows",
                 category::kConnectionAuthFailed);
  if (error.is("3D000"))
    return Error(Code::kNotFound, words, "check 'database' of the connection", category::kConnectionInvalidConfig);
  return Error(Code::kUnavailable, words, hint_of_login(error), category::kConnectionFailed);
}

Error statement_error(const std::string& step_id, const ServerSettings& server, const ServerError& error,
                      const Deadline& deadline, Purpose purpose, const std::string& so_far) {
  if (deadline.is_cancelled()) return cancelled_error(step_id);
  const std::string start = purpose == Purpose::kRead ? "PostgreSQL query failed" : "PostgreSQL write failed";
  if (deadline.has_run_out())
    return Error(
        Code::kUnavailable,
        start + so_far + ": " + place_of(server) + " sent nothing for " + std::to_string(server.read_timeout_s) + " s",
        "raise read_timeout of the connection, or do less at once", category::kConnectionTimeout);
  if (error.is_of_memory())
    return Error(Code::kExhausted,
                 start + so_far + ": a row needs more memory than this run may take: " + error.words(),
                 "raise --memory-limit, or select fewer columns: a value, which may have up to 1 GiB, is held several "
                 "times on its way",
                 category::kRuntimeMemoryExceeded);
  if (error.is_lost())
    return Error(
        Code::kUnavailable, start + so_far + ": the connection to " + place_of(server) + " was lost: " + error.words(),
        "check the server's log, then run again: nothing of this attempt was kept", category::kConnectionFailed);
  const bool may_pass = error.is_class("40") || error.is_class("53");
  return Error(may_pass ? Code::kUnavailable : Code::kStepFailed, start + so_far + ": " + error.words(),
               hint_of_statement(error, purpose), category_of(error, purpose));
}

}  // namespace osiris::worker::postgres

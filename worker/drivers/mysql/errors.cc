#include "worker/drivers/mysql/errors.h"

#include <errmsg.h>
#include <mysqld_error.h>

#include <cstring>

#include "protocol/base/categories.h"

namespace osiris::worker::mysql {
namespace {

std::string place(const ServerSettings& server) {
  const bool is_ipv6 = server.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port);
}

std::string words(const MysqlError& error) {
  if (error.number == 0) return error.text;
  return error.text + " (error " + std::to_string(error.number) + ")";
}

// The library prints bare error numbers of the system: "Can't connect to server on 'db' (111)".
std::string with_system_error(std::string text) {
  const size_t open = text.rfind('(');
  if (open == std::string::npos || text.back() != ')') return text;
  const int number = std::atoi(text.c_str() + open + 1);
  if (number > 0 && number < 200) text.insert(text.size() - 1, std::string(": ") + std::strerror(number));
  return text;
}

bool is_refused_login(unsigned number) {
  switch (number) {
    case ER_ACCESS_DENIED_ERROR:
    case ER_DBACCESS_DENIED_ERROR:
    case ER_HOST_NOT_PRIVILEGED:
    case ER_HOST_IS_BLOCKED:
    case ER_MUST_CHANGE_PASSWORD:
    case ER_MUST_CHANGE_PASSWORD_LOGIN:
    case CR_AUTH_PLUGIN_CANNOT_LOAD:
    case CR_PLUGIN_NOT_ALLOWED:
      return true;
    default:
      return number == 1698 /* no password given */ || number == 3118 || number == 4151 /* account locked */;
  }
}

bool is_lost_connection(unsigned number) {
  switch (number) {
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_LOST:
    case CR_SERVER_LOST_EXTENDED:
    case CR_SSL_CONNECTION_ERROR:
    case CR_UNKNOWN_ERROR:
    case CR_MALFORMED_PACKET:
    case ER_SERVER_SHUTDOWN:
    case ER_NORMAL_SHUTDOWN:
    case 1927:  // ER_CONNECTION_KILLED
      return true;
    default:
      return false;
  }
}

bool is_permission(unsigned number) {
  switch (number) {
    case ER_TABLEACCESS_DENIED_ERROR:
    case ER_COLUMNACCESS_DENIED_ERROR:
    case ER_SPECIFIC_ACCESS_DENIED_ERROR:
    case ER_DBACCESS_DENIED_ERROR:
    case ER_PROCACCESS_DENIED_ERROR:
    case ER_VIEW_NO_EXPLAIN:
      return true;
    default:
      return false;
  }
}

constexpr unsigned kWriteInReadOnlyTransaction = 1792;
constexpr unsigned kStatementTooLong = 1969, kQueryTooLong = 3024;  // MariaDB's and MySQL's

}  // namespace

MysqlError last_error(MYSQL* mysql) { return {mysql_errno(mysql), mysql_error(mysql)}; }

MysqlError last_error(MYSQL* mysql, MYSQL_STMT* statement) {
  if (statement && mysql_stmt_errno(statement) != 0) return {mysql_stmt_errno(statement), mysql_stmt_error(statement)};
  return last_error(mysql);
}

Error connection_error(const std::string& step_id, const ServerSettings& server, const MysqlError& error,
                       const Deadline& deadline) {
  if (deadline.is_cancelled()) return cancelled_error(step_id);
  const std::string start = "MySQL connection failed for step " + step_id + ": ";
  const std::string end = ", connecting to " + place(server) + " as " + server.user;
  if (deadline.has_run_out()) {
    return Error(
        Code::kUnavailable, start + "no answer within " + std::to_string(server.connect_timeout_s) + " s" + end,
        "check host and port, and that the server is reachable from where the step runs; or raise connect_timeout",
        category::kConnectionTimeout);
  }
  if (error.number == CR_AUTH_PLUGIN_CANNOT_LOAD || error.number == CR_PLUGIN_NOT_ALLOWED) {
    return Error(Code::kUnauthenticated,
                 start + "the server asks for a log-in method this client does not have" + end + "; " + words(error),
                 "use an account identified by mysql_native_password or caching_sha2_password",
                 category::kConnectionAuthFailed);
  }
  if (is_refused_login(error.number)) {
    return Error(Code::kUnauthenticated, start + words(error) + end,
                 "check user and password of the connection, and what the account may see",
                 category::kConnectionAuthFailed);
  }
  if (error.number == ER_BAD_DB_ERROR) {
    return Error(Code::kNotFound, start + words(error) + end,
                 "check 'database' of the connection and 'schema' of the step", category::kConnectionInvalidConfig);
  }
  if (error.number == CR_UNKNOWN_HOST) {
    return Error(Code::kUnavailable, start + "host name '" + server.host + "' cannot be resolved" + end,
                 "check 'host' of the connection", category::kConnectionFailed);
  }
  if (error.number == CR_SSL_CONNECTION_ERROR) {
    return Error(Code::kUnavailable, start + words(error) + end,
                 "check ssl_mode, ssl_ca and, for verify_identity, that host is a name in the server's certificate",
                 category::kConnectionFailed);
  }
  return Error(Code::kUnavailable,
               start + with_system_error(error.text) + " (error " + std::to_string(error.number) + ")" + end,
               "check that the server runs and is reachable from where the step runs", category::kConnectionFailed);
}

Error query_error(const std::string& step_id, const ServerSettings& server, const MysqlError& error,
                  const Deadline& deadline, uint64_t rows_so_far) {
  if (deadline.is_cancelled()) return cancelled_error(step_id);
  const std::string rows = std::to_string(rows_so_far) + " rows";
  if (deadline.has_run_out()) {
    return Error(Code::kUnavailable,
                 "MySQL execution failed: " + place(server) + " sent nothing for " +
                     std::to_string(server.read_timeout_s) + " s after " + rows + " of step " + step_id,
                 "raise read_timeout of the connection, or make the query quicker", category::kConnectionTimeout);
  }
  if (is_lost_connection(error.number)) {
    return Error(Code::kUnavailable,
                 "MySQL execution failed: the connection to " + place(server) + " was lost after " + rows +
                     " of step " + step_id + ": " + words(error),
                 "check the server's log, then run again: no rows of this attempt were kept",
                 category::kConnectionFailed);
  }
  const std::string start = rows_so_far == 0 ? "MySQL query failed: " : "MySQL query failed after " + rows + ": ";
  if (error.number == CR_OUT_OF_MEMORY)
    return Error(Code::kExhausted, start + "a row needs more memory than this run may take: " + words(error),
                 "raise --memory-limit, or select fewer columns: a value, which may have up to 1 GiB, is held several "
                 "times on its way",
                 category::kRuntimeMemoryExceeded);
  if (error.number == CR_NET_PACKET_TOO_LARGE)
    return Error(Code::kStepFailed,
                 start + "row " + std::to_string(rows_so_far + 1) +
                     " has more than 1 GiB, the most that a client of MySQL reads: " + words(error),
                 "select fewer columns, or a part of the value: SUBSTRING(...)", category::kExtractSchemaMismatch);
  if (error.number == kWriteInReadOnlyTransaction) {
    return Error(Code::kStepFailed, start + words(error), "an extractor only reads: statements that write are refused",
                 category::kExtractQueryFailed);
  }
  if (error.number == kStatementTooLong || error.number == kQueryTooLong)
    return Error(Code::kStepFailed, start + words(error),
                 "raise source.statement_timeout of the step, or make the query quicker", category::kRuntimeTimeout);
  if (is_permission(error.number)) {
    return Error(Code::kStepFailed, start + words(error), "grant " + server.user + " the right to read it",
                 category::kExtractPermissionDenied);
  }
  return Error(Code::kStepFailed, start + words(error), "try the query in a MySQL client first",
               category::kExtractQueryFailed);
}

Error write_error(const std::string& step_id, const ServerSettings& server, const MysqlError& error,
                  const Deadline& deadline, const std::string& where) {
  if (deadline.is_cancelled()) return cancelled_error(step_id);
  const std::string start = "MySQL write failed" + where + ": ";
  if (deadline.has_run_out())
    return Error(Code::kUnavailable,
                 start + place(server) + " said nothing for " + std::to_string(server.read_timeout_s) + " s",
                 "raise read_timeout and write_timeout of the connection", category::kConnectionTimeout);
  if (is_lost_connection(error.number))
    return Error(Code::kUnavailable, start + "the connection to " + place(server) + " was lost: " + words(error),
                 "check the server's log, then run again: nothing of this attempt was kept",
                 category::kConnectionFailed);
  switch (error.number) {
    case ER_LOCK_WAIT_TIMEOUT:
      return Error(Code::kStepFailed, start + words(error),
                   "another session holds a lock on the table: end it, or raise lock_timeout",
                   category::kRuntimeTimeout);
    case ER_LOCK_DEADLOCK:
      return Error(Code::kUnavailable, start + words(error), "another transaction was in the way: run again",
                   category::kWriteFailed);
    case ER_OPTION_PREVENTS_STATEMENT:
    case kWriteInReadOnlyTransaction:
      return Error(Code::kStepFailed, start + words(error), "the server takes no writes: a replica, or read_only is on",
                   category::kWriteFailed);
    case ER_RECORD_FILE_FULL:
    case ER_DISK_FULL:
      return Error(Code::kUnavailable, start + words(error), "the server is out of disk", category::kWriteDiskFull);
    default:
      break;
  }
  if (is_permission(error.number) || error.number == ER_DBACCESS_DENIED_ERROR)
    return Error(Code::kStepFailed, start + words(error), "grant " + server.user + " the right to do it",
                 category::kWritePermissionDenied);
  return Error(Code::kStepFailed, start + words(error), {}, category::kWriteFailed);
}

}  // namespace osiris::worker::mysql

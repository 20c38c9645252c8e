#include "worker/drivers/mysql/connection.h"

#include <errmsg.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>

#include "protocol/base/categories.h"
#include "worker/drivers/db/fields.h"
#include "worker/drivers/db/places.h"
#include "worker/drivers/mysql/errors.h"
#include "worker/drivers/mysql/login.h"
#include "worker/drivers/mysql/wait_scope.h"

namespace osiris::worker::mysql {
namespace {

// A server may ask for a file at any time; it gets nothing until a load sets its own handler.
void refuse_local_data(MYSQL* mysql) {
  mysql_set_local_infile_handler(
      mysql, [](void**, const char*, void*) { return 1; }, [](void*, char*, unsigned) { return -1; }, [](void*) {},
      [](void*, char* text, unsigned size) {
        std::snprintf(text, size, "no data was offered");
        return 1;
      },
      nullptr);
}

// No server was there to talk to: no answer came, or the connection was closed before the log-in, as a firewall does.
bool is_unreached(unsigned error) {
  return error == CR_CONNECTION_ERROR || error == CR_CONN_HOST_ERROR || error == CR_UNKNOWN_HOST ||
         error == CR_SERVER_LOST || error == CR_SERVER_GONE_ERROR || error == CR_SERVER_LOST_EXTENDED;
}

// The server's, not the client library's: the connection goes on.
bool is_of_the_server(unsigned error) { return error != 0 && (error < 2000 || error >= 3000); }

// What a server may cut a result or its list of warnings by. The largest value of group_concat_max_len whose fourfold,
// the bytes of a character, still fits 32 bits; no value is larger than max_allowed_packet anyway.
constexpr const char* kLimitsLifted[] = {
    "SET SESSION sql_select_limit = 18446744073709551615",
    "SET SESSION group_concat_max_len = 1073741823",
    "SET SESSION max_error_count = 65535",
};

}  // namespace

Status Connection::set_tls(const CallContext& call) {
  const bool verifies = ssl_mode_ == SslMode::kVerifyCa || ssl_mode_ == SslMode::kVerifyIdentity;
  const my_bool use = ssl_mode_ != SslMode::kDisabled;
  // Taken back by the log-in plugin where the mode asks for less; see settle_tls() there.
  const my_bool insist = verifies || ssl_mode_ == SslMode::kRequired;
  mysql_optionsv(mysql_, MYSQL_OPT_SSL_ENFORCE, &use);
  mysql_optionsv(mysql_, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &insist);
  if (use) mysql_optionsv(mysql_, MARIADB_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3");
  if (verifies) {
    OSIRIS_ASSIGN(ssl_ca_, db::ca_file(ssl_ca_, "ssl_ca", call.scratch_dir, call.step_id));
    mysql_optionsv(mysql_, MYSQL_OPT_SSL_CA, ssl_ca_.c_str());
  }
  return {};
}

Result<std::unique_ptr<Connection>> Connection::open(const ServerSettings& server, const CallContext& call,
                                                     bool sends_data) {
  initialise_client_library();
  Deadline& deadline = *call.deadline;
  const WaitScope scope(deadline);
  deadline.set(Clock::now() + std::chrono::seconds(server.connect_timeout_s));
  std::optional<Error> first;
  for (const db::Place& place :
       db::places_of(server.host, server.addresses, deadline, std::chrono::seconds(server.connect_timeout_s))) {
    MysqlError error;
    auto connected = open_at(place.name, server, call, sends_data, error);
    if (connected) {
      deadline.set(std::nullopt);
      return connected;
    }
    if (!first) first = connected.error();
    if (!is_unreached(error.number) || deadline.is_cancelled() || deadline.has_run_out()) break;
  }
  return first.value_or(connection_error(call.step_id, server, {CR_UNKNOWN_HOST, "unknown host"}, deadline));
}

Result<std::unique_ptr<Connection>> Connection::open_at(const std::string& place, const ServerSettings& server,
                                                        const CallContext& call, bool sends_data, MysqlError& error) {
  std::unique_ptr<Connection> connection(new Connection);
  MYSQL* mysql = connection->mysql_ = mysql_init(nullptr);
  if (!mysql)
    return Error(Code::kExhausted, "Step " + call.step_id + ": out of memory", {}, category::kRuntimeMemoryExceeded);
  connection->ssl_mode_ = server.ssl_mode;
  connection->ssl_ca_ = server.ssl_ca;
  connection->server_name_ = server.host;

  const unsigned tcp = MYSQL_PROTOCOL_TCP;  // the library would take "localhost" for a socket file
  // Without a handler of its own a server could ask for any file of this machine.
  const unsigned local_data = sends_data ? 1 : 0;
  if (sends_data) refuse_local_data(mysql);
  const unsigned long packet_bytes_max = 1ul << 30;
  const my_bool no = 0;
  mysql_optionsv(mysql, MYSQL_OPT_PROTOCOL, &tcp);
  mysql_optionsv(mysql, MYSQL_OPT_LOCAL_INFILE, &local_data);
  mysql_optionsv(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet_bytes_max);
  mysql_optionsv(mysql, MYSQL_REPORT_DATA_TRUNCATION, &no);
  mysql_optionsv(mysql, MYSQL_OPT_RECONNECT, &no);
  mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  mysql_optionsv(mysql, MYSQL_DEFAULT_AUTH, kLoginPluginName);
  mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH, kLoginPluginsAllowed);
  mysql_optionsv(mysql, MARIADB_OPT_USERDATA, const_cast<char*>(kSslModeKey),
                 static_cast<void*>(&connection->ssl_mode_));
  mysql_optionsv(mysql, MARIADB_OPT_USERDATA, const_cast<char*>(kServerNameKey),
                 static_cast<void*>(&connection->server_name_));
  mysql_optionsv(mysql, MARIADB_OPT_IO_WAIT, &WaitScope::io_wait);
  OSIRIS_TRY(connection->set_tls(call));

  const MYSQL* connected = mysql_real_connect(mysql, place.c_str(), server.user.c_str(), server.password.c_str(),
                                              server.database.c_str(), server.port, nullptr, 0);
  if (!connected) {
    error = last_error(mysql);
    return connection_error(call.step_id, server, error, *call.deadline);
  }
  connection->opened_at_ = Clock::now();
  db::keep_alive(mysql_get_socket(mysql));
  return connection;
}

Connection::~Connection() {
  if (mysql_) mysql_close(mysql_);
}

Status Connection::run(const std::string& statement, const ServerSettings& server, const CallContext& call) {
  if (call.echo) call.echo(statement);
  if (mysql_real_query(mysql_, statement.data(), statement.size()) != 0) {
    return connection_error(call.step_id, server, last_error(mysql_), *call.deadline);
  }
  return {};
}

Status Connection::try_to_run(const std::string& statement, const ServerSettings& server, const CallContext& call) {
  const Status status = run(statement, server, call);
  return is_of_the_server(mysql_errno(mysql_)) ? Status() : status;
}

Status Connection::prepare_session(const ServerSettings& server, const CallContext& call) {
  const WaitScope scope(*call.deadline);
  call.deadline->set_limits_s(server.read_timeout_s, server.write_timeout_s);
  call.deadline->set(Clock::now() + std::chrono::seconds(server.connect_timeout_s));
  // net_write_timeout: how long the server waits for us while DuckDB spills; its default is a minute.
  OSIRIS_TRY(run("SET NAMES utf8mb4", server, call));
  OSIRIS_TRY(run("SET SESSION time_zone = '+00:00', SESSION net_write_timeout = 3600", server, call));
  for (const char* limit : kLimitsLifted) OSIRIS_TRY(try_to_run(limit, server, call));
  OSIRIS_TRY(run("SET SESSION TRANSACTION READ ONLY", server, call));
  OSIRIS_TRY(run("START TRANSACTION READ ONLY", server, call));
  call.deadline->set(std::nullopt);
  return {};
}

Status Connection::prepare_writing(const ServerSettings& server, const CallContext& call) {
  const WaitScope scope(*call.deadline);
  call.deadline->set_limits_s(server.read_timeout_s, server.write_timeout_s);
  call.deadline->set(Clock::now() + std::chrono::seconds(server.connect_timeout_s));
  OSIRIS_TRY(run("SET NAMES utf8mb4", server, call));
  OSIRIS_TRY(
      run("SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO', sql_notes = 1, "
          "max_error_count = 64, autocommit = 0, net_read_timeout = 3600",
          server, call));
  call.deadline->set(std::nullopt);
  return {};
}

Status Connection::limit_rows(uint64_t rows_max, const ServerSettings& server, const CallContext& call) {
  return try_to_run("SET SESSION sql_select_limit = " + std::to_string(rows_max), server, call);
}

Status Connection::limit_statements(uint32_t seconds, const ServerSettings& server, const CallContext& call) {
  return run(mariadb_connection(mysql_) != 0
                 ? "SET SESSION max_statement_time = " + std::to_string(seconds)
                 : "SET SESSION max_execution_time = " + std::to_string(uint64_t{seconds} * 1000),
             server, call);
}

Status Connection::end_transaction(const ServerSettings& server, const CallContext& call) {
  const WaitScope scope(*call.deadline);
  call.deadline->set(Clock::now() + std::chrono::seconds(server.connect_timeout_s));
  OSIRIS_TRY(run("ROLLBACK", server, call));
  call.deadline->set(std::nullopt);
  return {};
}

bool Connection::reset(const CallContext& call) {
  const WaitScope scope(*call.deadline);
  call.deadline->set(Clock::now() + std::chrono::seconds(5));
  const bool usable = mysql_reset_connection(mysql_) == 0;
  call.deadline->set(std::nullopt);
  return usable && !call.deadline->has_run_out();
}

void Connection::abandon() { shutdown(mysql_get_socket(mysql_), SHUT_RDWR); }

Status Connection::ping(const ServerSettings& server, const CallContext& call, Clock::time_point deadline) {
  const WaitScope scope(*call.deadline);
  call.deadline->set(deadline);
  OSIRIS_TRY(run("SELECT 1", server, call));
  MYSQL_RES* rows = mysql_store_result(mysql_);
  if (!rows) return connection_error(call.step_id, server, last_error(mysql_), *call.deadline);
  mysql_free_result(rows);
  return {};
}

}  // namespace osiris::worker::mysql

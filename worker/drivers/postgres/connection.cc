#include "worker/drivers/postgres/connection.h"

#include <poll.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "protocol/base/categories.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/db/fields.h"
#include "worker/drivers/db/places.h"

namespace osiris::worker::postgres {
namespace {

// libpq would read ~/.pgpass, ~/.postgresql/ and the like; nothing is there.
constexpr const char* kNoFile = "/dev/null/osiris";
constexpr int kVersionMin = 100000;
constexpr size_t kCopyRoomMax = size_t{1} << 30;  // libpq counts in ints

// The session, whatever the server's and the account's defaults are. `client_connection_check_interval` makes a server
// end a statement whose client is gone; servers before 14 do not have it, nor do those of some systems.
constexpr char kSession[] =
    "SELECT set_config(name, value, false) FROM (VALUES "
    "('TimeZone', 'UTC'), ('DateStyle', 'ISO, YMD'), ('IntervalStyle', 'postgres'), ('bytea_output', 'hex'), "
    "('extra_float_digits', '3'), ('lc_monetary', 'C'), ('xmloption', 'content'), "
    "('standard_conforming_strings', 'on'), ('client_connection_check_interval', '2s')) AS wanted(name, value) "
    "WHERE EXISTS (SELECT FROM pg_catalog.pg_settings s WHERE s.name = wanted.name)";

// No server was there to talk to.
bool is_unreached(const ServerError& error) { return error.sqlstate.empty(); }

}  // namespace

uint64_t Answer::affected() const {
  const char* text = PQcmdTuples(result_.get());
  uint64_t rows = 0;
  std::from_chars(text, text + std::strlen(text), rows);
  return rows;
}

bool Connection::wait(bool is_read) { return call_.deadline->wait(PQsocket(connection_.get()), is_read) == 1; }

Result<std::unique_ptr<Connection>> Connection::open(const ServerSettings& server, const CallContext& call,
                                                     Purpose purpose) {
  Deadline& deadline = *call.deadline;
  deadline.set(Clock::now() + std::chrono::seconds(server.connect_timeout_s));
  std::optional<Error> first;
  for (const db::Place& place :
       db::places_of(server.host, server.addresses, deadline, std::chrono::seconds(server.connect_timeout_s))) {
    for (const std::string& address : place.addresses) {
      std::unique_ptr<Connection> connection(new Connection(server, call, purpose));
      ServerError error;
      const Status done = connection->log_in(address, error);
      if (done) {
        OSIRIS_TRY(connection->prepare_session());
        deadline.set(std::nullopt);
        deadline.set_limits_s(server.read_timeout_s, server.read_timeout_s);
        return connection;
      }
      if (!first) first = done.error();
      if (!is_unreached(error) || deadline.is_cancelled() || deadline.has_run_out()) return *first;
    }
  }
  ServerError unknown;
  unknown.message = "host name '" + server.host + "' cannot be resolved";
  return first.value_or(connection_error(call.step_id, server, unknown, deadline));
}

Status Connection::log_in(const std::string& address, ServerError& error) {
  std::string root = kNoFile;
  if (server_.verifies()) {
    OSIRIS_ASSIGN(root, db::ca_file(server_.sslrootcert, "sslrootcert", call_.scratch_dir, call_.step_id));
  }
  const std::string port = std::to_string(server_.port);
  const std::pair<const char*, const char*> options[] = {{"host", server_.host.c_str()},
                                                         {"hostaddr", address.c_str()},
                                                         {"port", port.c_str()},
                                                         {"dbname", server_.database.c_str()},
                                                         {"user", server_.user.c_str()},
                                                         {"password", server_.password.c_str()},
                                                         {"passfile", kNoFile},
                                                         {"sslmode", server_.sslmode.c_str()},
                                                         {"sslrootcert", root.c_str()},
                                                         {"sslcert", kNoFile},
                                                         {"sslcrl", kNoFile},
                                                         {"gssencmode", "disable"},
                                                         {"client_encoding", "UTF8"},
                                                         {"application_name", "osiris"},
                                                         {"target_session_attrs", "any"}};
  std::vector<const char*> names, values;
  for (const auto& [name, value] : options) names.push_back(name), values.push_back(value);
  names.push_back(nullptr), values.push_back(nullptr);
  connection_.reset(PQconnectStartParams(names.data(), values.data(), 0));
  if (!connection_)
    return Error(Code::kExhausted, "Step " + call_.step_id + ": out of memory", {}, category::kRuntimeMemoryExceeded);
  PQsetErrorVerbosity(connection_.get(), PQERRORS_VERBOSE);
  PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
  PostgresPollingStatusType state =
      PQstatus(connection_.get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED || !wait(state == PGRES_POLLING_READING)) {
      error = ServerError::of_login(connection_.get());
      return connection_error(call_.step_id, server_, error, *call_.deadline);
    }
    state = PQconnectPoll(connection_.get());
  }
  db::keep_alive(PQsocket(connection_.get()));
  PQsetnonblocking(connection_.get(), 1);
  if (server_version() < kVersionMin)
    return Error(Code::kUnsupported,
                 "Step " + call_.step_id + ": " + place_of(server_) + " is PostgreSQL " +
                     std::to_string(server_version() / 10000) + ", and 10 is the oldest that is supported",
                 {}, category::kConnectionInvalidConfig);
  return {};
}

Status Connection::prepare_session() {
  OSIRIS_TRY(run(kSession));
  for (const auto& [name, seconds] : {std::pair("statement_timeout", server_.statement_timeout_s),
                                      std::pair("lock_timeout", server_.lock_timeout_s)}) {
    if (seconds > 0) OSIRIS_TRY(run("SET " + std::string(name) + " = '" + std::to_string(seconds) + "s'"));
  }
  if (!server_.schema.empty()) {
    OSIRIS_ASSIGN(const Answer there, ask("SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1", {server_.schema}));
    if (there.rows() == 0)
      return Error(Code::kNotFound, "Step " + call_.step_id + ": the database has no schema '" + server_.schema + "'",
                   "check 'schema'", category::kConnectionInvalidConfig);
    OSIRIS_TRY(run("SET search_path = " + sql::quote_identifier(server_.schema)));
  }
  return {};
}

Error Connection::failed(const Answer& answer, const std::string& so_far) {
  last_error_ = ServerError::of(answer.get(), connection_.get());
  return statement_error(call_.step_id, server_, last_error_, *call_.deadline, purpose_, so_far);
}

Error Connection::lost(const std::string& so_far) {
  last_error_ = ServerError::of(nullptr, connection_.get());
  return statement_error(call_.step_id, server_, last_error_, *call_.deadline, purpose_, so_far);
}

Status Connection::flush() {
  for (;;) {
    const int left = PQflush(connection_.get());
    if (left == 0) return {};
    if (left < 0) return lost();
    // The server may be waiting for us to take what it says before it takes more.
    pollfd fd = {PQsocket(connection_.get()), POLLIN, 0};
    if (poll(&fd, 1, 0) == 1 && PQconsumeInput(connection_.get()) == 0) return lost();
    if (!wait(false)) return lost();
  }
}

Result<Answer> Connection::next_result(bool& is_end) {
  while (PQisBusy(connection_.get())) {
    if (!wait(true) || PQconsumeInput(connection_.get()) == 0) return lost();
  }
  PGresult* result = PQgetResult(connection_.get());
  is_end = result == nullptr;
  return Answer(result);
}

Result<Answer> Connection::finish_statement() {
  std::optional<Answer> first;
  std::optional<Error> error;
  for (;;) {
    bool is_end = false;
    OSIRIS_ASSIGN(Answer answer, next_result(is_end));
    if (is_end) break;
    const ExecStatusType status = answer.status();
    if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
      if (!error) error = failed(answer);
      if (PQstatus(connection_.get()) == CONNECTION_BAD) break;
    } else if (!first) {
      first = std::move(answer);
    }
  }
  if (error) return *error;
  if (!first) return lost();
  return std::move(*first);
}

Result<Answer> Connection::ask(const std::string& sql, const std::vector<std::string>& values) {
  echo(sql);
  std::vector<const char*> texts;
  for (const std::string& value : values) texts.push_back(value.c_str());
  const int sent = values.empty() ? PQsendQuery(connection_.get(), sql.c_str())
                                  : PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()),
                                                      nullptr, texts.data(), nullptr, nullptr, 0);
  if (sent == 0) return lost();
  OSIRIS_TRY(flush());
  return finish_statement();
}

Status Connection::run(const std::string& sql) {
  const auto answer = ask(sql);
  return answer.ok() ? Status() : Status(answer.error());
}

Result<Answer> Connection::describe(const std::string& sql) {
  if (PQsendPrepare(connection_.get(), "", sql.c_str(), 0, nullptr) == 0) return lost();
  OSIRIS_TRY(flush());
  const auto prepared = finish_statement();
  if (!prepared.ok()) return prepared.error();
  if (PQsendDescribePrepared(connection_.get(), "") == 0) return lost();
  OSIRIS_TRY(flush());
  return finish_statement();
}

Status Connection::begin_copy(const std::string& sql, ExecStatusType wanted) {
  echo(sql);
  if (PQsendQuery(connection_.get(), sql.c_str()) == 0) return lost();
  OSIRIS_TRY(flush());
  bool is_end = false;
  OSIRIS_ASSIGN(const Answer answer, next_result(is_end));
  if (!is_end && answer.status() == wanted) return {};
  const Error error = failed(answer);
  while (!is_end && PQstatus(connection_.get()) == CONNECTION_OK) {
    OSIRIS_ASSIGN(const Answer rest, next_result(is_end));
  }
  return error;
}

Status Connection::begin_copy_out(const std::string& sql) { return begin_copy(sql, PGRES_COPY_OUT); }
Status Connection::begin_copy_in(const std::string& sql) { return begin_copy(sql, PGRES_COPY_IN); }

// PQgetlineAsync() copies a message to where it is wanted, or a part of it; PQgetCopyData() would allocate memory for
// each, which is for each row.
Result<size_t> Connection::next_copy_data(char* buffer, size_t room, const std::function<std::string()>& so_far) {
  room = std::min(room, kCopyRoomMax);
  for (;;) {
    size_t got = std::min(room, left_.size());
    std::memcpy(buffer, left_.data(), got);
    left_.erase(0, got);
    int size = 1;
    for (; size > 0 && got < room; got += static_cast<size_t>(std::max(size, 0)))
      size = PQgetlineAsync(connection_.get(), buffer + got, static_cast<int>(room - got));
    if (got > 0) return got;
    if (size < 0) break;  // the end, which it tells each time, and which no copy is in progress after
    // It says the same of a message without bytes as of none.
    char* memory = nullptr;
    size = PQgetCopyData(connection_.get(), &memory, 1);
    if (size == -2) return lost(so_far());
    if (size == -1) break;
    if (size > 0) {
      left_.assign(memory, static_cast<size_t>(size));
      PQfreemem(memory);
    } else if (!wait(true) || PQconsumeInput(connection_.get()) == 0) {
      return lost(so_far());
    }
  }
  auto end = finish_statement();
  if (!end.ok()) return statement_error(call_.step_id, server_, last_error_, *call_.deadline, purpose_, so_far());
  return size_t{0};
}

Status Connection::put_copy_data(std::string_view bytes) {
  // libpq sends whole blocks of 8 KiB at once, and the rest by a call of its own: a message with its head is a number
  // of blocks. What a send leaves over is moved to the front of libpq's buffer: little of it.
  constexpr size_t kHeadBytes = 5;
  constexpr size_t kPieceBytes = (size_t{64} << 10) - kHeadBytes;
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kPieceBytes);
    const int taken = PQputCopyData(connection_.get(), piece.data(), static_cast<int>(piece.size()));
    if (taken < 0) return lost();
    if (taken > 0) bytes.remove_prefix(piece.size());
    OSIRIS_TRY(flush());
  }
  return {};
}

Result<Answer> Connection::end_copy_in() {
  int ended = 0;
  while ((ended = PQputCopyEnd(connection_.get(), nullptr)) == 0) OSIRIS_TRY(flush());
  if (ended < 0) return lost();
  OSIRIS_TRY(flush());
  return finish_statement();
}

Status Connection::ping(Clock::time_point deadline) {
  call_.deadline->set(deadline);
  return run("SELECT 1");
}

}  // namespace osiris::worker::postgres

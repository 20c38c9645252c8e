// One logged-in connection to a server, over libpq, which never blocks: every wait goes through the call's Deadline, so
// cancelling ends it at once, TLS or not. Used by one thread at a time.
#pragma once

#include <libpq-fe.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "worker/drivers/db/call.h"
#include "worker/drivers/postgres/errors.h"
#include "worker/drivers/postgres/settings.h"

namespace osiris::worker::postgres {

using db::CallContext;

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
// A finished statement's answer.
class Answer {
 public:
  Answer() = default;
  explicit Answer(PGresult* result) : result_(result) {}
  PGresult* get() const { return result_.get(); }
  ExecStatusType status() const { return PQresultStatus(result_.get()); }
  size_t rows() const { return static_cast<size_t>(PQntuples(result_.get())); }
  size_t columns() const { return static_cast<size_t>(PQnfields(result_.get())); }
  bool is_null(size_t row, size_t column) const {
    return PQgetisnull(result_.get(), static_cast<int>(row), static_cast<int>(column)) != 0;
  }
  // Empty for NULL.
  std::string text(size_t row, size_t column) const {
    return PQgetvalue(result_.get(), static_cast<int>(row), static_cast<int>(column));
  }
  // Rows that the statement wrote or copied.
  uint64_t affected() const;

 private:
  std::unique_ptr<PGresult, ClearResult> result_;
};

class Connection {
 public:
  using Clock = Deadline::Clock;

  // By the server's name as this machine resolves it; where that leads to no server, by the addresses that were lent
  // for it. TLS checks the name either way. `server` and `call` outlive it.
  static Result<std::unique_ptr<Connection>> open(const ServerSettings& server, const CallContext& call,
                                                  Purpose purpose);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Runs one statement. `values` take the place of $1, $2 ... and are texts.
  Result<Answer> ask(const std::string& sql, const std::vector<std::string>& values = {});
  Status run(const std::string& sql);
  // What the columns of the statement would be; nothing is executed.
  Result<Answer> describe(const std::string& sql);

  // COPY ... TO STDOUT: begun, then taken in pieces.
  Status begin_copy_out(const std::string& sql);
  // As much as is there, but for `room`; it waits for the first byte. 0 at the end. Where messages end is not told.
  // `so_far`, asked where it fails: " after 12 rows of step x", or empty.
  Result<size_t> next_copy_data(char* buffer, size_t room, const std::function<std::string()>& so_far);

  // COPY ... FROM STDIN: begun, fed, and ended with what the server says of it.
  Status begin_copy_in(const std::string& sql);
  Status put_copy_data(std::string_view bytes);
  Result<Answer> end_copy_in();

  // Of the statement that failed last; last_failure() words it anew, with `where` in it.
  const ServerError& last_error() const { return last_error_; }
  Error last_failure(const std::string& where) const {
    return statement_error(call_.step_id, server_, last_error_, *call_.deadline, purpose_, where);
  }
  int server_version() const { return PQserverVersion(connection_.get()); }
  // SELECT 1, answered before `deadline`.
  Status ping(Clock::time_point deadline);

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };

  Connection(const ServerSettings& server, const CallContext& call, Purpose purpose)
      : server_(server), call_(call), purpose_(purpose) {}
  // `error` says what libpq found wrong.
  Status log_in(const std::string& address, ServerError& error);
  Status prepare_session();
  bool wait(bool is_read);
  Status flush();
  // All results up to the end of the statement; the first one that is an error wins.
  Result<Answer> finish_statement();
  Result<Answer> next_result(bool& is_end);
  Status begin_copy(const std::string& sql, ExecStatusType wanted);
  Error failed(const Answer& answer, const std::string& so_far = {});
  Error lost(const std::string& so_far = {});
  void echo(const std::string& sql) const {
    if (call_.echo) call_.echo(sql);
  }

  const ServerSettings& server_;
  const CallContext& call_;
  Purpose purpose_;
  std::unique_ptr<PGconn, Finish> connection_;
  std::string left_;  // of COPY: taken from libpq and not given yet
  ServerError last_error_;
};

}  // namespace osiris::worker::postgres

// One logged-in connection to a server. Used by one thread at a time.
#pragma once

#include <mysql.h>

#include <chrono>
#include <memory>
#include <string>

#include "protocol/base/error.h"
#include "worker/drivers/db/call.h"
#include "worker/drivers/mysql/errors.h"
#include "worker/drivers/mysql/settings.h"

namespace osiris::worker::mysql {

using db::CallContext;

class Connection {
 public:
  using Clock = std::chrono::steady_clock;

  // By the server's name as this machine resolves it; where that leads to no server, by the addresses that were lent
  // for it. TLS checks the name either way.
  // `sends_data`: LOAD DATA LOCAL is possible, and asks the caller's own handler for the data, never for a file.
  static Result<std::unique_ptr<Connection>> open(const ServerSettings& server, const CallContext& call,
                                                  bool sends_data = false);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  MYSQL* handle() { return mysql_; }
  Clock::time_point opened_at() const { return opened_at_; }

  // Text in utf8mb4, times in UTC, no limit of the server's on results as far as the account may lift it, and a
  // read-only transaction begun. To be called before the first statement of each step.
  Status prepare_session(const ServerSettings& server, const CallContext& call);
  // Text in utf8mb4, times in UTC, and every value that would be changed an error or a warning.
  Status prepare_writing(const ServerSettings& server, const CallContext& call);
  // The server ends a SELECT without a LIMIT of its own after so many rows; one that cannot sends them all.
  Status limit_rows(uint64_t rows_max, const ServerSettings& server, const CallContext& call);
  // The server ends each later SELECT (MariaDB: each statement) after so long.
  Status limit_statements(uint32_t seconds, const ServerSettings& server, const CallContext& call);
  // Ends the transaction, so that no lock outlives the step.
  Status end_transaction(const ServerSettings& server, const CallContext& call);
  // Forgets the state that the step before left; false when the connection is of no more use.
  bool reset(const CallContext& call);
  // SELECT 1, answered before `deadline`.
  Status ping(const ServerSettings& server, const CallContext& call, Clock::time_point deadline);
  // Cuts the line, so that closing what is under way does not first read the rest of it.
  void abandon();

 private:
  Connection() = default;
  // `place`: the server's name or one of its addresses. `error` says what the library found wrong.
  static Result<std::unique_ptr<Connection>> open_at(const std::string& place, const ServerSettings& server,
                                                     const CallContext& call, bool sends_data, MysqlError& error);
  Status set_tls(const CallContext& call);
  Status run(const std::string& statement, const ServerSettings& server, const CallContext& call);
  // The same for what a server may refuse without harm.
  Status try_to_run(const std::string& statement, const ServerSettings& server, const CallContext& call);

  MYSQL* mysql_ = nullptr;
  SslMode ssl_mode_ = SslMode::kPreferred;
  std::string ssl_ca_;
  std::string server_name_;  // lent to the library
  Clock::time_point opened_at_;
};

}  // namespace osiris::worker::mysql

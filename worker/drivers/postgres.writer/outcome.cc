// What became of a transaction whose COMMIT got no answer.
#include <thread>

#include "protocol/base/categories.h"
#include "worker/drivers/postgres.writer/load.h"

namespace osiris::worker::postgres {
namespace {

constexpr std::chrono::milliseconds kPause(200);

Error unknown_outcome(const std::string& table, const std::string& transaction, const Error& why) {
  return Error(Code::kInvalidState,
               "PostgreSQL write failed: outcome unknown: the connection was lost while transaction " + transaction +
                   " into table " + table + " was committed, and the server cannot be asked: " + why.message,
               "once it answers, SELECT txid_status(" + transaction +
                   ") tells whether the rows are there; run again "
                   "only if it says 'aborted'",
               category::kWriteFailed);
}

}  // namespace

Status Load::ask_whether_committed(const std::string& transaction, const Error& why) {
  // A server that restarts, or a step that is cancelled just now, still wants to be asked.
  Deadline deadline;
  CallContext call = call_;
  call.deadline = &deadline;
  const auto until = Deadline::Clock::now() + std::chrono::seconds(server_.connect_timeout_s);
  for (;;) {
    if (const auto connection = Connection::open(server_, call, Purpose::kWrite); connection.ok()) {
      const auto status = (*connection)->ask("SELECT pg_catalog.txid_status($1::bigint)", {transaction});
      if (status.ok() && !status->is_null(0, 0)) {
        const std::string word = status->text(0, 0);
        call_.log("the answer to COMMIT was lost; the server says that transaction " + transaction + " is " + word);
        if (word == "committed") return {};
        if (word == "aborted") return why;
      }
    }
    if (Deadline::Clock::now() >= until) return unknown_outcome(target_.shown(), transaction, why);
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace osiris::worker::postgres

#include "worker/drivers/mysql.writer/commit_marker.h"

#include <chrono>
#include <thread>

#include "protocol/base/random.h"
#include "protocol/base/text.h"

namespace osiris::worker::mysql {
namespace {

constexpr std::chrono::milliseconds kPause(200);
constexpr char kPrefix[] = "osiris_done_";

void drop_old(Session& session, const std::string& tag) {
  const auto old = session.ask(
      "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE " +
      quote_text("osiris\\_done\\_" + tag + "\\_%") + " AND CREATE_TIME < NOW() - INTERVAL 1 DAY");
  if (!old.ok()) return;
  for (const Row& row : *old) (void)session.run("DROP TABLE IF EXISTS " + quote_identifier(row[0].value_or("")));
}

}  // namespace

Result<std::optional<CommitMarker>> CommitMarker::make(Session& session, const CallContext& call,
                                                       const std::string& tag) {
  CommitMarker marker(quote_identifier(kPrefix + tag + "_" + to_hex(random_bytes(4))));
  const Status made = session.run("CREATE TABLE " + marker.table_ + " (id INT PRIMARY KEY) ENGINE=InnoDB");
  if (made.ok()) {
    drop_old(session, tag);
    return std::optional(std::move(marker));
  }
  if (made.error().code == Code::kUnavailable || made.error().code == Code::kDeadline ||
      made.error().code == Code::kCancelled)
    return made.error();
  call.log("no table can be made that would tell whether a COMMIT was done, should its answer be lost: " +
           made.error().message);
  return std::optional<CommitMarker>();
}

Status CommitMarker::set(Session& session) const { return session.run("INSERT INTO " + table_ + " VALUES (1)"); }

CommitMarker::Outcome CommitMarker::ask(const ServerSettings& server, const CallContext& call) const {
  // A server that restarts, or a step that is cancelled just now, still wants to be asked.
  db::Deadline deadline;
  CallContext own = call;
  own.deadline = &deadline;
  const auto until = db::Deadline::Clock::now() + std::chrono::seconds(server.connect_timeout_s);
  for (;;) {
    if (const auto session = Session::open(server, own); session.ok()) {
      // A row that is not committed yet is waited for.
      (void)(*session)->run("SET SESSION innodb_lock_wait_timeout = 2");
      const auto rows = (*session)->ask("SELECT COUNT(*) FROM " + table_ + " FOR UPDATE");
      if (rows.ok() && !rows->empty()) {
        const bool is_there = (*rows)[0][0].value_or("0") != "0";
        call.log(std::string("the answer to COMMIT was lost; the row that the transaction left is ") +
                 (is_there ? "there" : "not there"));
        remove(**session);
        return is_there ? Outcome::kCommitted : Outcome::kRolledBack;
      }
    }
    if (db::Deadline::Clock::now() >= until) return Outcome::kUnknown;
    std::this_thread::sleep_for(kPause);
  }
}

void CommitMarker::remove(Session& session) const { (void)session.run("DROP TABLE IF EXISTS " + table_); }

}  // namespace osiris::worker::mysql

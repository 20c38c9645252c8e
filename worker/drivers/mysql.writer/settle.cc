// How a load ends: what is counted, merged, swapped, committed, or undone.
#include <algorithm>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/drivers/db/server_rows.h"
#include "worker/drivers/mysql.writer/load.h"

namespace osiris::worker::mysql {

using db::WriteMode;

Result<uint64_t> Load::count_of(const std::string& table) {
  OSIRIS_ASSIGN(const auto rows, session_->ask("SELECT COUNT(*) FROM " + table));
  return std::strtoull(rows.at(0)[0].value_or("0").c_str(), nullptr, 10);
}

Status Load::verify(uint64_t held) {
  if (!settings_.verifies || held == rows_) return {};
  return db::count_mismatch("MySQL", settings_.table, rows_, held);
}

// verify: full. Where what is read back is not what was handed over, nothing of it is committed.
Status Load::read_back() {
  std::vector<std::string> selected;
  for (const ColumnPlan& plan : plans_) selected.push_back(exact_expression(plan.form, quote_identifier(plan.target)));
  db::Fingerprint held(plans_.size());
  OSIRIS_TRY(session_->read("SELECT " + join(selected, ", ") + " FROM " + destination_,
                            [&](MYSQL_ROW row, const unsigned long* sizes) {
                              for (size_t i = 0; i < plans_.size(); ++i) {
                                if (row[i])
                                  held.add(one_form(plans_[i].form, {row[i], sizes[i]}));
                                else
                                  held.add_null();
                              }
                              held.end_row();
                            }));
  std::vector<std::string> names;
  for (const size_t place : sent_->columns_that_differ(held)) names.push_back(plans_[place].target);
  if (!sent_->is_of_the_same_rows(held)) return db::value_mismatch("MySQL", settings_.table, names, *sent_, held);
  return {};
}

// Rows that were held back: until they were compared, or until all chunks were there.
Status Load::insert() {
  OSIRIS_TRY(session_->run(
      "INSERT INTO " + table_ + " (" + target_list() + ") SELECT " + target_list() + " FROM " + destination_, where()));
  const uint64_t inserted = session_->affected();
  return inserted == rows_ || !settings_.verifies
             ? Status()
             : Status(db::count_mismatch("MySQL", settings_.table, rows_, inserted));
}

Status Load::settle() {
  if (sent_) OSIRIS_TRY(read_back());
  if (destination_ != table_ && !is_swap_) OSIRIS_TRY(is_held_back_ ? insert() : merge());
  const bool is_whole = is_swap_ || settings_.mode == WriteMode::kTruncate || settings_.mode == WriteMode::kReplace;
  if (is_whole) {
    OSIRIS_ASSIGN(const uint64_t held, count_of(destination_));
    OSIRIS_TRY(verify(held));
  }
  if (settings_.verifies) db::tell_verified(context_, settings_.table, rows_, sent_ ? &*sent_ : nullptr);
  if (context_.is_cancelled()) return cancelled_error(call_.step_id);
  OSIRIS_TRY(commit());
  return is_swap_ ? swap() : Status();
}

Status Load::merge() {
  std::vector<std::string> updates, nulls, same;
  for (const ColumnPlan& plan : plans_) {
    const std::string name = quote_identifier(plan.target);
    if (std::find(keys_.begin(), keys_.end(), plan.target) == keys_.end())
      updates.push_back(name + " = VALUES(" + name + ")");
  }
  for (const std::string& key : keys_) {
    nulls.push_back(quote_identifier(key) + " IS NULL");
    same.push_back("t." + quote_identifier(key) + " = r." + quote_identifier(key));
  }
  // Of keys alone there is nothing to update.
  if (updates.empty()) updates.push_back(quote_identifier(keys_[0]) + " = VALUES(" + quote_identifier(keys_[0]) + ")");
  OSIRIS_ASSIGN(const auto without,
                session_->ask("SELECT COUNT(*) FROM " + destination_ + " WHERE " + join(nulls, " OR ")));
  if (without.at(0)[0].value_or("0") != "0")
    return failed(
        *without[0][0] + " rows have a NULL in the key (" + join(keys_, ", ") + ") of table " + settings_.table,
        "a row without a key would be added anew by every run: filter it in the step before");
  const std::string list = quoted_list(keys_);
  OSIRIS_ASSIGN(const auto twice, session_->ask("SELECT CONCAT_WS(', ', " + list + "), COUNT(*) FROM " + destination_ +
                                                " GROUP BY " + list + " HAVING COUNT(*) > 1 LIMIT 1"));
  if (!twice.empty())
    return failed("the rows hold the key (" + join(keys_, ", ") + ") = (" + twice[0][0].value_or("") + ") " +
                      twice[0][1].value_or("") + " times, so which of them table " + settings_.table +
                      " gets is not said",
                  "keep one row of each key in the step before: QUALIFY row_number() OVER (PARTITION BY ...) = 1");
  OSIRIS_TRY(session_->run("INSERT INTO " + table_ + " (" + target_list() + ") SELECT " + target_list() + " FROM " +
                               destination_ + " ON DUPLICATE KEY UPDATE " + join(updates, ", "),
                           where()));
  if (!settings_.verifies) return {};
  OSIRIS_ASSIGN(const uint64_t held, count_of(table_ + " t JOIN " + destination_ + " r ON " + join(same, " AND ")));
  return verify(held);
}

// Of a swap only the rows of the other table; a lost answer leaves that table to be dropped.
Status Load::commit() {
  const Status done = session_->run("COMMIT", where());
  if (done.ok() && marker_) marker_->remove(*session_);
  if (done.ok()) marker_.reset();
  if (done.ok() || is_swap_ || done.error().code == Code::kStepFailed) return done;
  if (marker_) {
    const CommitMarker::Outcome outcome = marker_->ask(server_, call_);
    if (outcome != CommitMarker::Outcome::kUnknown) marker_.reset();
    if (outcome == CommitMarker::Outcome::kCommitted) return {};
    if (outcome == CommitMarker::Outcome::kRolledBack) return done;
  }
  return Error(
      Code::kInvalidState,
      "MySQL write failed: outcome unknown: the connection was lost while rows were committed to table " +
          settings_.table +
          (marker_ ? ", and no server tells whether they are there: " : ", and no table could be made that tells: ") +
          done.error().message,
      "look whether the rows are there before you run again; write_mode upsert or replace can be repeated safely",
      category::kWriteFailed);
}

Status Load::swap() {
  OSIRIS_TRY(session_->run("DROP TABLE IF EXISTS " + old_));
  const std::string rename =
      "RENAME TABLE " + (exists_ ? table_ + " TO " + old_ + ", " : "") + staging_ + " TO " + table_ + renamed_along_;
  Status done = session_->run(rename, where());
  if (!done.ok() && done.error().code != Code::kStepFailed) {
    // One statement, done or not: the other table is still there, or has become this one.
    db::Deadline deadline;
    CallContext call = call_;
    call.deadline = &deadline;
    const auto other = Session::open(server_, call);
    const auto left = other.ok()
                          ? (*other)->ask("SHOW TABLES LIKE " + quote_text(staging_.substr(1, staging_.size() - 2)))
                          : Result<std::vector<Row>>(other.error());
    if (!left.ok())
      return Error(Code::kInvalidState,
                   "MySQL write failed: outcome unknown: the connection was lost while table " + settings_.table +
                       " was swapped, and no server can be asked: " + done.error().message,
                   "the table " + staging_ + " is still there if it was not; a replace can be repeated safely",
                   category::kWriteFailed);
    if (left->empty()) {
      done = {};
      (void)(*other)->run("DROP TABLE IF EXISTS " + old_);
    }
  }
  OSIRIS_TRY(done);
  has_staging_ = false;
  if (exists_) (void)session_->run("DROP TABLE IF EXISTS " + old_);
  return {};
}

// Over a connection of its own where the load's is gone. A table that cannot be dropped now is by the next load.
void Load::undo() {
  if (!session_) return;
  const bool has_added = !is_swap_ && !added_.empty();
  db::Deadline deadline;
  CallContext call = call_;
  call.deadline = &deadline;
  ServerSettings server = server_;
  server.connect_timeout_s = std::min(server.connect_timeout_s, 5u);
  session_.reset();
  if (!has_staging_ && !has_added && !marker_) return;
  const auto session = Session::open(server, call);
  if (!session.ok())
    return call_.log("what was begun for table " + settings_.table +
                     " could not be taken back: " + session.error().message);
  if (marker_) marker_->remove(**session);
  if (has_staging_) {
    // The lock is that of the connection that is gone, which the server may not know yet.
    (void)(*session)->ask("SELECT GET_LOCK(" + quote_text(staging_) + ", 5)");
    (void)(*session)->run("DROP TABLE IF EXISTS " + staging_);
  }
  for (const std::string& name : added_)
    if (has_added) (void)(*session)->run("ALTER TABLE " + table_ + " DROP COLUMN " + quote_identifier(name));
}

}  // namespace osiris::worker::mysql

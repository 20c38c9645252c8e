// A load whose rows come in chunks: each is committed to a staging table together with its row in the ledger, so that a
// later run goes on after the last one (docs/decisions/0212-copies-in-chunks.md). MySQL drops no table in a
// transaction, so what was brought to the target is told by a row of the ledger or, after a RENAME, by the ledger's new
// name.
#include <algorithm>
#include <utility>

#include "protocol/base/text.h"
#include "worker/drivers/db/chunked_load.h"
#include "worker/drivers/mysql.writer/load.h"

namespace osiris::worker::mysql {

using db::WriteMode;

namespace {

// How long a copy waits for another run of the same step to let go, where nothing else is said.
constexpr uint32_t kTurnLimit_s = 60;

std::string leftovers(const db::CopyTables& tables) {
  return "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND LEFT(TABLE_NAME, " +
         std::to_string(tables.prefix.size()) + ") = " + quote_text(tables.prefix);
}

}  // namespace

ChunkedRows* Load::chunks_to_commit() {
  return db::claimed_chunks(context_, server_.database + "." + settings_.table, copy_);
}

// What earlier runs of this step have left. A run of it that is at work keeps its own, and what cannot be dropped now
// is by a later one.
Status Load::drop_leftovers() {
  db::tell_without_chunks(context_);
  if (copy_.prefix.empty()) return {};
  OSIRIS_ASSIGN(const auto left, session_->ask(leftovers(copy_)));
  if (left.empty()) return {};
  OSIRIS_ASSIGN(const auto turn, session_->ask("SELECT GET_LOCK(" + quote_text(copy_.prefix) + ", 0)"));
  if (turn.empty() || turn[0][0].value_or("0") != "1") return {};
  if (const Status dropped = drop_others({}); !dropped.ok())
    call_.log("what an earlier run of this step left is still there: " + dropped.error().message);
  return session_->run("DO RELEASE_LOCK(" + quote_text(copy_.prefix) + ")");
}

// All tables of the step's copies but `kept` and its ledger.
Status Load::drop_others(const std::string& kept) {
  OSIRIS_ASSIGN(const auto left, session_->ask(leftovers(copy_)));
  for (const Row& row : left) {
    const std::string table = row[0].value_or("");
    if (!kept.empty() && (table == kept || table == kept + "_log")) continue;
    db::say_that_it_is_dropped(call_, table);
    OSIRIS_TRY(session_->run("DROP TABLE IF EXISTS " + quote_identifier(table)));
  }
  return {};
}

// One run of the step at a time: the lock is the connection's, and goes with it.
Status Load::take_copy() {
  const std::string seconds = std::to_string(lock_timeout_s_ > 0 ? lock_timeout_s_ : kTurnLimit_s);
  OSIRIS_ASSIGN(const auto turn, session_->ask("SELECT GET_LOCK(" + quote_text(copy_.prefix) + ", " + seconds + ")"));
  if (!turn.empty() && turn[0][0].value_or("0") == "1") return {};
  return db::held_by_another("MySQL", context_.step_id(), settings_.table);
}

Json Load::identity(ChunkedRows& rows) const {
  return db::identity_of_copy(context_, rows, server_.database + "." + settings_.table, settings_, plans_, !exists_);
}

Result<std::optional<db::CopyLedger>> Load::read_ledger(const std::string& table, const Json& wanted) {
  const auto useless = [&](const std::string& why) {
    db::say_that_it_begins_anew(call_, why);
    return std::optional<db::CopyLedger>();
  };
  const auto read = session_->ask("SELECT chunk, held_rows, content, seal FROM " + table);
  if (!read.ok()) return useless("its ledger cannot be read: " + read.error().message);
  std::vector<db::LedgerRow> rows;
  for (const Row& row : *read)
    rows.push_back({std::strtoll(row[0].value_or("").c_str(), nullptr, 10),
                    std::strtoull(row[1].value_or("").c_str(), nullptr, 10), row[2].value_or(""), row[3].value_or("")});
  auto found = db::CopyLedger::read(rows, wanted, plans_.size());
  if (!found.ok()) return useless(found.error().message);
  if (found->is_brought() || table == done_table()) return std::optional(*std::move(found));
  OSIRIS_ASSIGN(const uint64_t held, count_of(destination_));
  if (held != found->rows())
    return useless("table " + copy_.staging + " holds " + std::to_string(held) + " rows, and its ledger says " +
                   std::to_string(found->rows()));
  return std::optional(*std::move(found));
}

// The ledger of a copy that can go on; nullopt: there is none, or it is of no use, and why was said.
Result<std::optional<db::CopyLedger>> Load::found_ledger(const Json& wanted) {
  OSIRIS_ASSIGN(const auto left, session_->ask(leftovers(copy_)));
  const auto is_there = [&](const std::string& table) {
    return std::any_of(left.begin(), left.end(), [&](const Row& row) { return row[0].value_or("") == table; });
  };
  if (is_there(copy_.ledger + "_done")) {
    // The table that was new then is there now.
    for (const char* existence : {"there", "new"}) {
      Json target = wanted["target"];
      target.set("existence", existence);
      Json then = wanted;
      then.set("target", std::move(target));
      auto found = read_ledger(done_table(), then);
      if (!found.ok() || (*found && (*found)->missing().empty())) return found;
    }
  }
  if (!is_there(copy_.ledger) || !is_there(copy_.staging)) return std::optional<db::CopyLedger>();
  return read_ledger(ledger_table(), wanted);
}

Status Load::write_ledger(const db::LedgerRow& row) {
  return session_->run("INSERT INTO " + ledger_table() + " VALUES (" + std::to_string(row.chunk) + ", " +
                       std::to_string(row.rows) + ", " + quote_text(row.content) + ", " + quote_text(row.seal) + ")");
}

Status Load::make_chunk_tables() {
  if (!exists_) {
    OSIRIS_ASSIGN(const std::string definition, this->definition());
    OSIRIS_TRY(session_->run("CREATE TABLE " + destination_ + definition + " ENGINE=InnoDB"));
  } else if (is_swap_possible()) {
    OSIRIS_TRY(session_->run("CREATE TABLE " + destination_ + " LIKE " + table_));
  } else {
    OSIRIS_TRY(session_->run("CREATE TABLE " + destination_ + " ENGINE=InnoDB AS SELECT " + target_list() + " FROM " +
                             table_ + " LIMIT 0"));
  }
  OSIRIS_TRY(session_->run("CREATE TABLE " + ledger_table() +
                           " (chunk BIGINT PRIMARY KEY, held_rows BIGINT UNSIGNED NOT NULL, content LONGTEXT NOT NULL, "
                           "seal CHAR(64) NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"));
  OSIRIS_TRY(write_ledger(ledger_->head()));
  return session_->run("COMMIT");
}

Status Load::begin_chunks(ChunkedRows& rows) {
  destination_ = quote_identifier(copy_.staging);
  const Json wanted = identity(rows);
  if (context_.origin().resumes) {
    OSIRIS_ASSIGN(auto found, found_ledger(wanted));
    if (found) ledger_.emplace(*std::move(found));
  }
  const bool goes_on = ledger_ && !ledger_->is_brought() && !ledger_->missing().empty();
  if (ledger_) {
    chunks_reused_ = ledger_->count();
    db::say_that_it_goes_on(call_, *ledger_);
    return goes_on ? drop_others(copy_.staging) : Status();
  }
  OSIRIS_TRY(drop_others({}));
  ledger_.emplace(wanted, rows.plan(), plans_.size());
  return make_chunk_tables();
}

Status Load::copy_chunks(ChunkedRows& rows) {
  OSIRIS_TRY(begin_chunks(rows));
  const std::vector<size_t> missing = ledger_->missing();
  rows.choose(ledger_->plan(), missing);
  for (const size_t chunk : missing) {
    if (const Status copied = copy_chunk(chunk); !copied.ok()) return with_way_on(copied.error(), rows);
    rows.note(db::how_to_go_on(*ledger_, copy_));
  }
  if (const Status sound = context_.inputs_are_sound(); !sound.ok()) return with_way_on(sound.error(), rows);
  if (const Status settled = settle_chunks(); !settled.ok()) return with_way_on(settled.error(), rows);
  if (const Status dropped = drop_others({}); !dropped.ok())
    call_.log("the tables of the copy are dropped by the next run: " + dropped.error().message);
  db::tell_chunks(context_, *ledger_, chunks_reused_, copy_.staging);
  return {};
}

Status Load::copy_chunk(size_t chunk) {
  const uint64_t before = rows_;
  OSIRIS_TRY(session_->run("START TRANSACTION"));
  if (settings_.verifies_values) sent_.emplace(plans_.size());
  OSIRIS_TRY(write_all());
  const db::LedgerRow row = ledger_->row_of(chunk, rows_ - before, sent_ ? &*sent_ : nullptr);
  OSIRIS_TRY(write_ledger(row));
  OSIRIS_TRY(session_->run("COMMIT", where()));
  return ledger_->committed(row);
}

// The target as it is now, which may have changed since the copy began.
Status Load::settle_chunks() {
  rows_ = ledger_->rows();
  OSIRIS_ASSIGN(const auto done, session_->ask("SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
                                               "DATABASE() AND TABLE_NAME = " +
                                               quote_text(copy_.ledger + "_done")));
  OSIRIS_TRY(take_turn());
  // The run that swapped may not have come to dropping what it swapped out.
  if (!done.empty()) return session_->run("DROP TABLE IF EXISTS " + old_);
  if (ledger_->is_brought()) return {};
  const std::vector<ColumnPlan> planned = std::exchange(plans_, {});
  const bool existed = exists_;
  columns_.clear(), unique_keys_.clear(), keys_.clear(), added_.clear(), obstacle_.clear();
  OSIRIS_TRY(find_target());
  if (existed && !exists_)
    return failed("table " + settings_.table + " was dropped while it was copied to", "run again, without --resume");
  if (!db::are_same_columns(plans_, planned))
    return failed("the columns of table " + settings_.table + " were changed while it was copied to",
                  "run again, without --resume");
  if (settings_.verifies_values) {
    sent_.emplace(plans_.size());
    sent_->add(ledger_->fingerprint());
    OSIRIS_TRY(read_back());
  }
  OSIRIS_ASSIGN(const uint64_t held, count_of(destination_));
  OSIRIS_TRY(verify(held));
  if (settings_.verifies) db::tell_verified(context_, settings_.table, rows_, sent_ ? &*sent_ : nullptr);
  if (context_.is_cancelled()) return cancelled_error(call_.step_id);
  return bring_over();
}

// From the staging table to the target, with the word that it is done.
Status Load::bring_over() {
  is_swap_ = is_swap_possible();
  if (is_swap_) {
    staging_ = destination_;
    renamed_along_ = ", " + ledger_table() + " TO " + done_table();
    OSIRIS_TRY(session_->run("COMMIT"));
    return swap();
  }
  if (settings_.mode == WriteMode::kReplace)
    call_.log("replace empties and fills " + settings_.table + " itself, because " + obstacle_);
  OSIRIS_TRY(start());
  if (settings_.mode == WriteMode::kUpsert) {
    OSIRIS_TRY(merge());
  } else {
    if (settings_.mode != WriteMode::kAppend) OSIRIS_TRY(session_->run("DELETE FROM " + table_, where()));
    OSIRIS_TRY(insert());
  }
  OSIRIS_TRY(write_ledger(ledger_->brought()));
  return commit();
}

// What is committed stays for a run that goes on; where nothing is, nothing is left.
Error Load::with_way_on(Error error, ChunkedRows& rows) {
  (void)await_rows();
  if (ledger_->count() > 0) {
    const std::string way = db::how_to_go_on(*ledger_, copy_);
    rows.note(way);
    db::tell_chunks(context_, *ledger_, chunks_reused_, copy_.staging);
    error.hint += (error.hint.empty() ? "" : "; ") + way;
    return error;
  }
  db::Deadline deadline;
  CallContext call = call_;
  call.deadline = &deadline;
  session_.reset();
  if (const auto session = Session::open(server_, call); session.ok())
    (void)(*session)->run("DROP TABLE IF EXISTS " + destination_ + ", " + ledger_table());
  return error;
}

}  // namespace osiris::worker::mysql

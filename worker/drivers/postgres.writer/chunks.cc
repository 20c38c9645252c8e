// A load whose rows come in chunks: each is committed to a staging table together with its row in the ledger, so that a
// later run goes on after the last one (docs/decisions/0212-copies-in-chunks.md).
#include <algorithm>
#include <utility>

#include "worker/driver_api/sql.h"
#include "worker/drivers/db/chunked_load.h"
#include "worker/drivers/postgres.writer/load.h"

namespace osiris::worker::postgres {
namespace {

using db::WriteMode;

// How long a copy waits for another run of the same step to let go, where nothing else is said.
constexpr char kTurnLimit[] = "60s";

constexpr char kLeftovers[] =
    "SELECT schemaname, tablename FROM pg_catalog.pg_tables WHERE "
    "pg_catalog.left(tablename, pg_catalog.length($1::text)) = $1::text";

std::string turn_of(const db::CopyTables& tables) {
  return "pg_catalog.hashtext(" + sql::quote_literal(tables.prefix) + "), 20212";
}

}  // namespace

ChunkedRows* Load::chunks_to_commit() { return db::claimed_chunks(context_, settings_.table, tables_); }

std::string Load::ledger_table() const {
  return sql::quote_identifier(target_.schema) + "." + sql::quote_identifier(tables_.ledger);
}

// What earlier runs of this step have left. A run of it that is at work keeps its own, and what cannot be dropped now
// is by a later one.
Status Load::drop_leftovers() {
  db::tell_without_chunks(context_);
  if (tables_.prefix.empty()) return {};
  OSIRIS_ASSIGN(const Answer left, connection_->ask(kLeftovers, {tables_.prefix}));
  if (left.rows() == 0) return {};
  OSIRIS_ASSIGN(const Answer turn,
                connection_->ask("SELECT pg_catalog.pg_try_advisory_lock(" + turn_of(tables_) + ")"));
  if (turn.text(0, 0) != "t") return {};
  if (const Status dropped = drop_others({}); !dropped.ok())
    call_.log("what an earlier run of this step left is still there: " + dropped.error().message);
  return connection_->run("SELECT pg_catalog.pg_advisory_unlock(" + turn_of(tables_) + ")");
}

// All tables of the step's copies but `kept` and its ledger.
Status Load::drop_others(const std::string& kept) {
  OSIRIS_ASSIGN(const Answer left, connection_->ask(kLeftovers, {tables_.prefix}));
  for (size_t row = 0; row < left.rows(); ++row) {
    const std::string table = left.text(row, 1);
    if (!kept.empty() && (table == kept || table == kept + "_log")) continue;
    db::say_that_it_is_dropped(call_, table);
    OSIRIS_TRY(connection_->run("DROP TABLE IF EXISTS " + sql::quote_identifier(left.text(row, 0)) + "." +
                                sql::quote_identifier(table)));
  }
  return {};
}

// One run of the step at a time: the lock is the connection's, and goes with it.
Status Load::take_copy() {
  const bool has_limit = server_.lock_timeout_s > 0;
  if (!has_limit) OSIRIS_TRY(connection_->run(std::string("SET lock_timeout = '") + kTurnLimit + "'"));
  const Status turn = connection_->run("SELECT pg_catalog.pg_advisory_lock(" + turn_of(tables_) + ")");
  if (!turn.ok() && connection_->last_error().is("55P03"))
    return db::held_by_another("PostgreSQL", context_.step_id(), settings_.table);
  OSIRIS_TRY(turn);
  return has_limit ? Status() : connection_->run("SET lock_timeout = DEFAULT");
}

Json Load::identity(ChunkedRows& rows) const {
  return db::identity_of_copy(context_, rows, target_.shown(), settings_, plans_, is_new_);
}

// The ledger of a copy that can go on; nullopt: there is none, or it is of no use, and why was said.
Result<std::optional<db::CopyLedger>> Load::found_ledger(const Json& wanted) {
  std::optional<db::CopyLedger> none;
  const std::string ledger = ledger_table();
  OSIRIS_ASSIGN(const Answer there, connection_->ask("SELECT FROM pg_catalog.pg_class WHERE oid = "
                                                     "pg_catalog.to_regclass($1) AND pg_catalog.to_regclass($2) IS "
                                                     "NOT NULL",
                                                     {ledger, destination_}));
  if (there.rows() == 0) return none;
  const auto useless = [&](const std::string& why) {
    db::say_that_it_begins_anew(call_, why);
    return std::optional<db::CopyLedger>();
  };
  OSIRIS_TRY(connection_->run("SAVEPOINT osiris_ledger"));
  const auto read = connection_->ask("SELECT chunk, rows, content, seal FROM " + ledger);
  if (!read.ok()) {
    OSIRIS_TRY(connection_->run("ROLLBACK TO osiris_ledger"));
    return useless("its ledger cannot be read: " + read.error().message);
  }
  std::vector<db::LedgerRow> rows;
  for (size_t row = 0; row < read->rows(); ++row)
    rows.push_back({std::strtoll(read->text(row, 0).c_str(), nullptr, 10),
                    std::strtoull(read->text(row, 1).c_str(), nullptr, 10), read->text(row, 2), read->text(row, 3)});
  auto found = db::CopyLedger::read(rows, wanted, plans_.size());
  if (!found.ok()) return useless(found.error().message);
  OSIRIS_ASSIGN(const Answer held, connection_->ask("SELECT count(*) FROM " + destination_));
  if (std::stoull(held.text(0, 0)) != found->rows())
    return useless("table " + tables_.staging + " holds " + held.text(0, 0) + " rows, and its ledger says " +
                   std::to_string(found->rows()));
  return std::optional(*std::move(found));
}

Status Load::make_chunk_tables() {
  const std::string ledger = ledger_table();
  OSIRIS_TRY(connection_->run(settings_.mode == WriteMode::kUpsert && !is_new_
                                  ? "CREATE TABLE " + destination_ + " AS SELECT " + target_columns() + " FROM " +
                                        target_.quoted() + " WITH NO DATA"
                                  : "CREATE TABLE " + destination_ + " (LIKE " + target_.quoted() +
                                        " INCLUDING ALL EXCLUDING INDEXES)"));
  OSIRIS_TRY(connection_->run("CREATE TABLE " + ledger +
                              " (chunk bigint PRIMARY KEY, rows bigint NOT NULL, content text NOT NULL, seal text NOT "
                              "NULL)"));
  const db::LedgerRow head = ledger_->head();
  const auto written =
      connection_->ask("INSERT INTO " + ledger + " VALUES ($1::bigint, $2::bigint, $3, $4)",
                       {std::to_string(head.chunk), std::to_string(head.rows), head.content, head.seal});
  return written.ok() ? Status() : Status(written.error());
}

// In the transaction that looked the target up: it makes the tables of the copy, or finds those of an earlier one.
Status Load::begin_chunks(ChunkedRows& rows) {
  tables_ = db::tables_of_copy(context_.origin(), context_.step_id(), target_.shown());
  destination_ = sql::quote_identifier(target_.schema) + "." + sql::quote_identifier(tables_.staging);
  const Json wanted = identity(rows);
  if (context_.origin().resumes) {
    OSIRIS_ASSIGN(auto found, found_ledger(wanted));
    if (found) ledger_.emplace(*std::move(found));
  }
  OSIRIS_TRY(drop_others(ledger_ ? tables_.staging : std::string()));
  if (ledger_) {
    chunks_reused_ = ledger_->count();
    db::say_that_it_goes_on(call_, *ledger_);
  } else {
    ledger_.emplace(wanted, rows.plan(), plans_.size());
    OSIRIS_TRY(make_chunk_tables());
  }
  // A target that was not there is made when the rows are.
  if (is_new_) OSIRIS_TRY(connection_->run("DROP TABLE " + target_.quoted()));
  return connection_->run("COMMIT");
}

Result<uint64_t> Load::copy_chunks(ChunkedRows& rows) {
  if (const Status begun = begin_chunks(rows); !begun.ok()) return begun.error();
  const std::vector<size_t> missing = ledger_->missing();
  rows.choose(ledger_->plan(), missing);
  for (const size_t chunk : missing) {
    if (const Status copied = copy_chunk(chunk); !copied.ok()) return with_way_on(copied.error(), rows);
    rows.note(db::how_to_go_on(*ledger_, tables_));
  }
  if (const Status sound = context_.inputs_are_sound(); !sound.ok()) return with_way_on(sound.error(), rows);
  if (const Status settled = settle_chunks(); !settled.ok()) return with_way_on(settled.error(), rows);
  db::tell_chunks(context_, *ledger_, chunks_reused_, tables_.staging);
  return rows_;
}

Status Load::copy_chunk(size_t chunk) {
  const uint64_t before = rows_;
  OSIRIS_TRY(connection_->run("BEGIN"));
  OSIRIS_TRY(copy_rows());
  if (rows_copied_ != rows_) return db::count_mismatch("PostgreSQL", tables_.staging, rows_, rows_copied_);
  const db::LedgerRow row = ledger_->row_of(chunk, rows_ - before, sent_ ? &sent_->fingerprint() : nullptr);
  OSIRIS_ASSIGN(const Answer written,
                connection_->ask("INSERT INTO " + ledger_table() + " VALUES ($1::bigint, $2::bigint, $3, $4)",
                                 {std::to_string(row.chunk), std::to_string(row.rows), row.content, row.seal}));
  OSIRIS_TRY(connection_->run("COMMIT"));
  return ledger_->committed(row);
}

// The target as it is now, which may have changed since the copy began.
Status Load::settle_chunks() {
  OSIRIS_TRY(connection_->run("BEGIN"));
  const std::vector<ColumnPlan> planned = std::exchange(plans_, {});
  const bool was_new = std::exchange(is_new_, false);
  keys_.clear();
  OSIRIS_TRY(find_target());
  OSIRIS_TRY(find_keys());
  if (is_new_ && !was_new)
    return failed("table " + target_.shown() + " was dropped while it was copied to", "run again, without --resume");
  if (!db::are_same_columns(plans_, planned))
    return failed("the columns of table " + target_.shown() + " were changed while it was copied to",
                  "run again, without --resume");
  rows_ = rows_copied_ = ledger_->rows();
  if (settings_.verifies_values) OSIRIS_TRY(read_back());
  if (settings_.verifies) {
    OSIRIS_ASSIGN(const Answer held, connection_->ask("SELECT count(*) FROM " + destination_));
    if (const uint64_t count = std::stoull(held.text(0, 0)); count != rows_)
      return db::count_mismatch("PostgreSQL", tables_.staging, rows_, count);
  }
  OSIRIS_TRY(bring_over());
  if (settings_.verifies) db::tell_verified(context_, target_.shown(), rows_, expected());
  return commit();
}

// From the staging table to the target, and nothing of the copy is left.
Status Load::bring_over() {
  const std::string ledger = ledger_table();
  bool is_swapped = is_new_;
  if (!is_new_ && settings_.mode == WriteMode::kReplace) {
    OSIRIS_ASSIGN(const std::string obstacle, obstacle_to_swap(*connection_, target_));
    is_swapped = obstacle.empty();
    if (!is_swapped) call_.log("replace empties and fills " + target_.shown() + " itself, because " + obstacle);
  }
  if (is_swapped) {
    OSIRIS_TRY(swap());
  } else if (settings_.mode == WriteMode::kUpsert) {
    OSIRIS_TRY(merge());
  } else {
    if (settings_.mode != WriteMode::kAppend) OSIRIS_TRY(connection_->run("TRUNCATE TABLE " + target_.quoted()));
    OSIRIS_TRY(insert());
  }
  return connection_->run("DROP TABLE " + ledger + (is_swapped ? "" : ", " + destination_));
}

// What is committed stays for a run that goes on; where nothing is, nothing is left.
Error Load::with_way_on(Error error, ChunkedRows& rows) {
  const std::string way = db::how_to_go_on(*ledger_, tables_);
  if (ledger_->count() > 0) {
    rows.note(way);
    db::tell_chunks(context_, *ledger_, chunks_reused_, tables_.staging);
    error.hint += (error.hint.empty() ? "" : "; ") + way;
    return error;
  }
  Deadline deadline;
  CallContext call = call_;
  call.deadline = &deadline;
  connection_.reset();
  const auto connection = Connection::open(server_, call, Purpose::kWrite);
  if (connection.ok()) (void)(*connection)->run("DROP TABLE IF EXISTS " + destination_ + ", " + ledger_table());
  return error;
}

}  // namespace osiris::worker::postgres

#include "worker/drivers/postgres.writer/load.h"

#include <algorithm>

#include "protocol/base/categories.h"
#include "protocol/base/random.h"
#include "protocol/base/text.h"
#include "worker/driver_api/cancel_watch.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/db/server_rows.h"
#include "worker/drivers/postgres.writer/ddl.h"
#include "worker/drivers/postgres/check.h"

namespace osiris::worker::postgres {
namespace {

using db::WriteMode;

}  // namespace

Error Load::failed(const std::string& what, const std::string& hint) const {
  return Error(Code::kStepFailed, "PostgreSQL write failed: " + what, hint, category::kWriteFailed);
}

const db::Fingerprint* Load::expected() const {
  if (!settings_.verifies_values) return nullptr;
  return ledger_ ? &ledger_->fingerprint() : &sent_->fingerprint();
}

std::string Load::target_columns() const {
  std::vector<std::string> names;
  for (const ColumnPlan& plan : plans_) names.push_back(sql::quote_identifier(plan.target));
  return join(names, ", ");
}

std::vector<WrittenColumn> Load::written_columns() const {
  std::vector<WrittenColumn> columns;
  for (const ColumnPlan& plan : plans_) {
    const std::string name = sql::quote_identifier(plan.name);
    columns.push_back({plan.name, plan.cast.empty() ? "" : "CAST(" + name + " AS " + plan.cast + ")"});
  }
  return columns;
}

Result<uint64_t> Load::run() {
  ChunkedRows* const chunks = chunks_to_commit();
  OSIRIS_ASSIGN(connection_, Connection::open(server_, call_, Purpose::kWrite));
  OSIRIS_TRY(chunks ? take_copy() : drop_leftovers());
  OSIRIS_TRY(connection_->run("BEGIN"));
  OSIRIS_TRY(find_target());
  OSIRIS_TRY(find_keys());
  if (chunks && !adds_columns_) return copy_chunks(*chunks);
  OSIRIS_TRY(make_room());
  OSIRIS_TRY(copy_rows());
  OSIRIS_TRY(context_.inputs_are_sound());
  OSIRIS_TRY(settle());
  OSIRIS_TRY(commit());
  return rows_;
}

// ---- the table and its columns

Status Load::find_target() {
  OSIRIS_ASSIGN(const db::RelationColumns sources, db::source_columns(context_));
  OSIRIS_ASSIGN(target_, look_up(*connection_, settings_.table));
  if (!target_.exists) {
    // Another writer that would make it waits here, and then finds it.
    OSIRIS_TRY(connection_->run("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext(" +
                                sql::quote_literal("osiris " + target_.shown()) + "))"));
    OSIRIS_ASSIGN(target_, look_up(*connection_, settings_.table));
  }
  return target_.exists ? fit_target(sources) : create_target(sources);
}

Status Load::create_target(const db::RelationColumns& sources) {
  is_new_ = true;
  for (const auto& source : sources) {
    OSIRIS_ASSIGN(ColumnPlan plan, plan_new(target_.shown(), source.name, source.type));
    plans_.push_back(std::move(plan));
  }
  const std::string statement = create_table(target_.quoted(), plans_, settings_.keys);
  if (!settings_.creates)
    return Error(Code::kNotFound, "PostgreSQL write failed: table " + target_.shown() + " does not exist",
                 "set create_table: true, or make it: " + statement, category::kWriteFailed);
  for (const std::string& key : settings_.keys)
    if (std::none_of(plans_.begin(), plans_.end(), [&](const ColumnPlan& plan) { return plan.target == key; }))
      return failed("primary_key names '" + key + "', which is no column of the rows",
                    "the columns are " + target_columns());
  return connection_->run(statement);
}

Status Load::fit_target(const db::RelationColumns& sources) {
  OSIRIS_ASSIGN(const auto places,
                db::match_columns(target_.shown(), sources, target_.column_names(), settings_.new_columns));
  std::vector<bool> is_filled(target_.columns.size());
  for (size_t i = 0; i < sources.size(); ++i) {
    if (places[i]) {
      OSIRIS_ASSIGN(ColumnPlan plan,
                    plan_existing(target_.shown(), sources[i].name, sources[i].type, target_.columns[*places[i]]));
      if (is_filled[*places[i]]) return failed("two columns of the rows are '" + plan.target + "' there", "rename one");
      is_filled[*places[i]] = true;
      plans_.push_back(std::move(plan));
    } else if (settings_.new_columns == db::NewColumns::kEvolve) {
      adds_columns_ = true;
      OSIRIS_ASSIGN(ColumnPlan plan, plan_new(target_.shown(), sources[i].name, sources[i].type));
      OSIRIS_TRY(add_column(plan));
      plans_.push_back(std::move(plan));
    } else {
      call_.log("column '" + sources[i].name + "' is left out: " + target_.shown() + " does not have it");
    }
  }
  for (size_t i = 0; i < target_.columns.size(); ++i)
    if (target_.columns[i].is_required && !is_filled[i])
      return failed(
          "table " + target_.shown() + " needs column '" + target_.columns[i].name + "', which the rows do not have",
          "it is NOT NULL and has no default: give it a value in the step before");
  if (plans_.empty()) return failed("table " + target_.shown() + " has none of the rows' columns", "rename them");
  return {};
}

// A streamed input may be read from this very table, by a transaction that does not end before its rows are taken.
Status Load::lock_at_once() {
  if (!context_.inputs().front().is_streamed) return {};
  const Status locked = connection_->run("LOCK TABLE " + target_.quoted() + " IN ACCESS EXCLUSIVE MODE NOWAIT");
  if (locked.ok() || !connection_->last_error().is("55P03")) return locked;
  return Error(Code::kUnsupported, "table " + target_.shown() + " is being read");
}

Status Load::add_column(const ColumnPlan& plan) {
  OSIRIS_TRY(lock_at_once());
  call_.log("column '" + plan.target + "' is added to " + target_.shown() + " as " + plan.type_name);
  return connection_->run("ALTER TABLE " + target_.quoted() + " ADD COLUMN " + sql::quote_identifier(plan.target) +
                          " " + plan.type_name);
}

// The key's columns as the table has them; an upsert needs them to be unique there.
Status Load::find_keys() {
  for (const std::string& key : settings_.keys) {
    const auto plan = std::find_if(plans_.begin(), plans_.end(), [&](const ColumnPlan& one) {
      return one.target == key || one.name == key || ascii_lower(one.target) == ascii_lower(key);
    });
    if (plan == plans_.end())
      return failed("primary_key names '" + key + "', which is no column of the rows",
                    "the columns are " + target_columns());
    keys_.push_back(plan->target);
  }
  if (settings_.mode != WriteMode::kUpsert || is_new_) return {};
  std::vector<std::string> sorted = keys_;
  std::sort(sorted.begin(), sorted.end());
  for (std::vector<std::string> unique : target_.unique_keys) {
    std::sort(unique.begin(), unique.end());
    if (unique == sorted) return {};
  }
  return failed("table " + target_.shown() + " has no primary key or unique index on (" + join(keys_, ", ") + ")",
                "an upsert needs one: ALTER TABLE " + target_.quoted() + " ADD UNIQUE (" + quoted_list(keys_) + ")");
}

// ---- the rows

Status Load::make_room() {
  destination_ = target_.quoted();
  if (is_new_ && settings_.mode != WriteMode::kUpsert) return {};
  switch (settings_.mode) {
    case WriteMode::kAppend:
      if (!settings_.verifies_values) return {};
      OSIRIS_TRY(find_own_rows());
      is_held_back_ = own_rows_.empty();
      return is_held_back_ ? make_rows_table() : Status();
    case WriteMode::kTruncate:
      OSIRIS_TRY(lock_at_once());
      return connection_->run("TRUNCATE TABLE " + target_.quoted());
    case WriteMode::kReplace: {
      OSIRIS_ASSIGN(const std::string obstacle, obstacle_to_swap(*connection_, target_));
      if (!obstacle.empty()) {
        OSIRIS_TRY(lock_at_once());
        call_.log("replace empties and fills " + target_.shown() + " itself, because " + obstacle);
        return connection_->run("TRUNCATE TABLE " + target_.quoted());
      }
      is_swap_ = true;
      return make_staging();
    }
    case WriteMode::kUpsert:
      return make_rows_table();
  }
  return {};
}

Status Load::make_rows_table() {
  destination_ = "pg_temp.osiris_rows";
  return connection_->run("CREATE TEMPORARY TABLE osiris_rows ON COMMIT DROP AS SELECT " + target_columns() + " FROM " +
                          target_.quoted() + " WITH NO DATA");
}

Status Load::make_staging() {
  Target staging = target_;
  staging.table = "osiris_" + to_hex(random_bytes(8));
  destination_ = staging.quoted();
  return connection_->run("CREATE TABLE " + destination_ + " (LIKE " + target_.quoted() +
                          " INCLUDING ALL EXCLUDING INDEXES)");
}

// ---- the end

Status Load::settle() {
  if (settings_.verifies_values) OSIRIS_TRY(read_back());
  if (settings_.mode == WriteMode::kUpsert) OSIRIS_TRY(merge());
  if (is_held_back_) OSIRIS_TRY(insert());
  if (settings_.verifies) {
    OSIRIS_TRY(verify());
    db::tell_verified(context_, target_.shown(), rows_, expected());
  }
  return is_swap_ ? swap() : Status();
}

Status Load::merge() {
  std::vector<std::string> updates, null_tests;
  for (const ColumnPlan& plan : plans_) {
    const std::string name = sql::quote_identifier(plan.target);
    if (std::find(keys_.begin(), keys_.end(), plan.target) == keys_.end())
      updates.push_back(name + " = excluded." + name);
  }
  for (const std::string& key : keys_) null_tests.push_back(sql::quote_identifier(key) + " IS NULL");
  OSIRIS_ASSIGN(const Answer nulls,
                connection_->ask("SELECT count(*) FROM " + destination_ + " WHERE " + join(null_tests, " OR ")));
  if (nulls.text(0, 0) != "0")
    return failed(
        nulls.text(0, 0) + " rows have a NULL in the key (" + join(keys_, ", ") + ") of table " + target_.shown(),
        "a row without a key would be added anew by every run: filter it in the step before");
  OSIRIS_ASSIGN(const Answer twice, connection_->ask(duplicate_key_query(destination_, keys_)));
  if (twice.rows() > 0)
    return failed("the rows hold the key (" + join(keys_, ", ") + ") = (" + twice.text(0, 0) + ") " + twice.text(0, 1) +
                      " times, so which of them table " + target_.shown() + " gets is not said",
                  "keep one row of each key in the step before: QUALIFY row_number() OVER (PARTITION BY ...) = 1");
  OSIRIS_ASSIGN(const Answer merged,
                connection_->ask("INSERT INTO " + target_.quoted() + " (" + target_columns() + ") SELECT " +
                                 target_columns() + " FROM " + destination_ + " ON CONFLICT (" + quoted_list(keys_) +
                                 ") DO " + (updates.empty() ? "NOTHING" : "UPDATE SET " + join(updates, ", "))));
  if (settings_.verifies && !updates.empty() && merged.affected() != rows_)
    return db::count_mismatch("PostgreSQL", target_.shown(), rows_, merged.affected());
  return {};
}

Status Load::verify() const {
  if (rows_copied_ != rows_) return db::count_mismatch("PostgreSQL", target_.shown(), rows_, rows_copied_);
  // What was there before is not counted again.
  if (settings_.mode == WriteMode::kAppend && !is_new_) return {};
  // Began empty: it holds what the server counted into it, unless something of its own takes rows away again.
  OSIRIS_ASSIGN(const Answer plain, connection_->ask("SELECT relkind = 'r' AND NOT relhastriggers FROM "
                                                     "pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass($1)",
                                                     {destination_}));
  if (plain.rows() == 1 && plain.text(0, 0) == "t") return {};
  OSIRIS_ASSIGN(const Answer held, connection_->ask("SELECT count(*) FROM " + destination_));
  const uint64_t count = std::stoull(held.text(0, 0));
  return count == rows_ ? Status() : Status(db::count_mismatch("PostgreSQL", target_.shown(), rows_, count));
}

// Readers of the table wait from here to the commit: for the indexes, not for the rows.
Status Load::swap() {
  OSIRIS_TRY(connection_->run("LOCK TABLE " + target_.quoted() + " IN ACCESS EXCLUSIVE MODE"));
  // Another replace may have been quicker.
  OSIRIS_ASSIGN(const Target now, look_up(*connection_, settings_.table));
  OSIRIS_ASSIGN(const auto kept, kept_by_swap(*connection_, now));
  OSIRIS_TRY(connection_->run("DROP TABLE " + target_.quoted()));
  OSIRIS_TRY(connection_->run("ALTER TABLE " + destination_ + " RENAME TO " + sql::quote_identifier(target_.table)));
  for (const std::string& statement : kept) OSIRIS_TRY(connection_->run(statement));
  return {};
}

Status Load::commit() {
  if (context_.is_cancelled()) return cancelled_error(call_.step_id);
  OSIRIS_ASSIGN(const Answer transaction, connection_->ask("SELECT pg_catalog.txid_current_if_assigned()"));
  const auto answer = connection_->ask("COMMIT");
  if (answer.ok()) {
    if (std::string_view(PQcmdStatus(answer->get())) == "COMMIT") return {};
    return failed("the server rolled the transaction back", "look into the server's log");
  }
  // It says that it did not: a deferred constraint, for one.
  if (!connection_->last_error().is_lost()) return answer.error();
  if (transaction.is_null(0, 0)) return answer.error();
  return ask_whether_committed(transaction.text(0, 0), answer.error());
}

Result<StepOutcome> run_load(StepContext& context, const db::TargetSettings& settings, const ServerSettings& server,
                             const std::string& driver, bool echo) {
  Deadline deadline;
  const CallContext call = call_context(context, deadline, driver, echo);
  const CancelWatch watch(context, [&deadline] { deadline.cancel(); });
  OSIRIS_TRY(watch.begun());
  const auto rows = Load(context, settings, server, call).run();
  if (!rows.ok() && context.is_cancelled() && rows.error().code != Code::kInvalidState)
    return cancelled_error(context.step_id());
  if (!rows.ok()) return rows.error();
  return StepOutcome{*rows, *rows};
}

}  // namespace osiris::worker::postgres

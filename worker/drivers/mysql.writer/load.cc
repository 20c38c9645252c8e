#include "worker/drivers/mysql.writer/load.h"

#include <algorithm>

#include "protocol/base/categories.h"
#include "protocol/base/sha256.h"
#include "protocol/base/text.h"
#include "protocol/base/thread.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/db/server_rows.h"

namespace osiris::worker::mysql {

using db::WriteMode;

namespace {

// What MariaDB calls a table that keeps what its rows were.
constexpr char kVersioned[] = "SYSTEM VERSIONED";

}  // namespace

Error Load::failed(const std::string& what, const std::string& hint) const {
  return Error(Code::kStepFailed, "MySQL write failed: " + what, hint, category::kWriteFailed);
}

std::string Load::target_list() const {
  std::vector<std::string> names;
  for (const ColumnPlan& plan : plans_) names.push_back(plan.target);
  return quoted_list(names);
}

std::vector<WrittenColumn> Load::written_columns() const {
  std::vector<WrittenColumn> columns;
  for (const ColumnPlan& plan : plans_) columns.push_back({plan.name, plan.expression});
  return columns;
}

Result<uint64_t> Load::run() {
  const Status done = load();
  if (done.ok()) return rows_;
  (void)await_rows();
  undo();
  return done.error();
}

Status Load::load() {
  ChunkedRows* const chunks = chunks_to_commit();
  OSIRIS_ASSIGN(session_, Session::open(server_, call_));
  if (lock_timeout_s_ > 0) {
    const std::string seconds = std::to_string(lock_timeout_s_);
    OSIRIS_TRY(session_->run("SET SESSION innodb_lock_wait_timeout = " + seconds + ", lock_wait_timeout = " + seconds));
  }
  table_ = quote_identifier(settings_.table);
  // What a killed one left is found again.
  tag_ = sha256_hex(server_.database + "\n" + settings_.table).substr(0, 16);
  staging_ = quote_identifier("osiris_new_" + tag_);
  old_ = quote_identifier("osiris_old_" + tag_);
  OSIRIS_TRY(chunks ? take_copy() : drop_leftovers());
  OSIRIS_TRY(find_target());
  if (chunks && added_.empty() && is_transactional_) return copy_chunks(*chunks);
  if (chunks) OSIRIS_TRY(drop_others({}));
  OSIRIS_TRY(make_room());
  OSIRIS_TRY(write_all());
  OSIRIS_TRY(context_.inputs_are_sound());
  return settle();
}

// ---- the table

Status Load::find_target() {
  OSIRIS_ASSIGN(const db::RelationColumns sources, db::source_columns(context_));
  const std::string is_it = " TABLE_SCHEMA = DATABASE() AND TABLE_NAME = " + quote_text(settings_.table);
  OSIRIS_ASSIGN(const auto tables,
                session_->ask("SELECT t.TABLE_TYPE, e.TRANSACTIONS FROM information_schema.TABLES t LEFT JOIN "
                              "information_schema.ENGINES e ON e.ENGINE = t.ENGINE WHERE" +
                              is_it));
  exists_ = !tables.empty();
  const std::string kind = exists_ ? tables[0][0].value_or("") : "";
  if (exists_ && kind != "BASE TABLE" && kind != kVersioned)
    return failed(settings_.table + " is no table", "name a table; a view is not written to");
  is_transactional_ = !exists_ || tables[0][1].value_or("") == "YES";
  if (exists_) {
    OSIRIS_ASSIGN(
        const auto columns,
        session_->ask("SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, COALESCE(DATETIME_PRECISION, 0), "
                      "COALESCE(NUMERIC_SCALE, -1), IS_NULLABLE = 'NO' AND COLUMN_DEFAULT IS NULL AND EXTRA NOT "
                      "LIKE '%auto_increment%', EXTRA LIKE '%GENERATED%' AND EXTRA NOT LIKE 'DEFAULT_%', "
                      "IS_NULLABLE = 'NO' AND (DATA_TYPE = 'timestamp' OR EXTRA LIKE '%auto_increment%') FROM "
                      "information_schema.COLUMNS WHERE" +
                      is_it + " ORDER BY ORDINAL_POSITION"));
    for (const Row& row : columns)
      columns_.push_back({row[0].value_or(""), ascii_lower(row[1].value_or("")), row[2].value_or(""),
                          std::stoi(row[3].value_or("0")), std::stoi(row[4].value_or("-1")),
                          row[5].value_or("0") == "1", row[6].value_or("0") == "1", row[7].value_or("0") == "1"});
    OSIRIS_ASSIGN(const auto keys, session_->ask("SELECT INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS "
                                                 "WHERE NON_UNIQUE = 0 AND" +
                                                 is_it + " ORDER BY INDEX_NAME, SEQ_IN_INDEX"));
    for (size_t i = 0; i < keys.size(); ++i) {
      if (i == 0 || keys[i][0] != keys[i - 1][0]) unique_keys_.emplace_back();
      unique_keys_.back().push_back(keys[i][1].value_or(""));
    }
    OSIRIS_TRY(find_obstacle());
  }
  OSIRIS_TRY(plan_columns(sources));
  return find_keys();
}

// What a table of another making under the same name would not have.
Status Load::find_obstacle() {
  const std::string name = quote_text(settings_.table);
  OSIRIS_ASSIGN(
      const auto found,
      session_->ask(
          "SELECT CONCAT('it has the trigger ', TRIGGER_NAME) FROM information_schema.TRIGGERS WHERE "
          "EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = " +
          name +
          " UNION ALL SELECT CONCAT('constraint ', CONSTRAINT_NAME, ' of ', TABLE_NAME, ' refers to other rows by "
          "it') FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL AND "
          "((TABLE_SCHEMA = DATABASE() AND TABLE_NAME = " +
          name + ") OR (REFERENCED_TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME = " + name +
          ")) UNION ALL SELECT 'it keeps the history of its rows' FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
          "DATABASE() AND TABLE_NAME = " +
          name + " AND TABLE_TYPE = " + quote_text(kVersioned)));
  if (!found.empty()) obstacle_ = found[0][0].value_or("");
  return {};
}

Status Load::plan_columns(const db::RelationColumns& sources) {
  std::vector<std::string> names;
  for (const TargetColumn& column : columns_) names.push_back(column.name);
  const bool is_frozen = exists_;
  OSIRIS_ASSIGN(const auto places, db::match_columns(settings_.table, sources, names,
                                                     is_frozen ? settings_.new_columns : db::NewColumns::kEvolve));
  std::vector<bool> is_filled(columns_.size());
  for (size_t i = 0; i < sources.size(); ++i) {
    if (places[i]) {
      if (is_filled[*places[i]])
        return failed("two columns of the rows are '" + columns_[*places[i]].name + "' in table " + settings_.table,
                      "rename one of them");
      is_filled[*places[i]] = true;
      OSIRIS_ASSIGN(ColumnPlan plan,
                    plan_existing(settings_.table, sources[i].name, sources[i].type, columns_[*places[i]]));
      plans_.push_back(std::move(plan));
    } else if (exists_ && settings_.new_columns == db::NewColumns::kDiscard) {
      call_.log("column '" + sources[i].name + "' is left out: " + settings_.table + " does not have it");
    } else {
      OSIRIS_ASSIGN(ColumnPlan plan,
                    plan_new(settings_.table, sources[i].name, sources[i].type, settings_.is_key(sources[i].name)));
      if (exists_) added_.push_back(plan.target);
      plans_.push_back(std::move(plan));
    }
  }
  for (size_t i = 0; i < columns_.size(); ++i)
    if (columns_[i].is_required && !is_filled[i])
      return failed("table " + settings_.table + " needs column '" + columns_[i].name + "', which the rows do not have",
                    "it is NOT NULL and has no default: give it a value in the step before");
  if (plans_.empty()) return failed("table " + settings_.table + " has none of the rows' columns", "rename them");
  // MariaDB's JSON is a text.
  for (ColumnPlan& plan : plans_)
    if (plan.type_name == "JSON" && session_->is_mariadb()) plan.form = ValueForm::kExact;
  if (settings_.verifies_values) sent_.emplace(plans_.size());
  return {};
}

Status Load::find_keys() {
  for (const std::string& key : settings_.keys) {
    const auto plan = std::find_if(plans_.begin(), plans_.end(), [&](const ColumnPlan& one) {
      return ascii_lower(one.target) == ascii_lower(key) || one.name == key;
    });
    if (plan == plans_.end())
      return failed("primary_key names '" + key + "', which is no column of the rows",
                    "the columns are " + target_list());
    keys_.push_back(plan->target);
  }
  if (settings_.mode != WriteMode::kUpsert || !exists_) return {};
  std::vector<std::string> sorted = keys_;
  std::sort(sorted.begin(), sorted.end());
  bool is_unique = false;
  for (std::vector<std::string> unique : unique_keys_) {
    const std::string shown = join(unique, ", ");
    std::sort(unique.begin(), unique.end());
    if (unique == sorted) {
      is_unique = true;
      continue;
    }
    // MySQL takes a row for known where any unique index says so.
    const bool is_written = std::all_of(unique.begin(), unique.end(), [&](const std::string& name) {
      return std::any_of(plans_.begin(), plans_.end(), [&](const ColumnPlan& plan) { return plan.target == name; });
    });
    if (is_written)
      return failed("table " + settings_.table + " has a second unique index, on (" + shown +
                        "), by which MySQL would update rows of another key",
                    "upsert by that key, or leave its columns out in the step before");
  }
  if (is_unique) return {};
  return failed("table " + settings_.table + " has no primary key or unique index on (" + join(keys_, ", ") + ")",
                "an upsert needs one: ALTER TABLE " + table_ + " ADD UNIQUE (" + quoted_list(keys_) + ")");
}

// ---- the rows

Status Load::make_room() {
  destination_ = table_;
  if (is_swap_possible()) return make_staging();
  if (!is_transactional_)
    return failed(
        "table " + settings_.table + " has an engine without transactions: a load that fails could not be undone",
        "ALTER TABLE " + table_ + " ENGINE=InnoDB, or write_mode: replace");
  // A streamed input may be read from this very table, by a transaction that does not end before its rows are taken.
  if (!added_.empty() && context_.inputs().front().is_streamed)
    return Error(Code::kUnsupported, "a column is added to table " + settings_.table);
  for (size_t i = 0; i < added_.size(); ++i) {
    const auto plan =
        std::find_if(plans_.begin(), plans_.end(), [&](const ColumnPlan& one) { return one.target == added_[i]; });
    call_.log("column '" + plan->target + "' is added to " + settings_.table + " as " + plan->type_name);
    OSIRIS_TRY(session_->run("ALTER TABLE " + table_ + " ADD COLUMN " + quote_identifier(plan->target) + " " +
                             plan->type_name + " NULL"));
  }
  if (settings_.mode != WriteMode::kAppend) OSIRIS_TRY(take_turn());
  switch (settings_.mode) {
    case WriteMode::kAppend:
      is_held_back_ = settings_.verifies_values;
      return is_held_back_ ? make_rows_table() : start();
    case WriteMode::kReplace:
      call_.log("replace empties and fills " + settings_.table + " itself, because " + obstacle_);
      [[fallthrough]];
    case WriteMode::kTruncate:
      // TRUNCATE would end the transaction.
      OSIRIS_TRY(start());
      return session_->run("DELETE FROM " + table_, where());
    case WriteMode::kUpsert:
      return make_rows_table();
  }
  return {};
}

Status Load::make_rows_table() {
  destination_ = quote_identifier("osiris_rows");
  OSIRIS_TRY(session_->run("CREATE TEMPORARY TABLE " + destination_ + " AS SELECT " + target_list() + " FROM " +
                           table_ + " LIMIT 0"));
  return start();
}

// A transaction into the table itself.
Status Load::start() {
  OSIRIS_ASSIGN(marker_, CommitMarker::make(*session_, call_, tag_));
  OSIRIS_TRY(session_->run("START TRANSACTION"));
  return marker_ ? marker_->set(*session_) : Status();
}

// One writer at a time empties, merges or swaps: side by side they would end each other by a deadlock. The server lets
// go of this when the connection ends.
Status Load::take_turn() {
  const std::string seconds = std::to_string(lock_timeout_s_ > 0 ? lock_timeout_s_ : 86400);
  OSIRIS_ASSIGN(const auto turn, session_->ask("SELECT GET_LOCK(" + quote_text(staging_) + ", " + seconds + ")"));
  if (turn.empty() || turn[0][0].value_or("0") != "1")
    return Error(Code::kStepFailed,
                 "MySQL write failed" + where() + ": another writer has been at it for " + seconds + " s",
                 "let it end, or raise lock_timeout", category::kRuntimeTimeout);
  return {};
}

// Of a table that is made: its columns and what follows them.
Result<std::string> Load::definition() const {
  std::vector<std::string> columns;
  for (const ColumnPlan& plan : plans_) {
    const bool is_key = std::find(keys_.begin(), keys_.end(), plan.target) != keys_.end();
    columns.push_back(quote_identifier(plan.target) + " " + plan.type_name + (is_key ? " NOT NULL" : " NULL"));
  }
  if (!keys_.empty()) columns.push_back("PRIMARY KEY (" + quoted_list(keys_) + ")");
  std::string definition = " (" + join(columns, ", ") + ") DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin";
  if (!exists_ && !settings_.creates)
    return Error(Code::kNotFound, "MySQL write failed: table " + settings_.table + " does not exist",
                 "set create_table: true, or make it: CREATE TABLE " + table_ + definition, category::kWriteFailed);
  return definition;
}

Status Load::make_staging() {
  is_swap_ = true;
  OSIRIS_ASSIGN(const std::string definition, this->definition());
  OSIRIS_TRY(take_turn());
  has_staging_ = true;
  OSIRIS_TRY(session_->run("DROP TABLE IF EXISTS " + staging_));
  // Another writer may have made it while this one waited.
  OSIRIS_ASSIGN(const auto there,
                session_->ask("SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() "
                              "AND TABLE_NAME = " +
                              quote_text(settings_.table)));
  const bool is_there = !there.empty();
  if (is_there && !exists_ && settings_.mode != WriteMode::kReplace)
    return Error(Code::kUnavailable, "MySQL write failed" + where() + ": another writer has just made it",
                 "run again: the rows are then added to it", category::kWriteFailed);
  exists_ = is_there;
  OSIRIS_TRY(
      session_->run("CREATE TABLE " + staging_ + (is_there && !columns_.empty() ? " LIKE " + table_ : definition)));
  for (const std::string& name : added_) {
    const auto plan =
        std::find_if(plans_.begin(), plans_.end(), [&](const ColumnPlan& one) { return one.target == name; });
    OSIRIS_TRY(session_->run("ALTER TABLE " + staging_ + " ADD COLUMN " + quote_identifier(name) + " " +
                             plan->type_name + " NULL"));
  }
  destination_ = staging_;
  return session_->run("START TRANSACTION");
}

size_t Load::rows_max() const {
  const uint64_t rows = context_.config()["batch_size"].as_uint();
  return rows == 0 ? SIZE_MAX : rows;
}

std::unique_ptr<BatchWriter::Batch> Load::begin() {
  return std::make_unique<RowText>(plans_, session_->form(), session_->row_bytes_max(destination_, plans_),
                                   settings_.verifies_values);
}

Status Load::write(Batch& batch) {
  const auto& rows = static_cast<const RowText&>(batch);
  if (context_.is_cancelled()) return cancelled_error(call_.step_id);
  const uint64_t before = rows_ + text_rows_;
  const size_t count = rows.ends().size();
  if (count <= rows_max() - std::min<size_t>(rows_max(), text_rows_) &&
      text_.size() + rows.text().size() <= session_->bytes_max()) {
    text_ += rows.text();
    text_rows_ += count;
  } else {
    OSIRIS_TRY(write_one_by_one(rows));
  }
  if (sent_) sent_->add(*rows.fingerprint());
  if (const auto& unfit = rows.unfit())
    return failed("table " + settings_.table + ", column '" + unfit->column + "', row " +
                      std::to_string(before + unfit->row + 1) + ": " + unfit->what,
                  unfit->hint);
  context_.progress(rows_ + text_rows_);
  return {};
}

Status Load::write_one_by_one(const RowText& rows) {
  size_t begin = 0;
  for (const size_t end : rows.ends()) {
    const bool is_full = text_rows_ >= rows_max() || text_.size() + (end - begin) > session_->bytes_max();
    if (text_rows_ > 0 && is_full) OSIRIS_TRY(flush());
    text_.append(rows.text(), begin, end - begin);
    ++text_rows_;
    begin = end;
  }
  return {};
}

Status Load::write_all() {
  const auto written = write_rows(context_, written_columns(), *this);
  if (!written.ok()) return written.error();
  OSIRIS_TRY(flush());
  return await_rows();
}

// A server is at work on a statement for longer than the next one's rows take to be formatted: so it is sent by a
// thread of its own, one statement at a time.
Status Load::flush() {
  if (text_rows_ == 0) return {};
  OSIRIS_TRY(await_rows());
  if (context_.is_cancelled()) return cancelled_error(call_.step_id);
  std::swap(text_, sent_text_);
  const auto send = [this, rows = text_rows_, before = rows_] {
    return session_->load_rows(destination_, plans_, sent_text_, rows, before, where());
  };
  sending_ = begin_async(send);
  if (!sending_.valid()) OSIRIS_TRY(send());  // the machine has no more threads
  rows_ += text_rows_;
  bytes_ += sent_text_.size();
  text_rows_ = 0;
  text_.clear();
  context_.progress_bytes(bytes_, 0);
  return {};
}

// The statement that is under way, if one is.
Status Load::await_rows() { return sending_.valid() ? sending_.get() : Status(); }

}  // namespace osiris::worker::mysql

#include "worker/drivers/supabase.writer/rest_load.h"

#include <algorithm>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/postgres.writer/column_plan.h"
#include "worker/drivers/postgres.writer/ddl.h"
#include "worker/drivers/supabase.writer/json_rows.h"
#include "worker/drivers/supabase.writer/stale_rows.h"

namespace osiris::worker::supabase {
namespace {

using db::WriteMode;

}  // namespace

RestLoad::RestLoad(StepContext& step, const db::TargetSettings& settings, const Endpoint& endpoint)
    : step_(step),
      settings_(settings),
      rest_(step, endpoint, Purpose::kWrite),
      shown_(endpoint.schema + "." + settings.table),
      batch_rows_(std::max<uint64_t>(step.config()["batch_size"].as_uint(100), 1)) {}

Error RestLoad::failed(const std::string& what, const std::string& hint) const {
  return Error(Code::kStepFailed, what, hint, category::kWriteFailed);
}

std::string RestLoad::source() const { return sql::quote_identifier(step_.inputs().front().name); }

std::string RestLoad::left_behind() const {
  if (rows_ == 0) return "";
  const std::string rows = "rows 1 to " + std::to_string(rows_) + " are in table " + shown_;
  if (settings_.mode == WriteMode::kAppend) return "; " + rows + ", and a run that repeats this one adds them again";
  if (settings_.mode == WriteMode::kUpsert) return "; " + rows + ", and may be written again";
  return "; " + rows + ", beside those that it had; run again to replace them";
}

Result<uint64_t> RestLoad::run() {
  OSIRIS_TRY(find_columns());
  if (has_key()) OSIRIS_TRY(check_keys());
  OSIRIS_TRY(find_table());
  Status status;
  if (const auto written = write_rows(step_.connection_handle(), json_rows_select(source(), columns_), *this, false);
      !written.ok())
    status = written.error();
  if (status.ok()) status = send();
  if (status.ok() && settings_.mode == WriteMode::kReplace) status = remove_stale();
  step_.metric("requests_made", static_cast<double>(rest_.requests_made()), "requests");
  if (status.ok()) return rows_;
  if (step_.is_cancelled() && status.error().code != Code::kInvalidState) {
    if (rows_ > 0) step_.log("supabase.writer " + step_.step_id() + ": cancelled" + left_behind());
    return step_cancelled();
  }
  Error error = status.error();
  error.message += left_behind();
  return error;
}

Status RestLoad::find_columns() {
  OSIRIS_ASSIGN(columns_, db::source_columns(step_));
  std::vector<postgres::ColumnPlan> plans;
  std::vector<std::string> names;
  for (const db::RelationColumn& column : columns_) {
    OSIRIS_ASSIGN(postgres::ColumnPlan plan, postgres::plan_new(shown_, column.name, column.type));
    plans.push_back(std::move(plan));
    names.push_back(quoted_name(column.name));
  }
  names_ = join(names, ",");
  for (const std::string& key : settings_.keys)
    if (std::none_of(plans.begin(), plans.end(), [&](const auto& plan) { return plan.target == key; }))
      return failed("primary_key names '" + key + "', which is no column of the rows", "the columns are " + names_);
  ddl_ = postgres::create_table(sql::quote_identifier(rest_.schema()) + "." + sql::quote_identifier(settings_.table),
                                plans, settings_.keys);
  return {};
}

// By asking for the columns of no row.
Status RestLoad::find_table() {
  const auto found = rest_.rows(settings_.table, {{"select", names_}, {"limit", "0"}}, false);
  if (found.ok()) return {};
  if (is_missing_table(found.error()))
    return Error(Code::kNotFound, "table " + shown_ + " does not exist",
                 "PostgREST makes no tables: give the connection a pg_dsn, or make it in the SQL editor: " + ddl_,
                 category::kWriteFailed);
  Error error = found.error();
  if (error.detail["code"].as_string() == "42703" || error.detail["code"].as_string() == "PGRST204")
    error.hint = "rename the column in the step before, or add it; the whole table would be " + ddl_;
  return error;
}

Status RestLoad::check_keys() {
  std::vector<std::string> quoted, nulls;
  for (const std::string& key : settings_.keys) {
    quoted.push_back(sql::quote_identifier(key));
    nulls.push_back(quoted.back() + " IS NULL");
  }
  const std::string key = "(" + join(settings_.keys, ", ") + ")", list = join(quoted, ", ");
  OSIRIS_ASSIGN(
      sql::QueryResult null_rows,
      sql::run_query(step_.connection_handle(), "SELECT count(*) FROM " + source() + " WHERE " + join(nulls, " OR ")));
  if (null_rows.integer() > 0)
    return failed(std::to_string(null_rows.integer()) + " rows have a NULL in the key " + key + " of table " + shown_,
                  "a row without a key would be added anew by every run: filter it in the step before");
  OSIRIS_ASSIGN(
      sql::QueryResult twice,
      sql::run_query(step_.connection_handle(), "SELECT concat_ws(', ', " + list + "), count(*) FROM " + source() +
                                                    " GROUP BY " + list + " HAVING count(*) > 1 LIMIT 1"));
  if (twice.rows() > 0)
    return failed("the rows hold the key " + key + " = (" + twice.text() + ") " + twice.text(1) +
                      " times, so which of them table " + shown_ + " gets is not said",
                  "keep one row of each key in the step before: QUALIFY row_number() OVER (PARTITION BY ...) = 1");
  return {};
}

std::unique_ptr<BatchWriter::Batch> RestLoad::begin() { return std::make_unique<RowTexts>(); }

Status RestLoad::write(Batch& batch) {
  for (const std::string& row : static_cast<const RowTexts&>(batch).rows()) {
    pending_.push_back(row);
    if (pending_.size() >= batch_rows_) OSIRIS_TRY(send());
  }
  return {};
}

Status RestLoad::send() {
  if (pending_.empty()) return {};
  if (step_.is_cancelled()) return step_cancelled();
  Query query = {{"columns", names_}};
  std::vector<std::string> keys;
  for (const std::string& key : settings_.keys) keys.push_back(quoted_name(key));
  if (has_key()) query.emplace_back("on_conflict", join(keys, ","));
  const std::string place = "rows " + std::to_string(rows_ + 1) + " to " + std::to_string(rows_ + pending_.size());
  const auto taken =
      rest_.insert(settings_.table, query, "[" + join(pending_, ",") + "]", has_key() ? "merge-duplicates" : "");
  if (!taken.ok()) {
    Error error = taken.error().code == Code::kCancelled ? taken.error() : taken.error().within(place);
    if (error.code == Code::kInvalidState)
      error.hint = "look whether " + place + " are in table " + shown_ +
                   " before you run again; with write_mode: upsert and a primary_key they could be sent twice";
    return error;
  }
  if (settings_.verifies && *taken && **taken != pending_.size()) {
    Error error = db::count_mismatch("Supabase", shown_, pending_.size(), **taken);
    error.message = place + ": the server says that it wrote " + std::to_string(**taken) + " of them";
    rows_ += **taken;
    return error;
  }
  rows_ += pending_.size();
  pending_.clear();
  step_.progress(rows_);
  return {};
}

// ---- replace

Status RestLoad::remove_stale() {
  OSIRIS_ASSIGN(const StaleRows stale, find_stale_rows(step_, rest_, settings_, columns_));
  if (stale.kept != rows_)
    return failed("of the " + std::to_string(rows_) + " rows written, " + std::to_string(stale.kept) +
                      " are found in table " + shown_ + " by their key, so what it had before was not removed",
                  "the server changes keys (a trigger, char(n), another writer), or primary_key is not unique there");
  for (const Query& rows : stale.filters) {
    if (step_.is_cancelled()) return step_cancelled();
    const auto removed = rest_.remove(settings_.table, rows);
    if (!removed.ok()) return removed.error();
  }
  if (stale.rows > 0)
    step_.log("supabase.writer " + step_.step_id() + ": replace removed " + std::to_string(stale.rows) +
              " rows that the table had before");
  return settings_.verifies ? verify() : Status();
}

Status RestLoad::verify() {
  OSIRIS_ASSIGN(const uint64_t held, rest_.count(settings_.table));
  if (held == rows_) return {};
  return failed("table " + shown_ + " was to hold the " + std::to_string(rows_) + " rows written and holds " +
                    std::to_string(held),
                "another writer was there, or rows that the key's role does not see; run again");
}

}  // namespace osiris::worker::supabase

#include "worker/driver_api/incremental.h"

#include <algorithm>

#include "protocol/base/categories.h"
#include "protocol/base/quantity.h"
#include "protocol/base/text.h"
#include "worker/driver_api/changed_values.h"
#include "worker/driver_api/sql.h"
#include "worker/driver_api/type_class.h"

namespace osiris::worker {
namespace {

constexpr uint64_t kKeysMax = 10'000;
constexpr std::string_view kKindNames[] = {"integer", "decimal", "date", "timestamp", "timestamptz", "text"};

std::string_view name_of(CursorKind kind) { return kKindNames[static_cast<size_t>(kind)]; }

// As JSON has it, or as a text.
std::optional<std::string> plain_text(const Json& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_int() || value.is_double()) return value.dump();
  return std::nullopt;
}

// "1.50" and "1.5" are one number.
std::string shortest_number(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string cast(const std::string& text, const std::string& type) {
  return "CAST(" + sql::quote_literal(text) + " AS " + type + ")";
}

// With its schema where the step names one; empty: it reads a query.
std::string table_of(const Json& config) {
  const std::string table = config["table"].as_string(), schema = config["schema"].as_string();
  return table.empty() || schema.empty() ? table : schema + "." + table;
}

// A connection of one's own, for a thread that is not the step's.
class OwnConnection {
 public:
  explicit OwnConnection(StepContext& step) : connection_(step.open_connection()) {}
  ~OwnConnection() { duckdb_disconnect(&connection_); }
  OwnConnection(const OwnConnection&) = delete;
  OwnConnection& operator=(const OwnConnection&) = delete;
  duckdb_connection get() { return connection_; }

 private:
  duckdb_connection connection_;
};

// The first value of the first row; nullopt: NULL.
Result<std::optional<std::string>> single(duckdb_connection connection, const std::string& expression) {
  OSIRIS_ASSIGN(sql::QueryResult result, sql::run_query(connection, "SELECT CAST(" + expression + " AS VARCHAR)"));
  if (duckdb_value_is_null(result.get(), 0, 0)) return std::optional<std::string>();
  return std::optional<std::string>(result.text());
}

}  // namespace

Error Incremental::wrong(const std::string& what, const std::string& hint) const {
  return Error(Code::kInvalidArgument, "Step " + step_->step_id() + ": " + what, hint, category::kConfigInvalid);
}

Result<std::optional<Incremental>> Incremental::of(StepContext& step) {
  if (!step.config()["incremental"].is_object()) return std::optional<Incremental>();
  Incremental incremental(step);
  OSIRIS_TRY(incremental.read_config());
  OSIRIS_TRY(incremental.read_state());
  return std::optional<Incremental>(std::move(incremental));
}

Status Incremental::read_config() {
  const Json& config = step_->config();
  const Json& keys = config["incremental"];
  column_ = keys["column"].as_string();
  if (column_.empty()) return wrong("'incremental' needs a 'column'", "name the column that grows");
  for (const Json& name : keys["key"].items()) key_.push_back(name.as_string());
  if (!keys["initial"].is_null()) {
    initial_ = plain_text(keys["initial"]);
    if (!initial_) return wrong("'initial' of incremental is " + keys["initial"].dump(), "write a text or a number");
  }
  lookback_ = keys["lookback"];
  skips_nulls_ = keys["nulls"].as_string() == "skip";
  for (const char* key : {"limit", "offset"})
    if (config[key].as_uint() > 0)
      return wrong(std::string("'") + key + "' cannot be used with 'incremental'",
                   "rows that it leaves out would never be asked for again");
  return {};
}

Status Incremental::read_state() {
  const Json& state = step_->state();
  if (state.is_null()) return {};
  const auto mismatch = [&](const std::string& what) {
    return wrong("the kept state " + what,
                 "`osiris state show` prints it; `osiris state reset` lets the step begin anew, `osiris state set` "
                 "sets the value to go on from");
  };
  boundary_ = plain_text(state["value"]);
  if (!boundary_) return mismatch("has no value: " + state.dump().substr(0, 200));
  if (const Json* column = state.find("column"); column && ascii_lower(column->as_string()) != ascii_lower(column_))
    return mismatch("is of column '" + column->as_string() + "', and incremental names '" + column_ + "'");
  // A copy of a pipeline that kept its name has its state, too, and would leave rows of another table out.
  const std::string table = table_of(step_->config());
  if (const Json* known = state.find("table"); known && !table.empty() && known->as_string() != table)
    return mismatch("is of table '" + known->as_string() + "', and the step reads '" + table + "'");
  state_kind_ = state["type"].as_string();
  if (key_.empty() || !lookback_.is_null()) return {};
  Json key = Json::array();
  for (const std::string& name : key_) key.push_back(name);
  // One that was set by hand says nothing of rows.
  if (state.contains("column") && !(state["key"] == key))
    return mismatch((state["key"].is_null() ? "has no key" : "is of the key " + state["key"].dump()) +
                    ", and incremental has " + key.dump());
  for (const Json& row : state["taken"].items()) {
    if (row.size() != key_.size()) return mismatch("has a key of another length: " + row.dump());
    taken_.push_back(row);
  }
  return {};
}

Result<CursorKind> Incremental::kind_of(const ColumnType& type) const {
  if (is_integer(type.id)) return CursorKind::kInteger;
  switch (type.id) {
    case DUCKDB_TYPE_DECIMAL:
      return CursorKind::kDecimal;
    case DUCKDB_TYPE_DATE:
      return CursorKind::kDate;
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
      return CursorKind::kTimestamp;
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return CursorKind::kTimestampTz;
    case DUCKDB_TYPE_VARCHAR:
      if (type.alias.empty()) return CursorKind::kText;
      [[fallthrough]];
    default:
      return wrong("column '" + column_ + "' is " + (type.alias.empty() ? type.sql() : type.alias) +
                       ", and incremental needs an integer, a decimal, a date, a timestamp or a text",
                   "name another column, or cast it in the query");
  }
}

Result<std::optional<std::string>> Incremental::least(const ColumnType& type) const {
  OSIRIS_ASSIGN(const CursorKind kind, kind_of(type));
  if (boundary_ && !state_kind_.empty() && state_kind_ != name_of(kind))
    return wrong("the kept state is of a " + state_kind_ + ", and column '" + column_ + "' is now a " +
                     std::string(name_of(kind)),
                 "`osiris state reset` lets the step begin anew");
  const std::optional<std::string>& from = boundary_ ? boundary_ : initial_;
  if (!from) return std::optional<std::string>();
  OwnConnection connection(*step_);
  const std::string literal = sql::quote_literal(*from), changes = text_changes(type.sql(), literal);
  OSIRIS_ASSIGN(const auto value,
                single(connection.get(), (changes.empty() ? "(" : "(CASE WHEN NOT " + changes + " THEN ") +
                                             ("TRY_CAST(" + literal + " AS " + type.sql() + ")") +
                                             (changes.empty() ? ")" : " END)")));
  const bool is_exact =
      value && (!boundary_ || kind != CursorKind::kDecimal || shortest_number(*value) == shortest_number(*from));
  if (!is_exact)
    return wrong(std::string(boundary_ ? "the kept state's value" : "'initial' of incremental,") + " '" + *from +
                     "' is no " + type.sql() + ", which column '" + column_ + "' is",
                 boundary_ ? "`osiris state set` sets another" : "write it as the column's values are written");
  if (!boundary_ || lookback_.is_null()) return value;
  OSIRIS_ASSIGN(std::string back, looked_back(connection.get(), kind, *value, type.sql()));
  return back.empty() ? std::optional<std::string>() : std::optional<std::string>(std::move(back));
}

Result<std::optional<Json>> Incremental::least_plain() const {
  const Json& initial = step_->config()["incremental"]["initial"];
  const bool is_whole = boundary_ ? state_kind_ == name_of(CursorKind::kInteger) : initial.is_int();
  OSIRIS_ASSIGN(const auto value, least(ColumnType::plain(is_whole ? DUCKDB_TYPE_BIGINT : DUCKDB_TYPE_VARCHAR)));
  if (!value) return std::optional<Json>();
  if (!is_whole) return std::optional<Json>(Json(*value));
  OSIRIS_ASSIGN(Json number, parse_json(*value));
  return std::optional<Json>(std::move(number));
}

// Empty: below every value of the type.
Result<std::string> Incremental::looked_back(duckdb_connection connection, CursorKind kind, const std::string& value,
                                             const std::string& type) const {
  const auto text = plain_text(lookback_);
  std::string less;
  switch (kind) {
    case CursorKind::kText:
      return wrong("'lookback' needs a column of numbers or times, and '" + column_ + "' is text",
                   "leave it out, or cast the column in the query");
    case CursorKind::kInteger:
    case CursorKind::kDecimal:
      if (!lookback_.is_number() || lookback_.as_double() < 0)
        return wrong("'lookback' is " + lookback_.dump() + ", and column '" + column_ + "' holds numbers",
                     "write how much is to be read again as a number");
      less = cast(value, kind == CursorKind::kInteger ? "HUGEINT" : type) + " - " + *text;
      break;
    default: {
      const auto seconds = parse_duration_s(text.value_or(""));
      if (!seconds.ok() || !lookback_.is_string())
        return wrong("'lookback' is " + lookback_.dump() + ", and column '" + column_ + "' holds times",
                     "write how much is to be read again as a duration: 2h, 30m, 7d");
      less = cast(value, type) + " - to_microseconds(" + std::to_string(static_cast<int64_t>(*seconds * 1e6)) + ")";
    }
  }
  OSIRIS_ASSIGN(const auto back, single(connection, "TRY_CAST(TRY(" + less + ") AS " + type + ")"));
  return back.value_or("");
}

Result<const FileColumn*> Incremental::find(const std::vector<FileColumn>& columns, const std::string& name,
                                            const char* key) const {
  const auto with = [&](auto same) { return std::find_if(columns.begin(), columns.end(), same); };
  auto found = with([&](const FileColumn& column) { return column.name == name; });
  if (found == columns.end())
    found = with([&](const FileColumn& column) { return ascii_lower(column.name) == ascii_lower(name); });
  if (found != columns.end()) return &*found;
  std::vector<std::string> names;
  for (const FileColumn& column : columns) names.push_back(column.name);
  const auto near = nearest(name, names);
  return wrong("the rows have no column '" + name + "', which '" + key + "' of incremental names",
               near ? "did you mean '" + *near + "'?" : "their columns are " + join(names, ", "));
}

Result<Json> Incremental::keys_at(const std::string& boundary, const std::vector<std::string>& key) const {
  std::string list;
  for (const std::string& column : key)
    list += (list.empty() ? "" : ", ") + std::string("CAST(") + column + " AS VARCHAR)";
  OSIRIS_ASSIGN(sql::QueryResult result,
                sql::run_query(step_->connection_handle(), "SELECT DISTINCT " + list + " FROM " +
                                                               step_->output_table().quoted() + " WHERE " + boundary +
                                                               " ORDER BY ALL LIMIT " + std::to_string(kKeysMax + 1)));
  if (result.rows() > kKeysMax)
    return wrong("more than " + std::to_string(kKeysMax) + " rows have the greatest value of column '" + column_ + "'",
                 "choose a column that fewer rows share a value of, or leave 'key' out and write by upsert");
  Json keys = Json::array();
  for (idx_t row = 0; row < result.rows(); ++row) {
    Json one = Json::array();
    for (idx_t column = 0; column < key.size(); ++column) {
      if (duckdb_value_is_null(result.get(), column, row))
        return wrong("key column " + key[column] + " is NULL in a row", "name columns that tell every row from others");
      one.push_back(result.text(column, row));
    }
    keys.push_back(std::move(one));
  }
  return keys;
}

Status Incremental::drop_taken(const std::string& cursor, const std::string& type,
                               const std::vector<std::string>& key) const {
  if (!boundary_ || key.empty() || taken_.size() == 0 || !lookback_.is_null()) return {};
  std::string columns, rows;
  for (const std::string& column : key)
    columns += (columns.empty() ? "" : ", ") + std::string("CAST(") + column + " AS VARCHAR)";
  for (const Json& row : taken_.items()) {
    std::string values;
    for (const Json& value : row.items())
      values += (values.empty() ? "" : ", ") + sql::quote_literal(value.as_string());
    rows += (rows.empty() ? "(" : ", (") + values + ")";
  }
  OSIRIS_ASSIGN(sql::QueryResult result,
                sql::run_query(step_->connection_handle(), "DELETE FROM " + step_->output_table().quoted() + " WHERE " +
                                                               cursor + " = " + cast(*boundary_, type) + " AND (" +
                                                               columns + ") IN (" + rows + ")"));
  if (const int64_t dropped = result.integer(); dropped > 0)
    step_->log("of the rows at " + column_ + " = " + *boundary_ + ", " + std::to_string(dropped) +
               " were taken by an earlier run");
  return {};
}

Status Incremental::finish(bool drops_less) const {
  duckdb_connection connection = step_->connection_handle();
  const std::string table = step_->output_table().quoted();
  OSIRIS_ASSIGN(const std::vector<FileColumn> columns, described(connection, "SELECT * FROM " + table));
  OSIRIS_ASSIGN(const FileColumn* cursor_column, find(columns, column_, "column"));
  std::vector<std::string> key;
  for (const std::string& name : key_) {
    OSIRIS_ASSIGN(const FileColumn* column, find(columns, name, "key"));
    key.push_back(sql::quote_identifier(column->name));
  }
  const std::string cursor = sql::quote_identifier(cursor_column->name), type = cursor_column->type.sql();
  OSIRIS_ASSIGN(const auto rows, single(connection, "(SELECT count(*) FROM " + table + ")"));
  if (*rows == "0") return {};
  OSIRIS_ASSIGN(const CursorKind kind, kind_of(cursor_column->type));
  OSIRIS_ASSIGN(const auto nulls,
                single(connection, "(SELECT count(*) FROM " + table + " WHERE " + cursor + " IS NULL)"));
  if (*nulls != "0" && !skips_nulls_)
    return wrong(*nulls + " of " + *rows + " rows have NULL in column '" + column_ + "', by which they are told apart",
                 "leave such rows out with `nulls: skip`, or give them a value in the query: coalesce(updated_at, "
                 "created_at)");
  if (*nulls != "0") OSIRIS_TRY(sql::execute(connection, "DELETE FROM " + table + " WHERE " + cursor + " IS NULL"));
  if (drops_less) {
    OSIRIS_ASSIGN(const auto from, least(cursor_column->type));
    if (from)
      OSIRIS_TRY(sql::execute(connection, "DELETE FROM " + table + " WHERE " + cursor + " < " + cast(*from, type)));
  }
  OSIRIS_ASSIGN(const auto greatest, single(connection, "(SELECT max(" + cursor + ") FROM " + table + ")"));
  if (!greatest) return {};
  if (greatest->ends_with("infinity"))
    return wrong("column '" + column_ + "' holds infinity, and nothing would ever come after it",
                 "leave such rows out in the query");
  OSIRIS_TRY(drop_taken(cursor, type, key));
  std::string boundary = *greatest;
  if (boundary_) {
    const std::string newer = *greatest, older = *boundary_;
    OSIRIS_ASSIGN(const auto grew, single(connection, cast(newer, type) + " > " + cast(older, type)));
    if (*grew != "true") boundary = older;
  }
  Json state = Json::object({{"column", cursor_column->name}, {"type", name_of(kind)}, {"value", boundary}});
  if (std::string read = table_of(step_->config()); !read.empty()) state.set("table", std::move(read));
  if (!key.empty() && lookback_.is_null()) {
    OSIRIS_ASSIGN(Json taken, keys_at(cursor + " = " + cast(boundary, type), key));
    // Of an unchanged boundary what was taken stays so, also where the source has lost it since.
    if (boundary_ && boundary == *boundary_)
      for (const Json& row : taken_.items()) taken.push_back(row);
    Json names = Json::array();
    for (const std::string& name : key_) names.push_back(name);
    state.set("key", std::move(names));
    state.set("taken", std::move(taken));
  }
  return step_->set_state(std::move(state));
}

}  // namespace osiris::worker

#include "worker/database/union_table.h"

#include <algorithm>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "protocol/model/kept_output.h"
#include "worker/database/column_comments.h"
#include "worker/driver_api/name_index.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker {
namespace {

std::string list_of(const std::vector<FileColumn>& columns) {
  std::vector<std::string> names;
  for (const FileColumn& column : columns) names.push_back(column.name);
  return join(names, ", ");
}

// Comments are a part of it: a column of dates with one offset is not one with another.
std::string described_type(const FileColumn& column) {
  return column.type.sql() + (column.comment.empty() ? "" : " (" + column.comment + ")");
}

// What a value's hash is made of. The engine's hash of NULL is the same for all types but nested ones, and a column may
// be NULL in one part and nested in the next.
std::string hashed(const FileColumn& column, const std::string& value) {
  return column.type.children.empty() ? value : "CAST(" + value + " AS VARCHAR)";
}

}  // namespace

Result<std::vector<FileColumn>> UnionTable::columns_of(const sql::TableName& table) {
  OSIRIS_ASSIGN(std::vector<FileColumn> columns, described(connection_->handle(), "SELECT * FROM " + table.quoted()));
  OSIRIS_ASSIGN(const auto comments, column_comments(connection_->handle(), table));
  const NameIndex places(columns, &FileColumn::name);
  for (const auto& [name, comment] : comments)
    if (const auto place = places.find(name)) columns[*place].comment = comment;
  return columns;
}

Status UnionTable::connect() {
  if (connection_) return {};
  OSIRIS_ASSIGN(connection_, database_->connect());
  return {};
}

Result<Json> UnionTable::columns_document(const Relation& part) {
  OSIRIS_TRY(connect());
  OSIRIS_ASSIGN(const std::vector<FileColumn> columns, columns_of(part.name()));
  Json document = Json::array();
  for (const FileColumn& column : columns) {
    OSIRIS_ASSIGN(const bool has, has_values(part.qualified_name(), column.name));
    document.push_back(Json::object({{"name", column.name}, {"type", described_type(column)}, {"has_values", has}}));
  }
  return document;
}

Result<std::string> UnionTable::add(const Relation& part, const std::string& shown) {
  OSIRIS_TRY(connect());
  OSIRIS_ASSIGN(const std::vector<FileColumn> columns, columns_of(part.name()));
  if (output_) OSIRIS_TRY(check_names(columns, shown));
  if (part.rows() == 0) {
    if (!output_) OSIRIS_TRY(create(part, columns, shown));
    return std::string("0");
  }
  std::vector<std::string> names, values;
  if (rows_ == 0) {
    OSIRIS_TRY(create(part, columns, shown));
    for (const Column& column : columns_) values.push_back(hashed(column.is, sql::quote_identifier(column.is.name)));
    return sum_of(values, part.qualified_name());
  }
  std::vector<std::string> hashes;
  const NameIndex places(columns, &FileColumn::name);
  for (Column& column : columns_) {
    OSIRIS_ASSIGN(std::string value, fitted(column, columns[*places.find(column.is.name)], part, shown));
    names.push_back(sql::quote_identifier(column.is.name));
    hashes.push_back(hashed(column.is, value));
    values.push_back(std::move(value));
  }
  OSIRIS_TRY(connection_->execute("INSERT INTO " + name().quoted() + " (" + join(names, ", ") + ") SELECT " +
                                  join(values, ", ") + " FROM " + part.qualified_name()));
  rows_ += part.rows();
  return sum_of(hashes, part.qualified_name());
}

Result<std::string> UnionTable::sum_of(const std::vector<std::string>& values, const std::string& table) {
  OSIRIS_ASSIGN(sql::QueryResult sum,
                sql::run_query(connection_->handle(), "SELECT CAST(coalesce(sum(hash(" + join(values, ", ") +
                                                          ")), 0) AS VARCHAR) FROM " + table));
  return sum.text();
}

// Of the first part, and again of the first that has rows.
Status UnionTable::create(const Relation& part, const std::vector<FileColumn>& columns, const std::string& shown) {
  OSIRIS_ASSIGN(output_, database_->attach());
  if (part.rows() == 0) {
    OSIRIS_TRY(create_empty(connection_->handle(), name(), columns));
  } else {
    OSIRIS_TRY(connection_->execute("CREATE TABLE " + name().quoted() + " AS SELECT * FROM " + part.qualified_name()));
  }
  columns_.clear();
  for (const FileColumn& column : columns) {
    columns_.push_back({column, shown});
    if (!column.comment.empty()) OSIRIS_TRY(set_comment(connection_->handle(), name(), column));
  }
  first_ = shown;
  rows_ = part.rows();
  return {};
}

Status UnionTable::check_names(const std::vector<FileColumn>& columns, const std::string& shown) const {
  std::vector<FileColumn> known;
  for (const Column& column : columns_) known.push_back(column.is);
  const NameIndex given(columns, &FileColumn::name);
  const bool same =
      known.size() == columns.size() &&
      std::all_of(known.begin(), known.end(), [&](const FileColumn& column) { return given.contains(column.name); });
  if (same) return {};
  return Error(Code::kStepFailed,
               "the shards have different columns: " + first_ + " has " + list_of(known) + ", and " + shown + " has " +
                   list_of(columns),
               "read them in two steps, and give both the same columns in SQL", category::kExtractSchemaMismatch);
}

Result<std::string> UnionTable::fitted(Column& column, const FileColumn& given, const Relation& part,
                                       const std::string& shown) {
  const std::string quoted = sql::quote_identifier(given.name);
  if (given.type == column.is.type && given.comment == column.is.comment) return quoted;
  OSIRIS_ASSIGN(const bool part_has, has_values(part.qualified_name(), given.name));
  if (!part_has) return "CAST(NULL AS " + column.is.type.sql() + ")";
  OSIRIS_ASSIGN(const bool has, has_values(name().quoted(), column.is.name));
  if (has) {
    Error error(Code::kStepFailed,
                "the shards have different types: column '" + column.is.name + "' is " + described_type(column.is) +
                    " in " + column.from + " and " + described_type(given) + " in " + shown,
                "give the column one type where it is read: by a cast, or by the keys that declare types",
                category::kExtractSchemaMismatch);
    error.detail = Json::object({{kTypesDiffer, true}});
    return error;
  }
  const std::string type = given.type.sql();
  OSIRIS_TRY(connection_->execute("ALTER TABLE " + name().quoted() + " ALTER COLUMN " +
                                  sql::quote_identifier(column.is.name) + " TYPE " + type + " USING CAST(NULL AS " +
                                  type + ")"));
  column.is.type = given.type;
  column.is.comment = given.comment;
  column.from = shown;
  OSIRIS_TRY(set_comment(connection_->handle(), name(), column.is));
  return quoted;
}

Result<bool> UnionTable::has_values(const std::string& table, const std::string& column) {
  OSIRIS_ASSIGN(const uint64_t values,
                connection_->single_number("SELECT count(" + sql::quote_identifier(column) + ") FROM " + table));
  return values > 0;
}

Result<std::shared_ptr<const Relation>> UnionTable::take(std::vector<uint64_t> part_rows) {
  if (!output_) return std::shared_ptr<const Relation>();
  std::vector<std::string> hashes;
  for (const Column& column : columns_) hashes.push_back(hashed(column.is, sql::quote_identifier(column.is.name)));
  OSIRIS_ASSIGN(fingerprint_, sum_of(hashes, name().quoted()));
  connection_.reset();
  return std::shared_ptr<const Relation>(
      std::make_shared<Relation>(std::move(output_), table_, rows_, std::move(part_rows)));
}

}  // namespace osiris::worker

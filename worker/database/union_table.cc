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

Result<std::string> UnionTable::add(const std::shared_ptr<const Relation>& part, const std::string& shown) {
  OSIRIS_TRY(connect());
  Part is{part->qualified_name(), {}, part->rows(), shown};
  OSIRIS_ASSIGN(is.columns, columns_of(part->name()));
  if (is.rows > 0 && rows_ == 0) {
    if (has_part()) OSIRIS_TRY(check_names(is));
    output_.reset();  // of parts without rows
    only_ = part;
    take_columns(is);
    OSIRIS_ASSIGN(only_sum_, sum_of(hashes(), is.source));
    return only_sum_;
  }
  OSIRIS_ASSIGN(const std::vector<std::string> hashes, insert(is));
  if (is.rows == 0) return std::string("0");
  return sum_of(hashes, is.source);
}

Result<uint64_t> UnionTable::add_file(const std::filesystem::path& file, const std::string& shown) {
  OSIRIS_TRY(connect());
  const auto add = [&]() -> Result<uint64_t> {
    OSIRIS_ASSIGN(ParquetRows from,
                  parquet_rows(connection_->handle(), sql::quote_literal(file.string()), FileReader::kWorker));
    Part is{"(" + from.select + ")", std::move(from.columns), from.rows, shown};
    if (is.rows > 0) {  // as they are read: a column without a type is text by then
      OSIRIS_ASSIGN(std::vector<FileColumn> columns, described(connection_->handle(), from.select));
      for (size_t i = 0; i < columns.size(); ++i) columns[i].comment = is.columns[i].comment;
      is.columns = std::move(columns);
    }
    OSIRIS_TRY(insert(is));
    return is.rows;
  };
  auto added = add();
  if (added.ok() || !added.error().category.empty()) return added;
  return of_sent_relation(added.error());
}

Result<std::vector<std::string>> UnionTable::insert(const Part& part) {
  if (has_part()) OSIRIS_TRY(check_names(part));
  if (part.rows == 0) {
    if (!has_part()) OSIRIS_TRY(create(part));
    return std::vector<std::string>();
  }
  if (rows_ == 0) {
    OSIRIS_TRY(create(part));
    return hashes();
  }
  OSIRIS_TRY(copy_only());
  std::vector<std::string> names, values, hashes;
  const NameIndex places(part.columns, &FileColumn::name);
  for (Column& column : columns_) {
    OSIRIS_ASSIGN(std::string value, fitted(column, part.columns[*places.find(column.is.name)], part));
    names.push_back(sql::quote_identifier(column.is.name));
    hashes.push_back(hashed(column.is, value));
    values.push_back(std::move(value));
  }
  OSIRIS_TRY(connection_->execute("INSERT INTO " + name().quoted() + " (" + join(names, ", ") + ") SELECT " +
                                  join(values, ", ") + " FROM " + part.source));
  rows_ += part.rows;
  return hashes;
}

Result<std::string> UnionTable::sum_of(const std::vector<std::string>& values, const std::string& table) {
  OSIRIS_ASSIGN(sql::QueryResult sum,
                sql::run_query(connection_->handle(), "SELECT CAST(coalesce(sum(hash(" + join(values, ", ") +
                                                          ")), 0) AS VARCHAR) FROM " + table));
  return sum.text();
}

// Of the first part, and again of the first that has rows.
Status UnionTable::create(const Part& part) {
  OSIRIS_ASSIGN(output_, database_->attach());
  if (part.rows == 0) {
    OSIRIS_TRY(create_empty(connection_->handle(), name(), part.columns));
  } else {
    OSIRIS_TRY(connection_->execute("CREATE TABLE " + name().quoted() + " AS SELECT * FROM " + part.source));
  }
  take_columns(part);
  for (const Column& column : columns_)
    if (!column.is.comment.empty()) OSIRIS_TRY(set_comment(connection_->handle(), name(), column.is));
  return {};
}

void UnionTable::take_columns(const Part& part) {
  columns_.clear();
  for (const FileColumn& column : part.columns) columns_.push_back({column, part.shown});
  first_ = part.shown;
  rows_ = part.rows;
}

// Another part has rows, too.
Status UnionTable::copy_only() {
  if (!only_) return {};
  Part part{only_->qualified_name(), {}, only_->rows(), first_};
  for (const Column& column : columns_) part.columns.push_back(column.is);
  OSIRIS_TRY(create(part));
  only_.reset();
  return {};
}

std::vector<std::string> UnionTable::hashes() const {
  std::vector<std::string> all;
  for (const Column& column : columns_) all.push_back(hashed(column.is, sql::quote_identifier(column.is.name)));
  return all;
}

Status UnionTable::check_names(const Part& part) const {
  std::vector<FileColumn> known;
  for (const Column& column : columns_) known.push_back(column.is);
  const NameIndex given(part.columns, &FileColumn::name);
  const bool same =
      known.size() == part.columns.size() &&
      std::all_of(known.begin(), known.end(), [&](const FileColumn& column) { return given.contains(column.name); });
  if (same) return {};
  return Error(Code::kStepFailed,
               "the shards have different columns: " + first_ + " has " + list_of(known) + ", and " + part.shown +
                   " has " + list_of(part.columns),
               "read them in two steps, and give both the same columns in SQL", category::kExtractSchemaMismatch);
}

Result<std::string> UnionTable::fitted(Column& column, const FileColumn& given, const Part& part) {
  const std::string quoted = sql::quote_identifier(given.name);
  if (given.type == column.is.type && given.comment == column.is.comment) return quoted;
  OSIRIS_ASSIGN(const bool part_has, has_values(part.source, given.name));
  if (!part_has) return "CAST(NULL AS " + column.is.type.sql() + ")";
  OSIRIS_ASSIGN(const bool has, has_values(name().quoted(), column.is.name));
  if (has) {
    Error error(Code::kStepFailed,
                "the shards have different types: column '" + column.is.name + "' is " + described_type(column.is) +
                    " in " + column.from + " and " + described_type(given) + " in " + part.shown,
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
  column.from = part.shown;
  OSIRIS_TRY(set_comment(connection_->handle(), name(), column.is));
  return quoted;
}

Result<bool> UnionTable::has_values(const std::string& table, const std::string& column) {
  OSIRIS_ASSIGN(const uint64_t values,
                connection_->single_number("SELECT count(" + sql::quote_identifier(column) + ") FROM " + table));
  return values > 0;
}

Result<std::shared_ptr<const Relation>> UnionTable::take(std::vector<uint64_t> part_rows) {
  if (only_) {
    fingerprint_ = only_sum_;
    connection_.reset();
    return only_->with_shards(std::move(part_rows));
  }
  if (!output_) return std::shared_ptr<const Relation>();
  OSIRIS_ASSIGN(fingerprint_, sum_of(hashes(), name().quoted()));
  connection_.reset();
  return std::shared_ptr<const Relation>(
      std::make_shared<Relation>(std::move(output_), table_, rows_, std::move(part_rows)));
}

}  // namespace osiris::worker

// The rows of several relations in one table, in the order in which they are added: the output of a step that ran in
// shards. Columns are matched by their names.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "worker/database/database.h"
#include "worker/driver_api/file_columns.h"

namespace osiris::worker {

// By one thread at a time.
class UnionTable {
 public:
  // `table`: how the relation's table is called.
  UnionTable(std::shared_ptr<Database> database, std::string table)
      : database_(std::move(database)), table_(std::move(table)) {}

  // Adds the rows of `part`. A column takes its type from the first part that has a value in it. Once a column has
  // values of two types this is no union any more: difference() says so, and nothing more is added. kStepFailed where
  // the part's columns are not those of the parts before; `shown` names it, "shard 3 (c.csv)".
  Status add(const Relation& part, const std::string& shown);
  // "column 'x' is BIGINT in shard 0 (a.csv) and VARCHAR in shard 3 (c.csv)"; empty: all fit.
  const std::string& difference() const { return difference_; }
  // Names and types of a part's columns, with what was noted of them: parts of which this is equal fit.
  Result<Json> columns_document(const Relation& part);

  // Null where nothing was added. `part_rows`: of each part, in their order.
  Result<std::shared_ptr<const Relation>> take(std::vector<uint64_t> part_rows);

 private:
  struct Column {
    FileColumn is;
    std::string from;  // whose type it has
  };

  Status connect();
  Result<std::vector<FileColumn>> columns_of(const sql::TableName& table);
  Status create(const Relation& part, const std::vector<FileColumn>& columns, const std::string& shown);
  Status check_names(const std::vector<FileColumn>& columns, const std::string& shown) const;
  // How the part's column is selected; empty where it does not fit.
  Result<std::string> fitted(Column& column, const FileColumn& given, const Relation& part, const std::string& shown);
  Result<bool> has_values(const std::string& table, const std::string& column);
  sql::TableName name() const { return {output_->name(), "main", table_}; }

  std::shared_ptr<Database> database_;
  const std::string table_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<AttachedDatabase> output_;  // null: nothing was added yet
  std::vector<Column> columns_;
  std::string first_;  // whose columns they are
  uint64_t rows_ = 0;
  std::string difference_;
};

}  // namespace osiris::worker

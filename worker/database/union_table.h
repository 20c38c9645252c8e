// The rows of several relations in one table, in the order in which they are added: the output of a step that ran in
// shards. Columns are matched by their names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
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

  // Adds the rows of `part` and returns their fingerprint. A column takes its type from the first part that has a value
  // in it. kStepFailed where a column has values of two types, or the part's columns are not those of the parts before;
  // `shown` names it, "shard 3 (c.csv)". A part that stays the only one with rows is the union, and no copy of it.
  Result<std::string> add(const std::shared_ptr<const Relation>& part, const std::string& shown);
  // The same of a relation that came from another worker, whose fingerprint that one has told. Returns its rows.
  Result<uint64_t> add_file(const std::filesystem::path& file, const std::string& shown);
  // A part's columns: [{"name", "type", "has_values"}], a type with what was noted of the column. Parts whose columns
  // with values have one type fit.
  Result<Json> columns_document(const Relation& part);

  // Null where nothing was added. `part_rows`: of each part, in their order.
  Result<std::shared_ptr<const Relation>> take(std::vector<uint64_t> part_rows);
  // Of the table that take() gave, read back from it: the sum of a hash of each row, in decimal. It is the sum of those
  // of the parts, whatever their order; empty where there is no table.
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  struct Column {
    FileColumn is;
    std::string from;  // whose type it has
  };
  struct Part {
    std::string source;  // what to SELECT FROM
    std::vector<FileColumn> columns;
    uint64_t rows = 0;
    std::string shown;
  };

  Status connect();
  Result<std::vector<FileColumn>> columns_of(const sql::TableName& table);
  bool has_part() const { return output_ || only_; }
  // Inserts the part. How its columns are hashed.
  Result<std::vector<std::string>> insert(const Part& part);
  Status create(const Part& part);
  Status copy_only();
  void take_columns(const Part& part);
  std::vector<std::string> hashes() const;
  Status check_names(const Part& part) const;
  // How the part's column is selected.
  Result<std::string> fitted(Column& column, const FileColumn& given, const Part& part);
  Result<std::string> sum_of(const std::vector<std::string>& values, const std::string& table);
  Result<bool> has_values(const std::string& table, const std::string& column);
  sql::TableName name() const { return {output_->name(), "main", table_}; }

  std::shared_ptr<Database> database_;
  const std::string table_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<AttachedDatabase> output_;  // null: nothing was added yet, or one part that is the union
  std::shared_ptr<const Relation> only_;      // that one
  std::string only_sum_;
  std::vector<Column> columns_;
  std::string first_;  // whose columns they are
  uint64_t rows_ = 0;
  std::string fingerprint_;
};

}  // namespace osiris::worker

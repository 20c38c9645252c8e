// The columns of several files as those of one relation: joined by name, in the order in which they are met. A column
// has a type that holds the values of every file exactly, or the step fails with both types and files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "worker/drivers/files/path_columns.h"
#include "worker/drivers/filesystem.parquet_extractor/parquet_files.h"

namespace osiris::worker::parquet {

using files::PathColumn;

struct JoinedColumn {
  FileColumn column;  // `in_file`: as the engine has it when it reads all the files
  std::optional<PathColumn> of_path;
  bool is_read = true;  // false: it is in files without rows only
};
inline const std::string& name_of(const JoinedColumn& column) { return column.column.name; }

struct Joined {
  std::vector<JoinedColumn> columns;
  std::vector<ParquetFile> read;  // without those that have no rows and no types
  uint64_t rows = 0;
};

// `wanted`: the columns of the step, in its order; empty: all. Differences between the files are lines of the log.
Result<Joined> join_columns(StepContext& step, std::vector<ParquetFile> files, std::vector<PathColumn> of_paths,
                            const std::vector<std::string>& wanted);

// SELECT of all rows, or of so many, by the engine's `reader`: "read_parquet", whatever it is called.
std::string select_statement(const Joined& joined, const std::vector<MatchedFile>& places,
                             const std::optional<uint64_t>& limit, const std::string& reader = "read_parquet");

}  // namespace osiris::worker::parquet

// Relations in files: the one place that knows which types a file format holds, what the others are kept as, and how
// they come back. Python steps and relations between workers both go this way, so that both lose nothing.
//
//   Parquet   holds all but 128-bit integers (DECIMAL(38,0) for scripts, text between workers), BIGNUM, TIMETZ, BIT,
//             ENUM and INTERVAL (text), TIMESTAMP_S and TIMESTAMP_MS (TIMESTAMP), ARRAY (LIST), UNION (a struct of the
//             member's name and the members). What each column was is kept in the file's metadata, as are comments
//             and that a column without rows has no type.
//   CSV       text; no UNION and no VARIANT, whose texts do not say what they are
//   NDJSON    JSON; no VARIANT, no NaN, no infinity
//
// What a format cannot hold is an error that names column and type.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/column_type.h"
#include "worker/driver_api/driver.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker {

enum class FileFormat { kParquet, kCsv, kNdjson };
enum class FileReader { kScript, kWorker };

struct FileColumn {
  std::string name;
  ColumnType type;
  ColumnType in_file;
  std::string comment;  // what the step that made it noted beside the type; empty: nothing
  bool is_kept_otherwise() const { return !(type == in_file); }
};

// The columns of a table or view.
Result<std::vector<FileColumn>> file_columns(duckdb_connection connection, const sql::TableName& table,
                                             FileFormat format, FileReader reader);

// The columns of a step's input. What is noted beside types is not known of a stream.
Result<std::vector<FileColumn>> input_columns(duckdb_connection connection, const Input& input, FileFormat format,
                                              FileReader reader);

// Options of a Parquet file, for write_file(). Level 1, as other writers of Parquet take it: the engine's own is 3,
// which takes longer for not much less.
inline constexpr const char* kParquetZstd = ", COMPRESSION zstd, COMPRESSION_LEVEL 1";

// Writes all rows of `source` to `file`; `options` are further ones of COPY, each with a comma before it.
Status write_file(duckdb_connection connection, const std::string& source, const std::vector<FileColumn>& columns,
                  FileFormat format, const std::string& file, const std::string& options = {});

// What write_file() selects of a source: "a", CAST("b" AS VARCHAR) AS "b". And what it notes in a Parquet file beside
// the rows, by key.
std::string written_list(const std::vector<FileColumn>& columns);
std::vector<std::pair<std::string, std::string>> parquet_notes(const std::vector<FileColumn>& columns);

// The columns of a Parquet file, each with the type and the comment its metadata says it had. `file`: an SQL literal.
Result<std::vector<FileColumn>> parquet_columns(duckdb_connection connection, const std::string& file,
                                                FileReader reader);

// Whether the column, or what it consists of, has no type, because it never had a row.
bool is_untyped(const ColumnType& type);

// A table without rows, of columns that no SELECT can make: untyped ones among them.
Status create_empty(duckdb_connection connection, const sql::TableName& table, const std::vector<FileColumn>& columns);

// COMMENT ON a column of a table.
Status set_comment(duckdb_connection connection, const sql::TableName& table, const FileColumn& column);

// COPY of all rows of `source`, as write_file() runs it; and what its failure is, where a value was at fault.
std::string copy_statement(const std::string& source, const std::vector<FileColumn>& columns, FileFormat format,
                           const std::string& file, const std::string& options);
Error copy_error(duckdb_connection connection, const std::string& source, const std::vector<FileColumn>& columns,
                 FileFormat format, const Error& error);

// JSON has no NaN and no infinity: an error that names the column that holds one.
Status check_json_numbers(duckdb_connection connection, const std::string& source,
                          const std::vector<FileColumn>& columns);

// A SELECT whose only column is each row's JSON text, without a line end.
std::string json_select(const std::string& source, const std::vector<FileColumn>& columns);
// The same for rows that are read once, and so not checked before: it fails where check_json_numbers() would.
// kUnsupported where only looking at all rows tells.
Result<std::string> checking_json_select(const std::string& source, const std::vector<FileColumn>& columns);

// All rows of a Parquet file, each column with the type and the comment its metadata says it had. Where there are none
// `columns` says more than a SELECT can: create_empty(). `file`: an SQL literal.
struct ParquetRows {
  std::string select;
  std::vector<FileColumn> columns;
  uint64_t rows = 0;
};
Result<ParquetRows> parquet_rows(duckdb_connection connection, const std::string& file, FileReader reader);

// Makes `table` of them. Returns their number.
Result<uint64_t> create_from_parquet(duckdb_connection connection, const sql::TableName& table, const std::string& file,
                                     FileReader reader);

// The comments alone, of the columns that `table` has.
Status keep_comments(duckdb_connection connection, const sql::TableName& table, const std::string& file);

// `column` of a Parquet file, which has type `in_file` there, as a value of `type`: an SQL expression.
std::string read_expression(const std::string& column, const ColumnType& in_file, const ColumnType& type,
                            FileReader reader);

// The types of what `select` gives.
Result<std::vector<FileColumn>> described(duckdb_connection connection, const std::string& select);

}  // namespace osiris::worker

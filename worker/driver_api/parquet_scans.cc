#include "worker/driver_api/parquet_scans.h"

namespace osiris::worker {
namespace {

constexpr char kDecimalDigitsMax[] = "38";

}  // namespace

std::string select_in_scans(const std::vector<FileColumn>& columns, const std::string& source, FileReader reader) {
  std::string scans, list;
  size_t listed = 0;
  for (const FileColumn& column : columns) {
    list += (listed++ ? ", " : "") + read_expression(column.name, column.in_file,
                                                     is_untyped(column.type) ? column.in_file : column.type, reader);
    if (listed < kColumnsOfAScan && &column != &columns.back()) continue;
    scans += (scans.empty() ? "(SELECT " : " POSITIONAL JOIN (SELECT ") + list + " FROM " + source + ")";
    list.clear();
    listed = 0;
  }
  return "SELECT * FROM " + scans;
}

Result<ParquetLosses> parquet_losses(duckdb_connection connection, const std::string& file) {
  OSIRIS_ASSIGN(
      sql::QueryResult found,
      sql::run_query(connection, "SELECT name, coalesce(TRY_CAST(precision AS BIGINT), 0) FROM parquet_schema(" + file +
                                     ") WHERE type = 'INT96' OR TRY_CAST(precision AS BIGINT) > " + kDecimalDigitsMax +
                                     " OR logical_type LIKE 'TimestampType(isAdjustedToUTC=1%NANOS=NanoSeconds%'"));
  ParquetLosses losses;
  for (idx_t row = 0; row < found.rows(); ++row) {
    const std::string name = found.text(0, row), digits = found.text(1, row);
    if (digits == "0")
      losses.cut_to_microseconds.push_back(name);
    else if (losses.too_wide.empty())
      losses.too_wide = "has a column '" + name + "' of DECIMAL with " + digits +
                        " digits, and there is no type here for more than " + kDecimalDigitsMax;
  }
  return losses;
}

}  // namespace osiris::worker

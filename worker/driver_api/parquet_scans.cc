#include "worker/driver_api/parquet_scans.h"

namespace osiris::worker {

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

}  // namespace osiris::worker

#include "worker/drivers/filesystem.parquet_extractor/layout.h"

#include <utility>
#include <vector>

#include "worker/driver_api/sql.h"
#include "worker/drivers/files/places.h"

namespace osiris::worker::parquet {
namespace {

using remote::FileLayout;
using remote::Piece;

// A column begins with its dictionary, if it has one.
std::string chunks_query(const std::string& path) {
  return "SELECT row_group_id, path_in_schema, least(dictionary_page_offset, index_page_offset, data_page_offset), "
         "total_compressed_size FROM parquet_metadata(" +
         files::sql_path(path) + ") ORDER BY 1, 3";
}

}  // namespace

FileLayout layout_of(duckdb_connection connection, const std::string& path) {
  auto chunks = sql::run_query(connection, chunks_query(path));
  if (!chunks.ok()) return {};  // who reads it will be told
  FileLayout layout;
  std::vector<std::string> columns;
  uint64_t end = 0;
  for (idx_t row = 0; row < chunks->rows(); ++row) {
    const bool begins = row == 0 || chunks->integer(0, row) != chunks->integer(0, row - 1);
    if (begins) layout.groups.emplace_back(), columns.clear();
    const int64_t at = chunks->integer(2, row), size = chunks->integer(3, row);
    if (at < 0 || size < 0 || static_cast<uint64_t>(at) < end) return {};
    columns.push_back(chunks->text(1, row));
    layout.groups.back().push_back(Piece{static_cast<uint64_t>(at), static_cast<uint64_t>(size)});
    end = static_cast<uint64_t>(at) + static_cast<uint64_t>(size);
    const bool ends = row + 1 == chunks->rows() || chunks->integer(0, row + 1) != chunks->integer(0, row);
    if (!ends) continue;
    if (layout.groups.size() == 1) layout.columns = columns;
    if (columns != layout.columns) return {};
  }
  return layout;
}

}  // namespace osiris::worker::parquet

#include "worker/drivers/mysql.extractor/warning_list.h"

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace osiris::worker::mysql {
namespace {

struct FreeRows {
  void operator()(MYSQL_RES* rows) const { mysql_free_result(rows); }
};
using Rows = std::unique_ptr<MYSQL_RES, FreeRows>;

// Null: it failed.
Rows rows_of(MYSQL* mysql, const std::string& sql) {
  if (mysql_real_query(mysql, sql.data(), sql.size()) != 0) return nullptr;
  return Rows(mysql_store_result(mysql));
}

}  // namespace

Result<Warnings> read_warnings(MYSQL* mysql, uint16_t told, const std::function<Error()>& failed) {
  const Rows rows = rows_of(mysql, "SHOW WARNINGS");
  if (!rows) return failed();
  // A statement without tables leaves those of the one before it in the list.
  if (const uint64_t listed = mysql_num_rows(rows.get()); listed > told) mysql_data_seek(rows.get(), listed - told);
  Warnings warnings(told);
  while (const MYSQL_ROW row = mysql_fetch_row(rows.get()))
    warnings.add(
        {std::string_view(row[0]) == "Note", static_cast<unsigned>(std::strtoul(row[1], nullptr, 10)), row[2]});
  if (told == UINT16_MAX) {  // or more: the packet has no room
    const Rows count = rows_of(mysql, "SHOW COUNT(*) WARNINGS");
    if (!count) return failed();
    const MYSQL_ROW row = mysql_fetch_row(count.get());
    warnings.set_told(row ? std::strtoull(row[0], nullptr, 10) : 0);
  }
  return warnings;
}

}  // namespace osiris::worker::mysql

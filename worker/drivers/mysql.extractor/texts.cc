#include "worker/drivers/mysql.extractor/texts.h"

#include <algorithm>

namespace osiris::worker::mysql {

constexpr unsigned long kNumberBytes = 64;

Result<std::vector<std::vector<std::string>>> texts_of(MYSQL_STMT* statement, const std::function<Error()>& failed) {
  const my_bool measures = 1;
  mysql_stmt_attr_set(statement, STMT_ATTR_UPDATE_MAX_LENGTH, &measures);
  if (mysql_stmt_execute(statement) != 0 || mysql_stmt_store_result(statement) != 0) return failed();
  const MYSQL_FIELD* fields = mariadb_stmt_fetch_fields(statement);
  std::vector<std::string> row(mysql_stmt_field_count(statement));
  std::vector<unsigned long> lengths(row.size());
  std::vector<MYSQL_BIND> binds(row.size());
  for (size_t i = 0; i < row.size(); ++i) {
    row[i].resize(std::max(fields[i].max_length + 1, kNumberBytes));
    binds[i].buffer_type = MYSQL_TYPE_STRING;
    binds[i].buffer = row[i].data();
    binds[i].buffer_length = row[i].size();
    binds[i].length = &lengths[i];
  }
  if (mysql_stmt_bind_result(statement, binds.data()) != 0) return failed();
  std::vector<std::vector<std::string>> all;
  for (;;) {
    const int outcome = mysql_stmt_fetch(statement);
    if (outcome == MYSQL_NO_DATA) return all;
    if (outcome != 0) return failed();
    all.emplace_back();
    for (size_t i = 0; i < row.size(); ++i) all.back().push_back(row[i].substr(0, lengths[i]));
  }
}

}  // namespace osiris::worker::mysql

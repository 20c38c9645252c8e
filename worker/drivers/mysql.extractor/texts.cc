#include "worker/drivers/mysql.extractor/texts.h"

#include <algorithm>

namespace osiris::worker::mysql {

constexpr unsigned long kNumberBytes = 64;

Result<std::optional<std::string>> first_text(MYSQL_STMT* statement, const std::function<Error()>& failed) {
  const my_bool measures = 1;
  mysql_stmt_attr_set(statement, STMT_ATTR_UPDATE_MAX_LENGTH, &measures);
  if (mysql_stmt_execute(statement) != 0 || mysql_stmt_store_result(statement) != 0) return failed();
  const MYSQL_FIELD* fields = mariadb_stmt_fetch_fields(statement);
  if (mysql_stmt_field_count(statement) != 1 || !fields) return failed();
  std::string text(std::max(fields[0].max_length + 1, kNumberBytes), '\0');
  unsigned long size = 0;
  my_bool is_null = 0;
  MYSQL_BIND bind{};
  bind.buffer_type = MYSQL_TYPE_STRING;
  bind.buffer = text.data();
  bind.buffer_length = text.size();
  bind.length = &size;
  bind.is_null = &is_null;
  if (mysql_stmt_bind_result(statement, &bind) != 0) return failed();
  const int outcome = mysql_stmt_fetch(statement);
  if (outcome == MYSQL_NO_DATA) return std::optional<std::string>();
  if (outcome != 0) return failed();
  if (is_null) return std::optional<std::string>();
  text.resize(size);
  return std::optional(std::move(text));
}

}  // namespace osiris::worker::mysql

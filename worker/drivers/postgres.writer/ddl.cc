#include "worker/drivers/postgres.writer/ddl.h"

#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::postgres {

std::string quoted_list(const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  for (const std::string& name : names) quoted.push_back(sql::quote_identifier(name));
  return join(quoted, ", ");
}

std::string create_table(const std::string& table, const std::vector<ColumnPlan>& plans,
                         const std::vector<std::string>& keys) {
  std::vector<std::string> columns;
  for (const ColumnPlan& plan : plans) columns.push_back(sql::quote_identifier(plan.target) + " " + plan.type_name);
  if (!keys.empty()) columns.push_back("PRIMARY KEY (" + quoted_list(keys) + ")");
  return "CREATE TABLE " + table + " (" + join(columns, ", ") + ")";
}

std::string duplicate_key_query(const std::string& table, const std::vector<std::string>& keys) {
  std::vector<std::string> texts;
  for (const std::string& key : keys) texts.push_back(sql::quote_identifier(key) + "::text");
  return "SELECT concat_ws(', ', " + join(texts, ", ") + "), count(*) FROM " + table + " GROUP BY " +
         quoted_list(keys) + " HAVING count(*) > 1 LIMIT 1";
}

}  // namespace osiris::worker::postgres

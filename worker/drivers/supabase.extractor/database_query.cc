#include "worker/drivers/supabase.extractor/database_query.h"

#include <regex>

#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/db/fields.h"
#include "worker/drivers/postgres.extractor/split.h"
#include "worker/drivers/supabase.extractor/conditions.h"
#include "worker/drivers/supabase.extractor/selection.h"

namespace osiris::worker::supabase {
namespace {

using db::config_fault;
using sql::quote_identifier;

constexpr const char* kOnlyRest = "leave pg_dsn out of the connection to ask PostgREST, or read a view that does it";

Result<std::string> select_sql(const StepContext& step, const std::string& select) {
  static const std::regex type("[A-Za-z_][A-Za-z0-9_ ]*(\\([0-9, ]+\\))?(\\[\\])?");
  std::vector<std::string> list;
  for (const SelectedColumn& selected : read_select(select)) {
    if (!selected.is_plain)
      return config_fault(step, "'select' holds a path or another table, which the database is not asked for",
                          kOnlyRest);
    if (selected.column.empty()) return config_fault(step, "'select' holds a column without a name");
    if (selected.column == "*") {
      list.push_back("*");
      continue;
    }
    if (!selected.cast.empty() && !std::regex_match(selected.cast, type))
      return config_fault(step, "'" + selected.cast + "' in 'select' is no name of a type");
    list.push_back(quote_identifier(selected.column) + (selected.cast.empty() ? "" : "::" + selected.cast) + " AS " +
                   quote_identifier(selected.name));
  }
  return join(list, ", ");
}

Result<std::string> where_sql(const StepContext& step, const Json& filter) {
  std::vector<std::string> conditions;
  for (const auto& [column, condition] : filter.members()) {
    if (column == "or" || column == "and" || column.find("->") != std::string::npos)
      return config_fault(step, "'filter' holds '" + column + "', which the database is not asked for", kOnlyRest);
    const std::string text = condition.is_string() ? condition.as_string() : "eq." + condition.dump();
    auto one = condition_sql(quote_identifier(unquoted(column)), text);
    if (!one.ok()) return one.error().within("Step " + step.step_id() + ": 'filter' of " + column);
    conditions.push_back(*std::move(one));
  }
  return conditions.empty() ? std::string() : " WHERE " + join(conditions, " AND ");
}

Result<std::string> order_sql(const StepContext& step, const std::string& order) {
  std::vector<std::string> list;
  for (const std::string& part : order.empty() ? std::vector<std::string>() : split_outside(order, ',')) {
    std::vector<std::string> words = split_outside(trim(part), '.');
    std::string one = quote_identifier(unquoted(words.front()));
    for (size_t i = 1; i < words.size(); ++i) {
      if (words[i] == "asc" || words[i] == "desc")
        one += words[i] == "asc" ? " ASC" : " DESC";
      else if (words[i] == "nullsfirst" || words[i] == "nullslast")
        one += words[i] == "nullsfirst" ? " NULLS FIRST" : " NULLS LAST";
      else
        return config_fault(step, "'" + words[i] + "' in 'order' is no direction",
                            "write created_at.desc.nullslast,id.asc");
    }
    list.push_back(std::move(one));
  }
  return list.empty() ? std::string() : " ORDER BY " + join(list, ", ");
}

}  // namespace

Result<postgres::ExtractSettings> database_query(StepContext& step, postgres::ServerSettings server) {
  const Json& config = step.config();
  const std::string& table = config["table"].as_string();
  if (table.empty()) return config_fault(step, "'table' is required in config");
  postgres::ExtractSettings settings;
  settings.server = std::move(server);
  OSIRIS_ASSIGN(const std::string list, select_sql(step, config["select"].as_string_or("*")));
  OSIRIS_ASSIGN(const std::string conditions, where_sql(step, config["filter"]));
  OSIRIS_ASSIGN(const std::string order, order_sql(step, config["order"].as_string()));
  const std::string from = quote_identifier(settings.server.schema) + "." + quote_identifier(table);
  settings.sql = "SELECT " + list + " FROM " + from + conditions + order;
  OSIRIS_TRY(db::read_number(step, config, "offset", 0, INT64_MAX, settings.rows_skipped));
  OSIRIS_ASSIGN(settings.incremental, Incremental::of(step));
  OSIRIS_TRY(postgres::read_range(step, settings));
  if (settings.incremental && settings.rows_skipped > 0)
    return config_fault(step, "'offset' cannot be used with 'incremental'",
                        "rows that it leaves out would never be asked for again");
  return settings;
}

}  // namespace osiris::worker::supabase

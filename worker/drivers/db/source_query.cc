#include "worker/drivers/db/source_query.h"

#include "protocol/base/text.h"
#include "worker/drivers/db/fields.h"

namespace osiris::worker::db {

Result<SourceQuery> read_source_query(const StepContext& context) {
  const Json& config = context.config();
  SourceQuery source;
  source.query = trim(config["query"].as_string());
  source.table = config["table"].as_string();
  if (source.query.empty() && source.table.empty())
    return config_fault(context, "'query' is required in config", "write a query, or name a table");
  if (!source.query.empty() && !source.table.empty())
    return config_fault(context, "'query' and 'table' are both set", "keep one of them");
  if (source.query.empty() && !config["values"].is_null())
    return config_fault(context, "'values' is set without a 'query'", "values are bound in a query: WHERE id > $least");
  for (const Json& column : config["columns"].items()) {
    if (column.as_string().empty())
      return config_fault(context, "'columns' must hold column names, got " + column.dump());
    source.columns.push_back(column.as_string());
  }
  return source;
}

}  // namespace osiris::worker::db

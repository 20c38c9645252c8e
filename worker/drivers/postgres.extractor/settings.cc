#include "worker/drivers/postgres.extractor/settings.h"

#include <algorithm>
#include <cstdio>

#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/db/fields.h"
#include "worker/drivers/db/source_query.h"
#include "worker/drivers/postgres.extractor/split.h"
#include "worker/drivers/postgres.extractor/statement.h"

namespace osiris::worker::postgres {
namespace {

using db::config_fault;
using db::read_number;

// "text", or "decimal(38,9)".
Result<UnboundedNumeric> numeric_of(const StepContext& context, const std::string& text) {
  UnboundedNumeric numeric;
  if (text.empty() || text == "text") return numeric;
  unsigned digits = 0, scale = 0;
  char end = 0;
  const int found = std::sscanf(text.c_str(), "decimal(%2u,%2u%c", &digits, &scale, &end);
  if (found != 3 || end != ')' || digits < 1 || digits > 38 || scale > digits)
    return config_fault(context, "'numeric' must be text or decimal(p,s) of at most 38 digits, got '" + text + "'");
  numeric.is_text = false;
  numeric.digits = static_cast<uint8_t>(digits);
  numeric.scale = static_cast<uint8_t>(scale);
  return numeric;
}

Status read_partition(const StepContext& context, ExtractSettings& settings) {
  const Json& partition = context.config()["partition"];
  if (partition.is_null()) return {};
  settings.partition.emplace();
  settings.partition->column = partition["column"].as_string();
  if (settings.partition->column.empty()) return config_fault(context, "'partition' needs a 'column'");
  settings.partition->parts = 4;
  OSIRIS_TRY(read_number(context, partition, "parts", 1, 64, settings.partition->parts));
  OSIRIS_TRY(read_number(context, partition, "chunk_rows", 1, INT64_MAX, settings.partition->chunk_rows));
  if (settings.rows_max || settings.rows_skipped > 0)
    return config_fault(context, "'partition' cannot be used with 'limit' or 'offset'",
                        "rows of several connections have no common order to count by");
  return {};
}

std::string table_query(const ExtractSettings& settings) {
  std::vector<std::string> quoted;
  for (const std::string& column : settings.columns) quoted.push_back(sql::quote_identifier(column));
  return "SELECT " + (quoted.empty() ? "*" : join(quoted, ", ")) + " FROM " + settings.table;
}

}  // namespace

Result<ExtractSettings> read_extract_settings(StepContext& context) {
  const Json& config = context.config();
  ExtractSettings settings;
  OSIRIS_ASSIGN(settings.server, read_server_settings(context));
  OSIRIS_ASSIGN(db::SourceQuery source, db::read_source_query(context));
  settings.columns = std::move(source.columns);
  OSIRIS_TRY(read_number(context, config, "batch_size", 1, 1000000, settings.batch_rows));
  uint64_t limit = 0;
  OSIRIS_TRY(read_number(context, config, "limit", 1, INT64_MAX, limit));
  OSIRIS_TRY(read_number(context, config, "offset", 0, INT64_MAX, settings.rows_skipped));
  if (limit > 0) settings.rows_max = limit;
  settings.echo = config["echo"].as_bool();
  OSIRIS_ASSIGN(settings.limits, db::read_source_limits(context));
  uint32_t& timeout_s = settings.server.statement_timeout_s;
  if (const uint32_t limit_s = settings.limits.statement_limit_s(); limit_s > 0)
    timeout_s = timeout_s > 0 ? std::min(timeout_s, limit_s) : limit_s;
  OSIRIS_ASSIGN(settings.numeric, numeric_of(context, ascii_lower(config["numeric"].as_string())));
  OSIRIS_TRY(read_partition(context, settings));
  OSIRIS_ASSIGN(settings.incremental, Incremental::of(context));
  OSIRIS_TRY(read_range(context, settings));
  if (source.query.empty()) {
    const std::string& schema = settings.server.schema;
    settings.table = (schema.empty() ? "" : sql::quote_identifier(schema) + ".") + sql::quote_identifier(source.table);
    settings.sql = table_query(settings);
    settings.columns.clear();
    return settings;
  }
  OSIRIS_ASSIGN(settings.sql, one_statement(source.query, config["values"]));
  return settings;
}

}  // namespace osiris::worker::postgres

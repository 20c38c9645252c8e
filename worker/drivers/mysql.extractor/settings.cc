#include "worker/drivers/mysql.extractor/settings.h"

#include <algorithm>
#include <tuple>

#include "protocol/base/text.h"
#include "worker/drivers/db/fields.h"
#include "worker/drivers/db/source_query.h"

namespace osiris::worker::mysql {

using db::config_fault;
using db::read_number;

namespace {

Status read_partition(const StepContext& context, bool is_limited, ExtractSettings& settings) {
  const Json& partition = context.config()["partition"];
  if (partition.is_null()) return {};
  settings.partition.emplace();
  settings.partition->column = partition["column"].as_string();
  if (settings.partition->column.empty()) return config_fault(context, "'partition' needs a 'column'");
  OSIRIS_TRY(read_number(context, partition, "chunk_rows", 1, INT64_MAX, settings.partition->chunk_rows));
  if (settings.partition->chunk_rows == 0) return config_fault(context, "'partition' needs 'chunk_rows'");
  for (const auto& [is_there, what, why] :
       {std::tuple(is_limited, "'limit' or 'offset'", "rows of several chunks have no common order to count by"),
        std::tuple(settings.allows_call, "'allow'", "a procedure is called once")})
    if (is_there) return config_fault(context, std::string("'partition' cannot be used with ") + what, why);
  return {};
}

}  // namespace

Result<ExtractSettings> read_extract_settings(StepContext& context) {
  const Json& config = context.config();
  ExtractSettings settings;
  OSIRIS_ASSIGN(settings.server, read_server_settings(context));
  OSIRIS_ASSIGN(db::SourceQuery read, db::read_source_query(context));
  settings.columns = std::move(read.columns);
  OSIRIS_TRY(read_number(context, config, "batch_size", 1, 1000000, settings.batch_rows));
  uint64_t limit = 0, offset = 0;
  OSIRIS_TRY(read_number(context, config, "limit", 1, UINT64_MAX, limit));
  OSIRIS_TRY(read_number(context, config, "offset", 0, UINT64_MAX, offset));
  for (const Json* each : {context.connection() ? &context.connection()->fields : nullptr, &config}) {
    if (!each) continue;
    // The connection first; the step's own value wins where it is not the spec's default.
    const bool is_config = each == &config;
    const Json& size = (*each)["pool_size"];
    const Json& recycle = (*each)["pool_recycle"];
    if (!is_config || size.as_int(5) != 5)
      OSIRIS_TRY(read_number(context, *each, "pool_size", 1, 1000, settings.pool.connections_max));
    if (!is_config || recycle.as_int(3600) != 3600)
      OSIRIS_TRY(read_number(context, *each, "pool_recycle", 0, UINT32_MAX, settings.pool.recycle_s));
  }
  OSIRIS_ASSIGN(settings.limits, db::read_source_limits(context));
  if (const uint32_t most = settings.limits.connections_max; most > 0)
    settings.pool.connections_max = std::min(settings.pool.connections_max, most);
  settings.echo = config["echo"].as_bool();
  OSIRIS_ASSIGN(settings.incremental, Incremental::of(context));
  settings.range = db::KeyRange::of(context);
  if (settings.range && offset > 0)
    return config_fault(context, "'offset' cannot be used with split of foreach",
                        "each part would leave out so many rows");
  if (config["on_warning"].as_string() == "log") settings.on_warning = OnWarning::kLog;
  for (const Json& allowed : config["allow"].items()) settings.allows_call |= allowed.as_string() == "call";

  settings.values = config["values"];
  OSIRIS_TRY(read_partition(context, limit > 0 || offset > 0, settings));
  if (!read.query.empty()) {
    // A query's rows are counted and its columns chosen here, not by wrapping it in another SELECT: a subquery loses
    // its ORDER BY, and not every statement that returns rows may be one.
    settings.sql = read.query;
    settings.rows_skipped = offset;
    if (limit > 0) settings.rows_max = limit;
    return settings;
  }
  std::vector<std::string> quoted;
  for (const std::string& column : settings.columns) quoted.push_back(quote_identifier(column));
  settings.columns.clear();
  settings.sql = "SELECT " + (quoted.empty() ? "*" : join(quoted, ", ")) + " FROM " + quote_identifier(read.table);
  if (limit > 0 || offset > 0) settings.sql += " LIMIT " + std::to_string(limit > 0 ? limit : UINT64_MAX);
  if (offset > 0) settings.sql += " OFFSET " + std::to_string(offset);
  return settings;
}

}  // namespace osiris::worker::mysql

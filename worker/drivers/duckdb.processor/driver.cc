#include "worker/drivers/duckdb.processor/driver.h"

#include "protocol/base/categories.h"
#include "protocol/base/text.h"

namespace osiris::worker {
namespace {

constexpr size_t kLoggedBytes = 500;

Result<StepOutcome> run(StepContext& step) {
  const std::string& query = step.config()["query"].as_string();
  if (trim(query).empty())
    return Error(Code::kInvalidArgument, "Step " + step.step_id() + ": Missing 'query' in config",
                 "Write the SQL under `query`.", category::kValidationFailed);
  step.log("query: " + query.substr(0, kLoggedBytes) + (query.size() > kLoggedBytes ? " ..." : ""));

  StepOutcome outcome;
  for (const Input& input : step.inputs()) outcome.rows_read += input.rows;
  auto rows = step.run_confined(query, step.config()["values"]);
  if (!rows.ok()) return rows.error().within("DuckDB transformation failed");
  step.progress(*rows);
  return outcome;
}

Status describe(StepContext& step) {
  return step.describe_confined(step.config()["query"].as_string(), step.config()["values"]);
}

constexpr Driver kDriver = {
    .name = "duckdb.processor", .run = run, .describe = describe, .reads_streams = true, .is_query = true};

}  // namespace

const Driver& duckdb_processor() { return kDriver; }

}  // namespace osiris::worker

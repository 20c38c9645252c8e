#include "worker/drivers/supabase.writer/driver.h"

#include "worker/drivers/db/fields.h"
#include "worker/drivers/db/target_settings.h"
#include "worker/drivers/postgres.writer/load.h"
#include "worker/drivers/supabase.writer/rest_load.h"
#include "worker/drivers/supabase/connection.h"

namespace osiris::worker {
namespace supabase {
namespace {

constexpr const char* kName = "supabase.writer";
constexpr const char* kFailed = "Supabase write failed";

Status refuse_sql_over_http(const StepContext& step) {
  if (step.config()["ddl_channel"].as_string() != "http_sql") return {};
  return db::config_fault(step, "'ddl_channel' http_sql is not supported",
                          "leave it out, and give the connection a pg_dsn where tables are to be made");
}

Result<StepOutcome> run(StepContext& step) {
  OSIRIS_ASSIGN(const db::TargetSettings settings, db::read_target_settings(step, true));
  OSIRIS_TRY(refuse_sql_over_http(step));
  OSIRIS_ASSIGN(const auto database, database_of(step));
  if (database) return postgres::run_load(step, settings, *database, kName, false);
  OSIRIS_ASSIGN(const Endpoint endpoint, endpoint_of(step));
  if (settings.new_columns != db::NewColumns::kFreeze)
    return db::config_fault(step, "'schema_drift' other than freeze needs the database itself",
                            "give the connection a pg_dsn");
  if (settings.verifies_values)
    return db::config_fault(step, "'verify' full needs the database itself", "give the connection a pg_dsn");
  // What is sent is there: rows of a stream that breaks could not be taken back.
  if (!step.inputs().empty() && step.inputs().front().is_streamed)
    return Error(Code::kUnsupported, "rows for PostgREST are stored first");
  const auto rows = RestLoad(step, settings, endpoint).run();
  if (!rows.ok()) return rows.error().code == Code::kCancelled ? rows.error() : rows.error().within(kFailed);
  return StepOutcome{*rows, *rows};
}

}  // namespace
}  // namespace supabase

const Driver& supabase_writer() {
  static const Driver driver{
      .name = supabase::kName, .run = supabase::run, .check = supabase::check, .reads_streams = true, .waits = true};
  return driver;
}

}  // namespace osiris::worker

#include "worker/drivers/postgres.writer/driver.h"

#include "worker/drivers/db/cancel_watch.h"
#include "worker/drivers/db/target_settings.h"
#include "worker/drivers/postgres.writer/load.h"
#include "worker/drivers/postgres/check.h"

namespace osiris::worker {
namespace {

using namespace postgres;

Result<StepOutcome> run(StepContext& context) {
  OSIRIS_ASSIGN(const db::TargetSettings settings, db::read_target_settings(context, true));
  OSIRIS_ASSIGN(const ServerSettings server, read_server_settings(context));
  Deadline deadline;
  const CallContext call = call_context(context, deadline, "postgres.writer", context.config()["echo"].as_bool());
  const db::CancelWatch watch(context, deadline);
  const auto rows = Load(context, settings, server, call).run();
  if (!rows.ok() && context.is_cancelled() && rows.error().code != Code::kInvalidState)
    return cancelled_error(context.step_id());
  if (!rows.ok()) return rows.error();
  return StepOutcome{*rows, *rows};
}

}  // namespace

const Driver& postgres_writer() {
  static const Driver driver{
      .name = "postgres.writer", .run = run, .check = check, .reads_streams = true, .waits = true};
  return driver;
}

}  // namespace osiris::worker

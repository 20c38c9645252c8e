#include "worker/drivers/mysql.writer/driver.h"

#include <algorithm>

#include "worker/driver_api/cancel_watch.h"
#include "worker/drivers/db/fields.h"
#include "worker/drivers/db/target_settings.h"
#include "worker/drivers/mysql.writer/load.h"

namespace osiris::worker {
namespace {

using namespace mysql;

constexpr uint32_t kCheckLimit_s = 2;

Result<StepOutcome> run(StepContext& context) {
  OSIRIS_ASSIGN(const db::TargetSettings settings, db::read_target_settings(context, false));
  OSIRIS_ASSIGN(const ServerSettings server, read_server_settings(context));
  uint32_t lock_timeout_s = 0;
  OSIRIS_TRY(db::read_number(context, context.config(), "lock_timeout", 0, 86400, lock_timeout_s));
  Deadline deadline;
  CallContext call{context.step_id(), context.scratch_dir(), &deadline, {}};
  call.log = [&context](const std::string& line) { context.log("mysql.writer " + context.step_id() + ": " + line); };
  if (context.config()["echo"].as_bool()) call.echo = call.log;
  const CancelWatch watch(context, [&deadline] { deadline.cancel(); });
  OSIRIS_TRY(watch.begun());
  const auto rows = Load(context, settings, server, call, lock_timeout_s).run();
  if (!rows.ok() && context.is_cancelled() && rows.error().code != Code::kInvalidState)
    return cancelled_error(context.step_id());
  if (!rows.ok()) return rows.error();
  return StepOutcome{*rows, *rows};
}

Status check(StepContext& context) {
  OSIRIS_ASSIGN(ServerSettings server, read_server_settings(context));
  server.connect_timeout_s = std::min(server.connect_timeout_s, kCheckLimit_s);
  Deadline deadline;
  const CallContext call{context.step_id(), context.scratch_dir(), &deadline, {}};
  const auto until = Connection::Clock::now() + std::chrono::seconds(kCheckLimit_s);
  OSIRIS_ASSIGN(const auto connection, Connection::open(server, call));
  return connection->ping(server, call, until);
}

}  // namespace

const Driver& mysql_writer() {
  static const Driver driver{
      .name = "mysql.writer", .run = run, .check = check, .reads_streams = true, .writes_batches = true, .waits = true};
  return driver;
}

}  // namespace osiris::worker

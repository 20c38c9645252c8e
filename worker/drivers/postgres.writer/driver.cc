#include "worker/drivers/postgres.writer/driver.h"

#include "worker/drivers/db/target_settings.h"
#include "worker/drivers/postgres.writer/load.h"
#include "worker/drivers/postgres/check.h"

namespace osiris::worker {
namespace {

using namespace postgres;

constexpr const char* kName = "postgres.writer";

Result<StepOutcome> run(StepContext& context) {
  OSIRIS_ASSIGN(const db::TargetSettings settings, db::read_target_settings(context, true));
  OSIRIS_ASSIGN(const ServerSettings server, read_server_settings(context));
  return run_load(context, settings, server, kName, context.config()["echo"].as_bool());
}

}  // namespace

const Driver& postgres_writer() {
  static const Driver driver{
      .name = kName, .run = run, .check = check, .reads_streams = true, .writes_batches = true, .waits = true};
  return driver;
}

}  // namespace osiris::worker

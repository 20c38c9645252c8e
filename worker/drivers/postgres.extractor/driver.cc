#include "worker/drivers/postgres.extractor/driver.h"

#include <algorithm>

#include "worker/drivers/db/fill.h"
#include "worker/drivers/postgres.extractor/extract.h"
#include "worker/drivers/postgres.extractor/settings.h"
#include "worker/drivers/postgres/check.h"

namespace osiris::worker {
namespace {

using namespace postgres;

constexpr uint32_t kDescribeLimit_s = 5;

Result<StepOutcome> run(StepContext& context) {
  OSIRIS_ASSIGN(const ExtractSettings settings, read_extract_settings(context));
  Deadline deadline;
  const CallContext call = call_context(context, deadline, "postgres.extractor", settings.echo);
  OSIRIS_ASSIGN(const StepOutcome outcome, db::extract(context, "PostgreSQL", deadline, [&](db::RowQueue& queue) {
                  return extract(settings, call, queue);
                }));
  if (settings.incremental) OSIRIS_TRY(settings.incremental->finish());
  return outcome;
}

Status describe_output(StepContext& context) {
  OSIRIS_ASSIGN(ExtractSettings settings, read_extract_settings(context));
  settings.server.connect_timeout_s = std::min(settings.server.connect_timeout_s, kDescribeLimit_s);
  settings.server.read_timeout_s = kDescribeLimit_s;
  Deadline deadline;
  const CallContext call = call_context(context, deadline, "postgres.extractor", settings.echo);
  OSIRIS_ASSIGN(const Columns columns, describe(settings, call));
  return db::make_empty(context, "PostgreSQL", columns.relation());
}

}  // namespace

const Driver& postgres_extractor() {
  static const Driver driver{.name = "postgres.extractor",
                             .run = run,
                             .check = check,
                             .describe = describe_output,
                             .describe_connects = true,
                             .waits = true};
  return driver;
}

}  // namespace osiris::worker

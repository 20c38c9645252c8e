#include "worker/drivers/mysql.extractor/driver.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "worker/driver_api/cancel_watch.h"
#include "worker/drivers/db/fields.h"
#include "worker/drivers/db/server_rows.h"
#include "worker/drivers/mysql.extractor/extract.h"
#include "worker/drivers/mysql.extractor/settings.h"
#include "worker/drivers/mysql/connection.h"
#include "worker/drivers/mysql/errors.h"

namespace osiris::worker {
namespace {

using namespace mysql;

constexpr uint32_t kCheckLimit_s = 2;
constexpr uint32_t kDescribeLimit_s = 5;

CallContext call_context(StepContext& context, Deadline& deadline, bool echo) {
  CallContext call{context.step_id(), context.scratch_dir(), &deadline, {}};
  call.log = [&context](const std::string& line) { context.log("mysql.extractor " + context.step_id() + ": " + line); };
  if (echo) call.echo = call.log;
  return call;
}

// One extraction and what it lives by.
struct Job {
  ExtractSettings settings;
  Deadline deadline;
  CallContext call;
  std::unique_ptr<db::SourceUse> use;
};

Result<std::shared_ptr<Job>> job_of(StepContext& context) {
  auto job = std::make_shared<Job>();
  OSIRIS_ASSIGN(job->settings, read_extract_settings(context));
  job->call = call_context(context, job->deadline, job->settings.echo);
  job->use = std::make_unique<db::SourceUse>(job->settings.limits, job->deadline);
  return job;
}

db::ReadRows reading(StepContext& context, std::shared_ptr<Job> job) {
  return [&context, job = std::move(job)](db::RowQueue& queue) {
    Status status = job->use->judged(extract(job->settings, job->call, queue, *job->use), "MySQL query failed");
    job->use->report(context);
    return status;
  };
}

Result<StepOutcome> run(StepContext& context) {
  OSIRIS_ASSIGN(const std::shared_ptr<Job> job, job_of(context));
  OSIRIS_ASSIGN(const StepOutcome outcome, db::extract(context, "MySQL", job->deadline, reading(context, job)));
  if (job->settings.incremental) OSIRIS_TRY(job->settings.incremental->finish());
  return outcome;
}

// A procedure may do more than read, so it is called once; the next state is read from rows that are stored.
Result<std::unique_ptr<StreamedOutput>> open(StepContext& context) {
  OSIRIS_ASSIGN(const std::shared_ptr<Job> job, job_of(context));
  const bool stores = job->settings.incremental || job->settings.limits.store_rows();
  if (job->settings.allows_call || stores) return std::unique_ptr<StreamedOutput>();
  return db::open_rows(context, "MySQL", job->deadline, reading(context, job));
}

// One session after the other reads the parts, each at its own moment.
Result<Settled> settle(StepContext& context, const Json& rule, bool) {
  if (!rule.contains("split")) return Settled();
  const db::KeySplit split = db::KeySplit::of(rule);
  OSIRIS_ASSIGN(const std::shared_ptr<Job> job, job_of(context));
  if (job->settings.allows_call)
    return db::config_fault(context, "a CALL cannot be split", "split a table, or a query that is a SELECT");
  const CancelWatch watch(context, [&job] { job->deadline.cancel(); });
  OSIRIS_TRY(watch.begun());
  OSIRIS_ASSIGN(Json bounds, ask_for_bounds(job->settings, job->call, *job->use, split));
  return Settled{std::move(bounds), nullptr};
}

Status describe_output(StepContext& context) {
  OSIRIS_ASSIGN(ExtractSettings settings, read_extract_settings(context));
  settings.server.connect_timeout_s = std::min(settings.server.connect_timeout_s, kDescribeLimit_s);
  settings.server.read_timeout_s = kDescribeLimit_s;
  Deadline deadline;
  OSIRIS_ASSIGN(const Columns columns, describe(settings, call_context(context, deadline, settings.echo)));
  return db::make_empty(context, "MySQL", columns.relation());
}

Status check(StepContext& context) {
  OSIRIS_ASSIGN(ServerSettings server, read_server_settings(context));
  server.connect_timeout_s = std::min(server.connect_timeout_s, kCheckLimit_s);
  Deadline deadline;
  const CallContext call = call_context(context, deadline, false);
  const auto until = Connection::Clock::now() + std::chrono::seconds(kCheckLimit_s);
  OSIRIS_ASSIGN(const auto connection, Connection::open(server, call));
  return connection->ping(server, call, until);
}

}  // namespace

const Driver& mysql_extractor() {
  static const Driver driver{.name = "mysql.extractor",
                             .run = run,
                             .check = check,
                             .describe = describe_output,
                             .describe_connects = true,
                             .open = open,
                             .settle = settle,
                             .splits = true,
                             .waits = true};
  return driver;
}

}  // namespace osiris::worker

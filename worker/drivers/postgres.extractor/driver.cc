#include "worker/drivers/postgres.extractor/driver.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "worker/drivers/db/server_rows.h"
#include "worker/drivers/postgres.extractor/extract.h"
#include "worker/drivers/postgres.extractor/settings.h"
#include "worker/drivers/postgres/check.h"

namespace osiris::worker {
namespace {

using namespace postgres;

constexpr uint32_t kDescribeLimit_s = 5;

// One extraction and what it lives by.
struct Job {
  ExtractSettings settings;
  Deadline deadline;
  CallContext call;
};

Result<std::shared_ptr<Job>> job_of(StepContext& context) {
  auto job = std::make_shared<Job>();
  OSIRIS_ASSIGN(job->settings, read_extract_settings(context));
  job->call = call_context(context, job->deadline, "postgres.extractor", job->settings.echo);
  return job;
}

db::ReadRows reading(std::shared_ptr<Job> job) {
  return [job = std::move(job)](db::RowQueue& queue) { return extract(job->settings, job->call, queue); };
}

Result<StepOutcome> run(StepContext& context) {
  OSIRIS_ASSIGN(const std::shared_ptr<Job> job, job_of(context));
  OSIRIS_ASSIGN(const StepOutcome outcome, db::extract(context, "PostgreSQL", job->deadline, reading(job)));
  if (job->settings.incremental) OSIRIS_TRY(job->settings.incremental->finish());
  return outcome;
}

// The next state is read from rows that are stored.
Result<std::unique_ptr<StreamedOutput>> open(StepContext& context) {
  OSIRIS_ASSIGN(const std::shared_ptr<Job> job, job_of(context));
  if (job->settings.incremental) return std::unique_ptr<StreamedOutput>();
  return db::open_rows(context, "PostgreSQL", job->deadline, reading(job));
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
                             .open = open,
                             .waits = true};
  return driver;
}

}  // namespace osiris::worker

#include "worker/drivers/postgres.extractor/job.h"

#include <algorithm>
#include <utility>

#include "worker/drivers/db/server_rows.h"
#include "worker/drivers/postgres.extractor/extract.h"
#include "worker/drivers/postgres/check.h"

namespace osiris::worker::postgres {
namespace {

constexpr uint32_t kDescribeLimit_s = 5;

// One extraction and what it lives by.
struct Job {
  ExtractSettings settings;
  Deadline deadline;
  CallContext call;
  std::unique_ptr<db::SourceUse> use;
};

std::shared_ptr<Job> job_of(StepContext& context, ExtractSettings settings, const std::string& driver) {
  auto job = std::make_shared<Job>();
  job->settings = std::move(settings);
  job->call = call_context(context, job->deadline, driver, job->settings.echo);
  job->use = std::make_unique<db::SourceUse>(job->settings.limits, job->deadline);
  return job;
}

db::ReadRows reading(StepContext& context, std::shared_ptr<Job> job) {
  return [&context, job = std::move(job)](db::RowQueue& queue) {
    Status status = job->use->judged(extract(job->settings, job->call, queue, *job->use), "PostgreSQL query failed");
    job->use->report(context);
    return status;
  };
}

}  // namespace

Result<StepOutcome> run_extraction(StepContext& context, ExtractSettings settings, const std::string& driver) {
  const std::shared_ptr<Job> job = job_of(context, std::move(settings), driver);
  OSIRIS_ASSIGN(const StepOutcome outcome, db::extract(context, kServer, job->deadline, reading(context, job)));
  if (job->settings.incremental) OSIRIS_TRY(job->settings.incremental->finish());
  return outcome;
}

// The next state is read from rows that are stored.
Result<std::unique_ptr<StreamedOutput>> open_extraction(StepContext& context, ExtractSettings settings,
                                                        const std::string& driver) {
  if (settings.incremental || settings.limits.store_rows()) return std::unique_ptr<StreamedOutput>();
  const std::shared_ptr<Job> job = job_of(context, std::move(settings), driver);
  return db::open_rows(context, kServer, job->deadline, reading(context, job));
}

Status describe_extraction(StepContext& context, ExtractSettings settings, const std::string& driver) {
  settings.server.connect_timeout_s = std::min(settings.server.connect_timeout_s, kDescribeLimit_s);
  settings.server.read_timeout_s = kDescribeLimit_s;
  Deadline deadline;
  const CallContext call = call_context(context, deadline, driver, settings.echo);
  OSIRIS_ASSIGN(const Columns columns, describe(settings, call));
  return db::make_empty(context, kServer, columns.relation());
}

}  // namespace osiris::worker::postgres

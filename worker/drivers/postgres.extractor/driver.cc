#include "worker/drivers/postgres.extractor/driver.h"

#include "worker/drivers/postgres.extractor/job.h"
#include "worker/drivers/postgres.extractor/settings.h"
#include "worker/drivers/postgres.extractor/split.h"
#include "worker/drivers/postgres/check.h"

namespace osiris::worker {
namespace {

using namespace postgres;

constexpr const char* kName = "postgres.extractor";

Result<StepOutcome> run(StepContext& context) {
  OSIRIS_ASSIGN(ExtractSettings settings, read_extract_settings(context));
  return run_extraction(context, std::move(settings), kName);
}

Result<std::unique_ptr<StreamedOutput>> open(StepContext& context) {
  OSIRIS_ASSIGN(ExtractSettings settings, read_extract_settings(context));
  return open_extraction(context, std::move(settings), kName);
}

Status describe_output(StepContext& context) {
  OSIRIS_ASSIGN(ExtractSettings settings, read_extract_settings(context));
  return describe_extraction(context, std::move(settings), kName);
}

Result<Settled> settle(StepContext& context, const Json& rule, bool) {
  OSIRIS_ASSIGN(ExtractSettings settings, read_extract_settings(context));
  return settle_split(context, std::move(settings), rule, kName);
}

}  // namespace

const Driver& postgres_extractor() {
  static const Driver driver{.name = kName,
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

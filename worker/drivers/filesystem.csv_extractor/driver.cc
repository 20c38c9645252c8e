#include "worker/drivers/filesystem.csv_extractor/driver.h"

#include <algorithm>
#include <filesystem>

#include "worker/driver_api/sql.h"
#include "worker/drivers/files/places.h"
#include "worker/drivers/filesystem.csv_extractor/csv_stream.h"
#include "worker/drivers/filesystem.csv_extractor/date_columns.h"
#include "worker/drivers/filesystem.csv_extractor/direct_load.h"
#include "worker/drivers/filesystem.csv_extractor/first_bytes.h"
#include "worker/drivers/filesystem.csv_extractor/options.h"
#include "worker/drivers/filesystem.csv_extractor/settled_types.h"
#include "worker/drivers/filesystem.csv_extractor/staged_load.h"
#include "worker/drivers/remote/inputs.h"

namespace osiris::worker {
namespace {

Result<csv::Loaded> load(StepContext& step, const csv::Options& options) {
  std::error_code ignored;
  if (std::filesystem::file_size(options.file, ignored) >= csv::kDirectBytesMin) {
    OSIRIS_ASSIGN(std::optional<csv::Loaded> loaded, csv::load_directly(step, options));
    if (loaded) return *std::move(loaded);
  }
  return csv::load_staged(step, options);
}

Result<StepOutcome> extract_with(StepContext& step, const csv::Options& options) {
  auto outcome = load(step, options);
  if (!outcome.ok()) {
    Error error = outcome.error();
    if (error.code != Code::kInvalidArgument && error.code != Code::kStepFailed) return error;
    // A checksum stands behind the data: what looks like bad CSV may be a damaged file.
    if (const Status intact = files::check_intact(options.file, options.compression); !intact.ok())
      return intact.error();
    if (std::string hint = csv::hint_of_first_bytes(options); !hint.empty()) error.hint = std::move(hint);
    return error;
  }
  const csv::Loaded& loaded = *outcome;
  if (const Status dates = convert_date_columns(step, options, loaded.layout); !dates.ok()) {
    (void)sql::execute(step.connection_handle(), "DROP TABLE IF EXISTS " + step.output_table().quoted());
    return dates.error();
  }
  return StepOutcome{.rows_read = loaded.rows, .rows_written = 0};
}

Result<StepOutcome> extract(StepContext& step) {
  if (step.is_cancelled()) return step_cancelled();
  OSIRIS_ASSIGN(const csv::Options options, csv::read_options(step));
  return extract_with(step, options);
}

Result<std::unique_ptr<StreamedOutput>> open(StepContext& step) {
  OSIRIS_ASSIGN(csv::Options options, csv::read_options(step));
  std::error_code ignored;
  if (std::filesystem::file_size(options.file, ignored) < csv::kDirectBytesMin)
    return std::unique_ptr<StreamedOutput>();
  return csv::open_stream(step, std::move(options));
}

Result<std::unique_ptr<StreamedOutput>> open_shards(StepContext& step, const Json& settled) {
  OSIRIS_ASSIGN(csv::Options options, csv::read_options(step));
  csv::take_settled(settled, options);
  return csv::open_joined_stream(step, std::move(options), csv::kDirectBytesMin);
}

Result<Settled> settle(StepContext& step, const Json&, bool again) {
  OSIRIS_ASSIGN(const csv::Options options, csv::read_options(step));
  OSIRIS_ASSIGN(Json settled, csv::settle_types(step, options, again));
  return Settled{std::move(settled), nullptr};
}

// From the first rows: a later one may change a column's type, never its name.
Status describe(StepContext& step) {
  OSIRIS_TRY(remote::stays_here(step));
  OSIRIS_ASSIGN(csv::Options options, csv::read_options(step));
  options.limit = std::min(options.limit, kSampleRows);
  const auto sampled = extract_with(step, options);
  return sampled.ok() ? Status() : Status(sampled.error());
}

// Of `columns` and `dtype`.
Status declare(StepContext& step) {
  OSIRIS_ASSIGN(const csv::Options options, csv::read_settings(step));
  OSIRIS_ASSIGN(const csv::Loaded loaded, csv::load_nothing(step, options));
  return convert_date_columns(step, options, loaded.layout);
}

// Without a path (a check of the connection alone) the base directory must be there.
Status check(StepContext& step) {
  if (!step.config()["path"].as_string().empty()) {
    const auto options = csv::read_options(step);
    return options.ok() ? Status() : Status(options.error());
  }
  return files::check_base_dir(step);
}

}  // namespace

const Driver& filesystem_csv_extractor() {
  static constexpr Driver driver{.name = "filesystem.csv_extractor",
                                 .run = extract,
                                 .check = check,
                                 .describe = describe,
                                 .open = open,
                                 .declare = declare,
                                 .settle = settle,
                                 .open_shards = open_shards,
                                 .computes_alone = true};
  return driver;
}

}  // namespace osiris::worker

#include "worker/drivers/filesystem.parquet_extractor/driver.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "worker/driver_api/scan_function.h"
#include "worker/driver_api/virtual_files.h"
#include "worker/driver_api/watched.h"
#include "worker/drivers/files/path_columns.h"
#include "worker/drivers/files/places.h"
#include "worker/drivers/filesystem.parquet_extractor/joined_columns.h"
#include "worker/drivers/filesystem.parquet_extractor/layout.h"
#include "worker/drivers/filesystem.parquet_extractor/settled_columns.h"
#include "worker/drivers/remote/inputs.h"

namespace osiris::worker {
namespace {

// Of many files or columns not all places are looked up: it takes memory, and the first ones are read first.
constexpr size_t kPiecesMax = 200'000;

struct Options {
  std::vector<MatchedFile> files;
  remote::Inputs inputs;  // what keeps them readable
  std::vector<std::string> columns;
  std::optional<uint64_t> limit;
  std::optional<bool> hive_partitioning;
};

Result<Options> read_options(StepContext& step) {
  const Json& config = step.config();
  Options options;
  OSIRIS_ASSIGN(options.inputs, remote::input_files(step, config["path"].as_string(), "Parquet", remote::Use::kRanges));
  options.files = options.inputs.files;
  for (const Json& column : config["columns"].items()) options.columns.push_back(column.as_string());
  if (!config["limit"].is_null()) {
    options.limit = config["limit"].as_uint(0);
    if (*options.limit < 1)
      return Error(Code::kInvalidArgument, "'limit' must be a whole number from 1, not " + config["limit"].dump());
  }
  if (config["hive_partitioning"].is_bool()) options.hive_partitioning = config["hive_partitioning"].as_bool();
  return options;
}

// What all shards settled; null: nothing, or the step has none.
const Json& settled_of(const StepContext& step) {
  static const Json nothing;
  return step.shard() ? step.shard()->settled : nothing;
}

Result<parquet::Joined> join_files(StepContext& step, const Options& options) {
  OSIRIS_ASSIGN(std::vector<parquet::ParquetFile> files, parquet::open_files(step, options.files));
  OSIRIS_ASSIGN(std::vector<parquet::PathColumn> of_paths,
                files::find_path_columns(options.files, options.hive_partitioning));
  const Json& settled = settled_of(step);
  parquet::take_settled(settled, of_paths);
  // A column that the step names may be in another shard's file.
  static const std::vector<std::string> all;
  return parquet::join_columns(step, std::move(files), std::move(of_paths), settled.is_null() ? options.columns : all);
}

// Of columns that are read, the bytes of one group of rows are fetched while those before are read.
void read_ahead(StepContext& step, const Options& options) {
  std::vector<remote::FileLayout> layouts;
  size_t pieces = 0;
  for (const MatchedFile& file : options.files) {
    if (!find_virtual_file(file.absolute)) continue;
    layouts.push_back(pieces < kPiecesMax ? parquet::layout_of(step.connection_handle(), file.absolute)
                                          : remote::FileLayout());
    pieces += layouts.back().groups.size() * layouts.back().columns.size();
  }
  options.inputs.read_ahead(std::move(layouts));
}

bool is_without_types(const parquet::Joined& joined) {
  return joined.rows == 0 &&
         std::any_of(joined.columns.begin(), joined.columns.end(),
                     [](const parquet::JoinedColumn& each) { return !each.of_path && is_untyped(each.column.type); });
}

Result<uint64_t> create(StepContext& step, const Options& options, const parquet::Joined& joined) {
  const Json& settled = settled_of(step);
  if (settled.is_null() && is_without_types(joined)) {
    std::vector<FileColumn> columns;
    for (const parquet::JoinedColumn& each : joined.columns) {
      columns.push_back(each.column);
      if (each.of_path) columns.back().type = ColumnType::plain(DUCKDB_TYPE_SQLNULL);
    }
    OSIRIS_TRY(create_empty(step.connection_handle(), step.output_table(), columns));
    return uint64_t{0};
  }
  const uint64_t expected = std::min(joined.rows, options.limit.value_or(UINT64_MAX));
  std::string select = parquet::select_statement(joined, options.files, options.limit);
  if (!settled.is_null()) select = parquet::select_as_settled(settled, joined, select);
  auto rows = count_watched(step, "CREATE TABLE " + step.output_table().quoted() + " AS " + select, expected);
  if (!rows.ok()) return parquet::named_error(step, joined.read, rows.error());
  return rows;
}

Result<StepOutcome> extract_joined(StepContext& step, const Options& options, const parquet::Joined& joined) {
  OSIRIS_ASSIGN(const uint64_t rows, create(step, options, joined));
  for (const parquet::JoinedColumn& each : joined.columns)
    if (!each.of_path && settled_of(step).is_null())
      OSIRIS_TRY(set_comment(step.connection_handle(), step.output_table(), each.column));
  for (const Json& settled : settled_of(step)["columns"].items()) {
    FileColumn column;
    column.name = settled["name"].as_string();
    column.comment = settled["comment"].as_string();
    OSIRIS_TRY(set_comment(step.connection_handle(), step.output_table(), column));
  }
  return StepOutcome{.rows_read = rows, .rows_written = 0};
}

Result<StepOutcome> extract_with(StepContext& step, const Options& options) {
  OSIRIS_ASSIGN(const parquet::Joined joined, join_files(step, options));
  read_ahead(step, options);
  return extract_joined(step, options, joined);
}

void say_which(StepContext& step, const Options& options) {
  if (options.files.size() > 1)
    step.log(std::to_string(options.files.size()) + " files, from " + options.files.front().path + " to " +
             options.files.back().path);
}

Result<StepOutcome> extract(StepContext& step) {
  if (step.is_cancelled()) return step_cancelled();
  OSIRIS_ASSIGN(const Options options, read_options(step));
  say_which(step, options);
  auto outcome = extract_with(step, options);
  if (!outcome.ok() && step.is_cancelled()) return step_cancelled();
  return outcome.ok() ? outcome : options.inputs.cause_of(outcome.error());
}

// The files, read by the statement of another step: its columns only.
class ParquetStream : public StreamedOutput {
 public:
  ParquetStream(StepContext& step, Options options, parquet::Joined joined)
      : step_(step), options_(std::move(options)), joined_(std::move(joined)) {}

  Status open() {
    OSIRIS_ASSIGN(reader_, copy_scan_function(step_.connection_handle(), "read_parquet"));
    return {};
  }
  // A limit ends within the rows; a stream has no comments on its columns, and none without a type.
  bool is_readable() const override {
    return !options_.limit && !is_without_types(joined_) &&
           std::all_of(joined_.columns.begin(), joined_.columns.end(),
                       [](const parquet::JoinedColumn& each) { return each.column.comment.empty(); });
  }
  std::string rows() const override {
    return "(" + parquet::select_statement(joined_, options_.files, options_.limit, reader_) + ")";
  }
  std::vector<std::string> functions() const override { return {reader_}; }
  std::vector<std::string> files() const override {
    std::vector<std::string> paths;
    for (const parquet::ParquetFile& file : joined_.read) paths.push_back(file.place.absolute);
    return paths;
  }
  Result<StepOutcome> finish() override {
    for (const auto& file : options_.inputs.remote) OSIRIS_TRY(file->failure());
    step_.progress(joined_.rows);
    return StepOutcome{.rows_read = joined_.rows, .rows_written = 0};
  }
  std::optional<Result<StepOutcome>> store(StepContext& step) override {
    auto outcome = extract_joined(step, options_, joined_);
    return outcome.ok() ? outcome : options_.inputs.cause_of(outcome.error());
  }

 private:
  StepContext& step_;
  const Options options_;
  const parquet::Joined joined_;
  std::string reader_;
};

Result<std::unique_ptr<StreamedOutput>> open(StepContext& step) {
  OSIRIS_ASSIGN(Options options, read_options(step));
  say_which(step, options);
  auto joined = join_files(step, options);
  if (!joined.ok()) return options.inputs.cause_of(joined.error());
  read_ahead(step, options);
  auto stream = std::make_unique<ParquetStream>(step, std::move(options), *std::move(joined));
  OSIRIS_TRY(stream->open());
  return std::unique_ptr<StreamedOutput>(std::move(stream));
}

// By the metadata of the files. One that cannot be read is its own shard's failure.
Result<Settled> settle(StepContext& step, const Json&, bool) {
  const auto options = read_options(step);
  if (!options.ok()) return Settled();
  const auto joined = join_files(step, *options);
  if (!joined.ok()) return joined.error().code == Code::kCancelled ? Result<Settled>(joined.error()) : Settled();
  return Settled{parquet::settled_columns(*joined), nullptr};
}

Status describe(StepContext& step) {
  OSIRIS_TRY(remote::stays_here(step));
  OSIRIS_ASSIGN(Options options, read_options(step));
  options.limit = std::min(options.limit.value_or(kSampleRows), kSampleRows);
  const auto sampled = extract_with(step, options);
  return sampled.ok() ? Status() : Status(options.inputs.cause_of(sampled.error()));
}

// Without a path (a check of the connection alone) the base directory must be there.
Status check(StepContext& step) {
  if (step.config()["path"].as_string().empty()) return files::check_base_dir(step);
  OSIRIS_ASSIGN(const Options options, read_options(step));
  const auto opened = parquet::open_files(step, {options.files.front()});
  return opened.ok() ? Status() : Status(options.inputs.cause_of(opened.error()));
}

}  // namespace

const Driver& filesystem_parquet_extractor() {
  static constexpr Driver driver{.name = "filesystem.parquet_extractor",
                                 .run = extract,
                                 .check = check,
                                 .describe = describe,
                                 .open = open,
                                 .settle = settle};
  return driver;
}

}  // namespace osiris::worker

#include "worker/drivers/filesystem.csv_extractor/settled_types.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/side_by_side.h"
#include "protocol/base/text.h"
#include "worker/drivers/filesystem.csv_extractor/date_column.h"
#include "worker/drivers/filesystem.csv_extractor/record_reader.h"

namespace osiris::worker::csv {
namespace {

// Of each file, and of all files together about: as many as one read of a large file looks at before it begins.
constexpr uint64_t kFirstRecords = 2000, kFirstRecordsMin = 200, kFirstRecordsOfAll = 16'000;
constexpr size_t kReadBytes = size_t{1} << 18, kFirstReadBytes = size_t{1} << 15;

uint64_t first_records(size_t files) {
  return std::clamp<uint64_t>(kFirstRecordsOfAll / files, kFirstRecordsMin, kFirstRecords);
}

// The values of one column, of one file or of all.
struct Seen {
  KindTracker values;
  DateSummary dates;
};
using SeenColumns = std::map<std::string, Seen>;  // by name in lower case

bool decides_by_values(const Column& column) {
  return column.is_date && (!column.forced || column.forced->dates == Dates::kNanoseconds);
}

class FileLook {
 public:
  FileLook(StepContext& step, const Options& options, uint64_t rows_max)
      : step_(step), options_(options), rows_max_(rows_max) {}

  // False: only the first records were looked at.
  Result<bool> run() {
    OSIRIS_ASSIGN(RecordReader reader,
                  RecordReader::open(options_, rows_max_ > kFirstRecords ? kReadBytes : kFirstReadBytes));
    RecordBatch batch;
    for (bool more = true; more;) {
      OSIRIS_ASSIGN(more, reader.next(batch));
      for (const RecordBatch::Record& record : batch.records()) {
        if (rows_ == rows_max_) return false;
        OSIRIS_TRY(take(batch, record));
      }
      if (step_.is_cancelled()) return step_cancelled();
    }
    return true;
  }

  void merge_into(SeenColumns& all) {
    for (size_t i = 0; i < layout_.columns.size(); ++i) {
      const auto [at, is_new] = all.try_emplace(ascii_lower(layout_.columns[i].name));
      at->second.values.merge(seen_[i].values);
      at->second.dates.merge(seen_[i].dates);
    }
  }

 private:
  Status take(const RecordBatch& batch, const RecordBatch::Record& record) {
    if (!has_layout_ && options_.header_row && records_before_header_++ < *options_.header_row) return {};
    if (!has_layout_) {
      std::vector<std::string> names(record.fields);
      for (size_t i = 0; i < names.size(); ++i)
        names[i] = options_.header_row ? std::string(batch.field(record, i)) : std::to_string(i);
      OSIRIS_ASSIGN(layout_, make_layout(options_, std::move(names)));
      seen_.resize(layout_.columns.size(), {KindTracker(options_.numbers), {}});
      has_layout_ = true;
      if (options_.header_row) return {};
    }
    ++rows_;
    if (record.fields > layout_.fields + 1) return {};  // its shard says what becomes of such a line
    for (size_t i = 0; i < layout_.columns.size(); ++i) {
      const Column& column = layout_.columns[i];
      if (column.field >= record.fields) continue;
      const std::string_view field = batch.field(record, column.field);
      if (options_.nulls.contains(field)) continue;
      if (!column.forced && !column.is_date) seen_[i].values.observe(field);
      if (decides_by_values(column) || (options_.parse_all_dates && !column.forced)) seen_[i].dates.observe(field);
    }
    return {};
  }

  StepContext& step_;
  const Options& options_;
  const uint64_t rows_max_;
  Layout layout_;
  std::vector<Seen> seen_;
  bool has_layout_ = false;
  uint64_t records_before_header_ = 0, rows_ = 0;
};

bool declares_all(const Options& options) {
  if (!options.columns || options.parse_all_dates || !options.date_columns.empty()) return false;
  return std::all_of(options.columns->begin(), options.columns->end(), [&](const std::string& name) {
    return std::any_of(options.dtypes.begin(), options.dtypes.end(), [&](const auto& dtype) {
      return dtype.first == name && dtype.second.dates != Dates::kNanoseconds;
    });
  });
}

Json to_json(const Seen& seen) {
  Json column = Json::object({{"values", seen.values.state()}});
  if (seen.dates.values() == 0) return column;
  const DateType type = seen.dates.dates() == 0 ? DateType::kText : seen.dates.type();
  column.set("dates", date_type_name(type));
  if (type == DateType::kTimestampTz) column.set("offset", seen.dates.offset_minutes());
  if (type == DateType::kText) column.set("why", seen.dates.why_text());
  return column;
}

}  // namespace

Result<Json> settle_types(StepContext& step, const Options& options, bool by_all_records) {
  if (declares_all(options) || options.joined.empty()) return Json();
  SeenColumns all;
  Options alike = options;
  alike.joined.clear();
  std::mutex mutex;
  std::atomic<size_t> next{0};
  std::atomic<bool> is_of_all{true}, is_cancelled{false};
  const auto look = [&](size_t) {
    for (size_t i = next++; i < options.joined.size() && !is_cancelled; i = next++) {
      Options of_file = alike;
      of_file.file = options.joined[i].absolute;
      of_file.compression = options.joined[i].compression;
      FileLook file(step, of_file, by_all_records ? UINT64_MAX : first_records(options.joined.size()));
      const auto whole = file.run();
      if (whole.ok() ? !*whole : true) is_of_all = false;
      if (!whole.ok() && whole.error().code == Code::kCancelled) is_cancelled = true;
      const std::lock_guard lock(mutex);
      file.merge_into(all);
    }
  };
  side_by_side(std::min<size_t>(options.joined.size(), std::max(1U, std::thread::hardware_concurrency())), look);
  if (is_cancelled) return step_cancelled();
  Json columns = Json::object();
  for (const auto& [name, seen] : all) columns.set(name, to_json(seen));
  return Json::object({{"columns", std::move(columns)}, {"by_all_records", is_of_all || by_all_records}});
}

void take_settled(const Json& settled, Options& options) {
  options.is_settled_by_all = settled["by_all_records"].as_bool();
  for (const auto& [name, column] : settled["columns"].members())
    options.settled[name] = {KindTracker::of_state(column["values"].as_string(), options.numbers),
                             column["dates"].as_string(), static_cast<int>(column["offset"].as_int()),
                             column["why"].as_string()};
}

Error unsettled(const std::string& column) {
  Error error(Code::kInvalidState,
              "column '" + column + "' has other values further on than in the first records of the shards", "",
              category::kExtractSchemaMismatch);
  error.detail = Json::object({{kUnsettled, true}});
  return error;
}

Status check_settled(const Options& options, const std::string& column, const KindTracker& is) {
  const SettledColumn* settled = options.settled_column(column);
  if (!settled || options.is_settled_by_all || settled->values.kind() == is.kind()) return {};
  return unsettled(column);
}

}  // namespace osiris::worker::csv

#include "worker/drivers/filesystem.csv_extractor/sample.h"

#include <algorithm>
#include <fstream>
#include <string>

#include "worker/drivers/files/byte_source.h"
#include "worker/drivers/filesystem.csv_extractor/record_reader.h"
#include "worker/drivers/filesystem.csv_extractor/tokenizer.h"

namespace osiris::worker::csv {
namespace {

constexpr size_t kSampleRows = 2000;
constexpr size_t kSampleReadBytes = size_t{1} << 18;
constexpr size_t kHeadReadBytes = size_t{1} << 12;
// Places all over the file where some records are looked at beside, how much there, and how much of the whole at most.
constexpr size_t kPlacesMax = 24;
constexpr size_t kPlaceBytes = size_t{1} << 15;
constexpr size_t kPlacesShare = 32;
// A limit this small ends inside the first buffers, where the careful reader is as quick and stops exactly.
constexpr uint64_t kLimitMin = 100000;

bool options_are_plain(const Options& options) {
  return (options.compression == Compression::kNone || options.limit == UINT64_MAX) &&
         options.encoding == Encoding::kUtf8 && options.comment == '\0' && options.skip_blank_lines &&
         options.on_bad_lines == OnBadLines::kError && options.limit >= kLimitMin && options.dtypes.empty() &&
         options.quote == '"' && options.escape == '\0' &&
         options.nulls.contains("");  // the scan takes an empty field for NULL
}

// Takes the values of a record. `kinds`: of the columns, those of dates apart.
void observe(const RecordBatch& batch, const RecordBatch::Record& record, const Options& options, Sample& sample,
             std::vector<KindTracker>& kinds) {
  for (size_t i = 0; i < kinds.size(); ++i) {
    const Column& column = sample.layout.columns[i];
    const std::string_view field = batch.field(record, column.field);
    if (options.nulls.contains(field)) continue;
    if (column.is_date) {
      sample.dates[i].observe(field);
    } else {
      kinds[i].observe(field);
    }
  }
}

// Reads the head of the file with our tokenizer. nullopt when it has anything DuckDB might see differently: a short or
// long record, blank lines or quoted line ends around the header, a single column (a blank line could be a row), an
// error.
std::optional<Sample> take_sample(const Options& options, uint64_t rows_max, size_t read_bytes) {
  auto reader = RecordReader::open(options, read_bytes);
  if (!reader.ok()) return std::nullopt;
  Sample sample;
  RecordBatch batch;
  uint64_t line = options.skip_rows;  // lines seen when every record takes one
  bool has_layout = false;
  while (sample.rows < rows_max) {
    const auto more = reader->next(batch);
    if (!more.ok()) return std::nullopt;
    if (!*more) break;
    for (const RecordBatch::Record& record : batch.records()) {
      ++line;
      if (!has_layout) {
        const uint64_t header_line = options.skip_rows + options.header_row.value_or(0) + 1;
        if (record.line != line) return std::nullopt;
        if (line < header_line) continue;
        std::vector<std::string> names(record.fields);
        for (size_t i = 0; i < names.size(); ++i)
          names[i] = options.header_row ? std::string(batch.field(record, i)) : std::to_string(i);
        auto layout = make_layout(options, std::move(names));
        if (!layout.ok() || layout->fields < 2 || layout->columns.empty()) return std::nullopt;
        sample.layout = *std::move(layout);
        sample.trackers.resize(sample.layout.columns.size(), KindTracker(options.numbers));
        sample.dates.resize(sample.layout.columns.size());
        for (size_t i = 0; i < sample.trackers.size(); ++i)
          if (const SettledColumn* settled = options.settled_column(sample.layout.columns[i].name))
            sample.trackers[i].merge(settled->values);
        sample.lines_before_data = options.header_row ? line : options.skip_rows;
        has_layout = true;
        if (options.header_row) continue;
      }
      if (sample.rows == 0 && record.line != sample.lines_before_data + 1) return std::nullopt;
      if (record.fields != sample.layout.fields) return std::nullopt;
      ++sample.rows;
      observe(batch, record, options, sample, sample.trackers);
    }
  }
  sample.guesses = sample.trackers;
  return has_layout ? std::optional(std::move(sample)) : std::nullopt;
}

// Looks at whole lines in a piece of text from the middle of the file. What it takes for a record may be none, inside
// quotes: the scan finds out.
void look_at(std::string_view text, const Options& options, Sample& sample) {
  const size_t first = text.find('\n'), last = text.rfind('\n');
  if (first == last) return;
  Tokenizer tokenizer({.delimiter = options.delimiter});
  RecordBatch batch;
  if (!tokenizer.push(text.substr(first + 1, last - first), batch).ok()) return;
  const auto& records = batch.records();
  const auto is_whole = [&](const auto& record) { return record.fields == sample.layout.fields; };
  if (!std::all_of(records.begin(), records.end(), is_whole)) return;
  for (const RecordBatch::Record& record : records) observe(batch, record, options, sample, sample.guesses);
}

// A type that widens late is better known before the file is read than after. The end is looked at too.
void guess_from_places(const Options& options, Sample& sample) {
  std::ifstream file(options.file, std::ios::binary | std::ios::ate);
  const auto size = static_cast<size_t>(std::max<std::streamoff>(0, file.tellg()));
  std::string text(kPlaceBytes, '\0');
  const size_t places = std::min(kPlacesMax, size / kPlaceBytes / kPlacesShare);
  for (size_t i = 1; i <= places; ++i) {
    file.seekg(static_cast<std::streamoff>((size - kPlaceBytes) / places * i));
    if (!file.read(text.data(), static_cast<std::streamsize>(text.size()))) return;
    look_at(text, options, sample);
  }
}

// A path that DuckDB's glob would read as a pattern.
bool has_pattern(const std::string& path) { return path.find_first_of("*?[]{}") != std::string::npos; }

}  // namespace

bool Sample::has_timestamps_only() const {
  for (size_t i = 0; i < dates.size(); ++i)
    if (layout.columns[i].is_date && dates[i].type() != DateType::kTimestamp) return false;
  return true;
}

std::optional<Sample> sample_file(const Options& options) {
  if (!options_are_plain(options) || has_pattern(options.file.native())) return std::nullopt;
  auto sample = take_sample(options, kSampleRows, kSampleReadBytes);
  if (!sample || sample->rows == 0) return std::nullopt;
  // Beyond a limit nothing decides, and a compressed file has no places.
  if (options.limit == UINT64_MAX && options.compression == Compression::kNone) guess_from_places(options, *sample);
  return sample;
}

std::optional<Sample> look_at_head(const Options& options) {
  if (!options_are_plain(options) || has_pattern(options.file.native())) return std::nullopt;
  return take_sample(options, 1, kHeadReadBytes);
}

ScanPlan scan_plan(const Options& options, const Sample& sample, const std::string& path, Kind unknown,
                   bool reads_dates) {
  ScanPlan plan;
  plan.files = {{path, sample.lines_before_data}};
  plan.delimiter = options.delimiter;
  plan.fields = sample.layout.fields;
  plan.numbers = options.numbers;
  plan.nulls = options.nulls;
  for (size_t i = 0; i < sample.layout.columns.size(); ++i) {
    const Column& column = sample.layout.columns[i];
    ScanColumn scanned;
    scanned.name = column.name;
    scanned.field = column.field;
    scanned.is_timestamp = column.is_date && reads_dates;
    if (!column.is_date) {
      const Kind guess = sample.guesses[i].kind();
      scanned.tracker = sample.trackers[i];
      scanned.is_guess = guess != sample.trackers[i].kind() || sample.trackers[i].overflowed();
      scanned.kind = guess == Kind::kUnknown ? unknown : guess;
    }
    plan.columns.push_back(std::move(scanned));
  }
  return plan;
}

}  // namespace osiris::worker::csv

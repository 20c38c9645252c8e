#include "worker/drivers/filesystem.csv_extractor/direct_load.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "worker/driver_api/sql.h"
#include "worker/drivers/filesystem.csv_extractor/quote_check.h"
#include "worker/drivers/filesystem.csv_extractor/record_reader.h"
#include "worker/drivers/filesystem.csv_extractor/text_scan.h"
#include "worker/drivers/filesystem.csv_extractor/tokenizer.h"

namespace osiris::worker::csv {
namespace {

constexpr size_t kSampleRows = 2000;
// Places all over the file where some records are looked at beside, how much there, and how much of the whole at most.
constexpr size_t kPlacesMax = 24;
constexpr size_t kPlaceBytes = size_t{1} << 15;
constexpr size_t kPlacesShare = 32;
// A limit this small ends inside the first buffers, where the careful reader is as quick and stops exactly.
constexpr uint64_t kLimitMin = 100000;

// What the first records of the file say about the rest.
struct Sample {
  Layout layout;
  uint64_t lines_before_data = 0;
  uint64_t rows = 0;  // records of data looked at
  bool crlf = false;
  std::vector<KindTracker> trackers;  // of those
  std::vector<KindTracker> guesses;   // of those and of more, from places all over the file
};

bool options_are_plain(const Options& options) {
  return options.compression == Compression::kNone && options.encoding == Encoding::kUtf8 && options.comment == '\0' &&
         options.skip_blank_lines && options.on_bad_lines == OnBadLines::kError && options.limit >= kLimitMin &&
         options.dtypes.empty() && options.quote == '"' && options.escape == '\0' &&
         options.nulls.contains("");  // DuckDB's reader has its own idea of an empty field that is no NULL
}

// Reads the head of the file with our tokenizer. nullopt when it has anything DuckDB might see differently: a short or
// long record, blank lines or quoted line ends around the header, a single column (a blank line could be a row), an
// error.
std::optional<Sample> take_sample(const Options& options) {
  auto reader = RecordReader::open(options);
  if (!reader.ok()) return std::nullopt;
  Sample sample;
  RecordBatch batch;
  uint64_t line = options.skip_rows;  // lines seen when every record takes one
  bool has_layout = false;
  while (sample.rows < kSampleRows) {
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
        sample.lines_before_data = options.header_row ? line : options.skip_rows;
        has_layout = true;
        if (options.header_row) continue;
      }
      if (sample.rows == 0 && record.line != sample.lines_before_data + 1) return std::nullopt;
      if (record.fields != sample.layout.fields) return std::nullopt;
      ++sample.rows;
      for (size_t i = 0; i < sample.trackers.size(); ++i) {
        const std::string_view field = batch.field(record, sample.layout.columns[i].field);
        if (!options.nulls.contains(field)) sample.trackers[i].observe(field);
      }
    }
  }
  sample.guesses = sample.trackers;
  return sample.rows > 0 ? std::optional(std::move(sample)) : std::nullopt;
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
  for (const RecordBatch::Record& record : records) {
    for (size_t i = 0; i < sample.guesses.size(); ++i) {
      const std::string_view field = batch.field(record, sample.layout.columns[i].field);
      if (!options.nulls.contains(field)) sample.guesses[i].observe(field);
    }
  }
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

// Whether the first line end of the file is CRLF; DuckDB wants to be told.
bool first_line_ends_in_crlf(const Options& options) {
  auto bytes = open_bytes(options.file, Compression::kNone);
  std::string head(size_t{1} << 16, '\0');
  if (!bytes.ok()) return false;
  const auto size = (*bytes)->read(head.data(), head.size());
  if (!size.ok()) return false;
  const size_t end = head.find('\n');
  return end != std::string::npos && end > 0 && head[end - 1] == '\r';
}

// A path that DuckDB's glob would read as a pattern.
bool has_pattern(const std::string& path) { return path.find_first_of("*?[]{}") != std::string::npos; }

// Rows and bytes as the step reports them, some rows apart.
class Report {
 public:
  Report(StepContext& step, const Options& options) : step_(step), options_(options) {
    std::error_code code;
    const uint64_t size = std::filesystem::file_size(options.file, code);
    if (!code && options.limit == UINT64_MAX) file_bytes_ = size;
  }

  // [any thread] False when the scan should stop.
  bool rows(uint64_t total) {
    if (total < next_) return true;
    const std::lock_guard lock(mutex_);
    if (total >= next_) {
      next_ = total - total % options_.chunk_size + options_.chunk_size;
      const uint64_t shown = std::min(total, options_.limit);
      if (shown > reported_) step_.progress(reported_ = shown);
      report_bytes();
    }
    return !step_.is_cancelled();
  }
  void all(uint64_t rows) {
    step_.progress(rows);
    if (file_bytes_) step_.progress_bytes(file_bytes_, file_bytes_);
  }

 private:
  // The engine reads the file ahead of the rows, and knows how far it is.
  void report_bytes() {
    const double percent = file_bytes_ ? duckdb_query_progress(step_.connection_handle()).percentage : -1;
    if (percent >= 0)
      step_.progress_bytes(static_cast<uint64_t>(percent / 100 * static_cast<double>(file_bytes_)), file_bytes_);
  }

  StepContext& step_;
  const Options& options_;
  uint64_t file_bytes_ = 0;  // 0: unknown
  std::atomic<uint64_t> next_{0};
  std::mutex mutex_;
  uint64_t reported_ = 0;  // guarded by mutex_
};

class DirectLoad {
 public:
  DirectLoad(StepContext& step, const Options& options, Sample sample)
      : step_(step), options_(options), sample_(std::move(sample)) {}

  Result<std::optional<Loaded>> run() {
    // Beside the load, and done before it.
    std::future<Result<bool>> quotes = std::async(std::launch::async, [this] {
      return quotes_are_plain(options_, sample_.lines_before_data, [this] { return done_ || step_.is_cancelled(); });
    });
    auto loaded = load();
    if (!loaded.ok() || !*loaded) {
      done_ = true;
      return loaded;
    }
    OSIRIS_ASSIGN(const bool plain, quotes.get());
    if (step_.is_cancelled()) return Error(Code::kCancelled, "the step was cancelled");
    if (!plain) return give_up();
    return std::optional(Loaded{(*loaded)->rows, std::move(sample_.layout)});
  }

 private:
  // At most twice: where the sample was wrong about a type, the first pass has seen all values and the second is right.
  Result<std::optional<Loaded>> load() {
    for (const bool is_last : {false, true}) {
      const auto state = std::make_shared<ScanState>(
          scan_plan(), has_limit() || is_last ? ScanState::OnUnfit::kStop : ScanState::OnUnfit::kWatch);
      Report report(step_, options_);
      state->report = [&report](uint64_t rows) { return report.rows(rows); };
      OSIRIS_ASSIGN(const std::string scan, define_scan(step_.connection_handle(), state));
      auto result = sql::run_query(step_.connection_handle(),
                                   "CREATE TABLE " + step_.output_table().quoted() + " AS SELECT * FROM " + scan +
                                       (has_limit() ? " LIMIT " + std::to_string(options_.limit) : ""));
      state->report = nullptr;
      if (step_.is_cancelled()) return Error(Code::kCancelled, "the step was cancelled");
      if (!result.ok()) {
        if (result.error().code == Code::kExhausted) return result.error();
        return std::optional<Loaded>();
      }
      if (learn_kinds(*state)) {
        OSIRIS_TRY(give_up());
        continue;
      }
      const auto rows = static_cast<uint64_t>(result->integer());
      if (rows < std::min(sample_.rows, options_.limit)) return give_up();  // it saw other records than we did
      OSIRIS_TRY(settle_empty_columns(*state));
      report.all(rows);
      return std::optional(Loaded{rows, {}});
    }
    return std::optional<Loaded>();
  }

  bool has_limit() const { return options_.limit != UINT64_MAX; }

  ScanPlan scan_plan() const {
    ScanPlan plan;
    plan.file = options_.file.native();
    plan.delimiter = options_.delimiter;
    plan.crlf = sample_.crlf;
    plan.skip_lines = sample_.lines_before_data;
    plan.fields = sample_.layout.fields;
    plan.numbers = options_.numbers;
    plan.nulls = options_.nulls;
    for (size_t i = 0; i < sample_.layout.columns.size(); ++i) {
      const Column& column = sample_.layout.columns[i];
      ScanColumn scanned;
      scanned.name = column.name;
      scanned.field = column.field;
      if (!column.is_date) {
        scanned.tracker = sample_.trackers[i];
        const Kind guess = sample_.guesses[i].kind();
        scanned.is_guess = guess != sample_.trackers[i].kind() || sample_.trackers[i].overflowed();
        scanned.kind = guess == Kind::kUnknown ? Kind::kInteger : guess;  // on trial
      }
      plan.columns.push_back(std::move(scanned));
    }
    return plan;
  }

  // Whether the scan has shown that a type was wrong; then the types of the next scan are right.
  bool learn_kinds(const ScanState& state) {
    bool wrong = state.is_unfit();
    const auto& columns = state.plan().columns;
    for (size_t i = 0; i < columns.size(); ++i)
      wrong |= columns[i].is_guess && state.tracker(i).kind() != columns[i].kind;
    if (!wrong) return false;
    for (size_t i = 0; i < columns.size(); ++i) {
      // Without a value that did not fit, only the guesses were watched.
      if (state.is_unfit() || columns[i].is_guess) sample_.trackers[i].merge(state.tracker(i));
      sample_.guesses[i] = sample_.trackers[i];
    }
    return true;
  }

  // DuckDB's result is not to be trusted: nothing of it stays.
  Result<std::optional<Loaded>> give_up() {
    OSIRIS_TRY(sql::execute(step_.connection_handle(), "DROP TABLE " + step_.output_table().quoted()));
    return std::optional<Loaded>();
  }

  // A column without a single value was read as integers on trial; it is a number column, as in pandas.
  Status settle_empty_columns(const ScanState& state) {
    for (size_t i = 0; i < sample_.layout.columns.size(); ++i) {
      const Column& column = sample_.layout.columns[i];
      if (column.is_date || sample_.guesses[i].kind() != Kind::kUnknown || state.has_values(i)) continue;
      OSIRIS_TRY(sql::execute(step_.connection_handle(), "ALTER TABLE " + step_.output_table().quoted() +
                                                             " ALTER COLUMN " + sql::quote_identifier(column.name) +
                                                             " TYPE DOUBLE"));
    }
    return {};
  }

  StepContext& step_;
  const Options& options_;
  Sample sample_;
  std::atomic<bool> done_{false};
};

}  // namespace

Result<std::optional<Loaded>> load_directly(StepContext& step, const Options& options) {
  if (!options_are_plain(options) || has_pattern(options.file.native())) return std::optional<Loaded>();
  auto sample = take_sample(options);
  if (!sample) return std::optional<Loaded>();
  sample->crlf = first_line_ends_in_crlf(options);
  // Beyond a limit nothing decides.
  if (options.limit == UINT64_MAX) guess_from_places(options, *sample);
  return DirectLoad(step, options, *std::move(sample)).run();
}

}  // namespace osiris::worker::csv

#include "worker/drivers/filesystem.csv_extractor/direct_load.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <string>
#include <vector>

#include "worker/driver_api/sql.h"
#include "worker/drivers/filesystem.csv_extractor/conversion.h"
#include "worker/drivers/filesystem.csv_extractor/quote_check.h"
#include "worker/drivers/filesystem.csv_extractor/record_reader.h"

namespace osiris::worker::csv {
namespace {

constexpr size_t kSampleRows = 2000;
// A quarter of DuckDB's default: each thread holds a few, and they are not counted in its memory limit. Not slower,
// measured.
constexpr size_t kBufferBytes = size_t{8} << 20;
// A limit this small ends inside the first buffers, where the careful reader is as quick and stops exactly.
constexpr uint64_t kLimitMin = 100000;

// What the first records of the file say about the rest.
struct Sample {
  Layout layout;
  uint64_t lines_before_data = 0;
  uint64_t rows = 0;  // records of data looked at
  bool crlf = false;
  std::vector<KindTracker> trackers;
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
        if (sample.trackers[i].overflowed()) return std::nullopt;
      }
    }
  }
  return sample.rows > 0 ? std::optional(std::move(sample)) : std::nullopt;
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

// strict_mode is left at its default, which is true: DuckDB 1.4.4 finds no rows at all in some CRLF files when it is
// spelt out.
std::string reader_call(const Options& options, const Sample& sample) {
  std::string columns, nulls;
  for (size_t i = 0; i < sample.layout.fields; ++i) columns += (i ? ", 'c" : "'c") + std::to_string(i) + "': 'VARCHAR'";
  for (const std::string& word : options.nulls.list()) nulls += (nulls.empty() ? "" : ", ") + sql::quote_literal(word);
  return "read_csv(" + sql::quote_literal(options.file.native()) +
         ", auto_detect = false, header = false, skip = " + std::to_string(sample.lines_before_data) +
         ", delim = " + sql::quote_literal(std::string(1, options.delimiter)) +
         ", quote = '\"', escape = '\"', new_line = " + (sample.crlf ? "'\\r\\n'" : "'\\n'") + ", columns = {" +
         columns + "}, nullstr = [" + nulls + "], compression = 'none', buffer_size = " + std::to_string(kBufferBytes) +
         ")";
}

// A path that DuckDB's glob would read as a pattern.
bool has_pattern(const std::string& path) { return path.find_first_of("*?[]{}") != std::string::npos; }

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
  Result<std::optional<Loaded>> load() {
    for (;;) {
      Conversion conversion(step_, options_.numbers, sample_.layout.columns.size(), options_.chunk_size,
                            options_.limit);
      std::error_code code;
      const uint64_t file_bytes = std::filesystem::file_size(options_.file, code);
      if (!code && options_.limit == UINT64_MAX) conversion.reads(file_bytes);
      OSIRIS_ASSIGN(const std::string text, statement(conversion));
      auto result = sql::run_query(step_.connection_handle(), text);
      if (step_.is_cancelled()) return Error(Code::kCancelled, "the step was cancelled");
      if (result.ok()) {
        const uint64_t rows = static_cast<uint64_t>(result->integer());
        if (rows < std::min(sample_.rows, options_.limit)) return give_up();  // it saw other records than we did
        OSIRIS_TRY(settle_empty_columns(conversion));
        step_.progress(rows);
        if (!code && options_.limit == UINT64_MAX) step_.progress_bytes(file_bytes, file_bytes);
        return std::optional(Loaded{rows, {}});
      }
      if (result.error().code == Code::kExhausted) return result.error();
      const auto failed = conversion.failed();
      // With a limit the value may be beyond it, and must not widen the column.
      if (!failed || options_.limit != UINT64_MAX) return std::optional<Loaded>();
      KindTracker& tracker = sample_.trackers[failed->column];
      tracker.observe(failed->value);
      // Only the whole column tells what these are, and the tracker has not seen it.
      if (tracker.overflowed()) return std::optional<Loaded>();
    }
  }

  Kind kind(size_t column) const {
    return sample_.layout.columns[column].is_date ? Kind::kText : sample_.trackers[column].kind();
  }

  Result<std::string> statement(Conversion& conversion) {
    std::string select;
    for (size_t i = 0; i < sample_.layout.columns.size(); ++i) {
      const Column& column = sample_.layout.columns[i];
      OSIRIS_ASSIGN(const std::string value, conversion.expression(i, kind(i), "c" + std::to_string(column.field)));
      select += (i ? ", " : "") + value + " AS " + sql::quote_identifier(column.name);
    }
    OSIRIS_ASSIGN(const std::string counted, conversion.counting_predicate("c0"));
    return "CREATE TABLE " + step_.output_table().quoted() + " AS SELECT " + select + " FROM " +
           reader_call(options_, sample_) + (counted == "true" ? "" : " WHERE " + counted) +
           (options_.limit == UINT64_MAX ? "" : " LIMIT " + std::to_string(options_.limit));
  }

  // DuckDB's result is not to be trusted: nothing of it stays.
  Result<std::optional<Loaded>> give_up() {
    OSIRIS_TRY(sql::execute(step_.connection_handle(), "DROP TABLE " + step_.output_table().quoted()));
    return std::optional<Loaded>();
  }

  // A column without a single value was read as integers on trial; it is a number column, as in pandas.
  Status settle_empty_columns(const Conversion& conversion) {
    for (size_t i = 0; i < sample_.layout.columns.size(); ++i) {
      if (kind(i) != Kind::kUnknown || conversion.seen(i)) continue;
      OSIRIS_TRY(sql::execute(step_.connection_handle(),
                              "ALTER TABLE " + step_.output_table().quoted() + " ALTER COLUMN " +
                                  sql::quote_identifier(sample_.layout.columns[i].name) + " TYPE DOUBLE"));
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
  return DirectLoad(step, options, *std::move(sample)).run();
}

}  // namespace osiris::worker::csv

#include "worker/drivers/filesystem.csv_extractor/staged_load.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "protocol/base/categories.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/filesystem.csv_extractor/conversion.h"
#include "worker/drivers/filesystem.csv_extractor/record_reader.h"
#include "worker/drivers/filesystem.csv_extractor/settled_types.h"
#include "worker/drivers/filesystem.csv_extractor/staging_table.h"

namespace osiris::worker::csv {
namespace {

// A file of a million bad lines shall not write a million events.
constexpr uint64_t kBadLinesShownMax = 20;

const char* sql_type(Kind kind) {
  switch (kind) {
    case Kind::kBoolean:
      return "BOOLEAN";
    case Kind::kInteger:
      return "BIGINT";
    case Kind::kUnsigned:
      return "UBIGINT";
    case Kind::kDouble:
      return "DOUBLE";
    default:
      return "VARCHAR";
  }
}

class StagedLoad {
 public:
  StagedLoad(StepContext& step, const Options& options) : step_(step), options_(options) {}

  Result<Loaded> run() {
    OSIRIS_TRY(read());
    return finish();
  }

  Result<Loaded> finish() {
    if (!table_) OSIRIS_TRY(begin_empty());
    OSIRIS_TRY(table_->finish());
    if (bad_lines_ > 0) {
      step_.log("skipped " + std::to_string(bad_lines_) + " lines with too many fields");
      step_.metric("rows_skipped", static_cast<double>(bad_lines_), "rows");
    }
    OSIRIS_TRY(make_output());
    if (rows_ % options_.chunk_size != 0) step_.progress(rows_);
    step_.progress_bytes(file_bytes_ ? file_bytes_ : bytes_read_, file_bytes_);
    return Loaded{rows_, std::move(layout_)};
  }

 private:
  Status read() {
    OSIRIS_ASSIGN(RecordReader reader, RecordReader::open(options_));
    std::error_code unknown;
    const uint64_t size = std::filesystem::file_size(options_.file, unknown);
    if (!unknown && options_.limit == UINT64_MAX) file_bytes_ = size;
    RecordBatch batch;
    for (bool more = true; more && rows_ < options_.limit;) {
      OSIRIS_ASSIGN(more, reader.next(batch));
      bytes_read_ = reader.file_bytes_read();
      for (const RecordBatch::Record& record : batch.records()) {
        if (rows_ == options_.limit) break;
        OSIRIS_TRY(take(batch, record));
      }
      if (step_.is_cancelled()) return step_cancelled();
    }
    if (!reader.doubt().empty()) step_.log("encoding: " + reader.doubt());
    return {};
  }

  void report() {
    step_.progress(rows_);
    step_.progress_bytes(bytes_read_, file_bytes_);
  }

  Status take(const RecordBatch& batch, const RecordBatch::Record& record) {
    if (is_behind_header_) return add_row(batch, record);
    if (!options_.header_row) {
      std::vector<std::string> numbers(record.fields);
      for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = std::to_string(i);
      OSIRIS_TRY(begin(std::move(numbers)));
      return add_row(batch, record);
    }
    if (records_before_header_++ < *options_.header_row) return {};
    std::vector<std::string> names(record.fields);
    for (size_t i = 0; i < names.size(); ++i) names[i] = batch.field(record, i);
    return begin(std::move(names));
  }

  // The file ended before a header. An empty file is an empty relation; it has the columns that the step names, or a
  // single one, because a relation without columns cannot exist.
  Status begin_empty() {
    if (records_before_header_ > 0)
      return Error(Code::kStepFailed,
                   "CSV parsing failed: 'header' names row " + std::to_string(*options_.header_row) +
                       ", but the file has only " + std::to_string(records_before_header_) + " rows",
                   "rows are counted from 0, without blank lines and comments", category::kExtractSchemaMismatch);
    std::vector<std::string> names = options_.columns.value_or(std::vector<std::string>());
    const auto add = [&](const std::string& name) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    };
    for (const auto& [name, type] : options_.dtypes) add(name);
    for (const std::string& name : options_.date_columns) add(name);
    if (names.empty()) names.emplace_back();
    return begin(std::move(names));
  }

  Status begin(std::vector<std::string> header) {
    is_behind_header_ = true;
    OSIRIS_ASSIGN(layout_, make_layout(options_, std::move(header)));
    trackers_.resize(layout_.columns.size(), KindTracker(options_.numbers));
    for (size_t i = 0; i < trackers_.size(); ++i)
      if (const SettledColumn* settled = options_.settled_column(layout_.columns[i].name))
        trackers_[i].merge(settled->values);
    table_ = std::make_unique<StagingTable>(step_.connection_handle(), layout_.columns.size());
    return table_->create();
  }

  Status add_row(const RecordBatch& batch, const RecordBatch::Record& record) {
    if (record.fields > layout_.fields) {
      // One empty field too many is a delimiter at the end of the line; nothing is lost by letting it go.
      const bool trailing =
          record.fields == layout_.fields + 1 &&
          (batch.field(record, layout_.fields).empty() || options_.nulls.contains(batch.field(record, layout_.fields)));
      if (!trailing) return bad_line(record);
    }
    for (size_t i = 0; i < layout_.columns.size(); ++i) {
      const Column& column = layout_.columns[i];
      const bool is_there = column.field < record.fields;
      const std::string_view field = is_there ? batch.field(record, column.field) : std::string_view();
      if (!is_there || options_.nulls.contains(field)) {
        table_->set_null(i);
        continue;
      }
      if (column.forced) OSIRIS_TRY(check_forced(column, field, record.line));
      if (!column.forced && !column.is_date) trackers_[i].observe(field);
      table_->set(i, field);
    }
    OSIRIS_TRY(table_->end_row());
    if (++rows_ % options_.chunk_size == 0) {
      report();
      if (step_.is_cancelled()) return step_cancelled();
    }
    return {};
  }

  Status check_forced(const Column& column, std::string_view field, uint64_t line) const {
    const std::string why = why_unfit(*column.forced, field, options_.numbers);
    if (why.empty()) return {};
    return Error(Code::kStepFailed,
                 "CSV parsing failed: line " + std::to_string(line) + ", column '" + column.name + "': '" +
                     std::string(field.substr(0, 100)) + "' " + why,
                 "change the column's `dtype`, or add the word to `na_values`", category::kExtractSchemaMismatch);
  }

  Status bad_line(const RecordBatch::Record& record) {
    const std::string what = "Expected " + std::to_string(layout_.fields) + " fields in line " +
                             std::to_string(record.line) + ", saw " + std::to_string(record.fields);
    if (options_.on_bad_lines == OnBadLines::kError)
      return Error(Code::kStepFailed, "CSV parsing failed: " + what,
                   "correct the line, check `delimiter`, or set on_bad_lines to warn or skip",
                   category::kExtractSchemaMismatch);
    if (options_.on_bad_lines == OnBadLines::kWarn && bad_lines_ < kBadLinesShownMax) {
      step_.log("skipping line: " + what);
      step_.event("csv_bad_line", Json::object({{"line", record.line},
                                                {"expected", uint64_t{layout_.fields}},
                                                {"found", uint64_t{record.fields}}}));
    }
    ++bad_lines_;
    return {};
  }

  Status make_output() {
    if (rows_ == 0) return make_empty_output();
    Conversion conversion(step_, options_.numbers);
    std::string select;
    for (size_t i = 0; i < layout_.columns.size(); ++i) {
      if (!layout_.columns[i].forced && !layout_.columns[i].is_date)
        OSIRIS_TRY(check_settled(options_, layout_.columns[i].name, trackers_[i]));
      OSIRIS_ASSIGN(const std::string value, value_expression(conversion, i));
      select += (i ? ", " : "") + value + " AS " + sql::quote_identifier(layout_.columns[i].name);
    }
    const Status made =
        sql::execute(step_.connection_handle(), "CREATE TABLE " + step_.output_table().quoted() + " AS SELECT " +
                                                    select + " FROM temp.main." + StagingTable::kName);
    if (made.ok()) return {};
    if (step_.is_cancelled()) return step_cancelled();
    return made.error().within("CSV parsing failed");
  }

  Result<std::string> value_expression(Conversion& conversion, size_t i) const {
    const Column& column = layout_.columns[i];
    const std::string source = "c" + std::to_string(i);
    if (column.is_date) return source;  // text until all rows are looked at
    const Kind kind = column.forced ? column.forced->kind : trackers_[i].kind();
    if (kind == Kind::kUnknown) return std::string("CAST(NULL AS DOUBLE)");  // only NULLs: as in pandas
    OSIRIS_ASSIGN(const std::string value, conversion.expression(i, kind, source));
    if (!column.forced || column.forced->sql_type == sql_type(kind)) return value;
    return "CAST(" + value + " AS " + column.forced->sql_type + ")";
  }

  // A column without a row could be of any type, and is: one of "NULL" goes with numbers, text and dates alike, as an
  // empty frame of pandas does. A day without rows runs through the SQL that was written for the other days.
  Status make_empty_output() {
    std::string columns;
    for (const Column& column : layout_.columns) {
      const std::string type = column.is_date ? "VARCHAR" : column.forced ? column.forced->sql_type : "\"NULL\"";
      columns += (columns.empty() ? "" : ", ") + sql::quote_identifier(column.name) + " " + type;
    }
    return sql::execute(step_.connection_handle(),
                        "CREATE TABLE " + step_.output_table().quoted() + " (" + columns + ")");
  }

  StepContext& step_;
  const Options& options_;
  Layout layout_;
  std::unique_ptr<StagingTable> table_;
  std::vector<KindTracker> trackers_;
  bool is_behind_header_ = false;
  uint64_t records_before_header_ = 0;
  uint64_t rows_ = 0;
  uint64_t bytes_read_ = 0,
           file_bytes_ = 0;  // of the file, compressed where it is; 0: unknown, because a limit ends it early
  uint64_t bad_lines_ = 0;
};

}  // namespace

Result<Loaded> load_staged(StepContext& step, const Options& options) { return StagedLoad(step, options).run(); }

Result<Loaded> load_nothing(StepContext& step, const Options& options) { return StagedLoad(step, options).finish(); }

}  // namespace osiris::worker::csv

#include "worker/drivers/filesystem.json_extractor/driver.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "worker/driver_api/settled_rows.h"
#include "worker/drivers/files/places.h"
#include "worker/drivers/filesystem.json_extractor/columns.h"
#include "worker/drivers/filesystem.json_extractor/line_reader.h"
#include "worker/drivers/filesystem.json_extractor/options.h"
#include "worker/drivers/filesystem.json_extractor/record.h"
#include "worker/drivers/filesystem.json_extractor/record_lines.h"
#include "worker/drivers/filesystem.json_extractor/record_source.h"
#include "worker/drivers/filesystem.json_extractor/relation.h"
#include "worker/drivers/remote/inputs.h"

namespace osiris::worker {
namespace {

using json_in::Options;

constexpr uint64_t kRecordsPerReport = 10'000;

// Puts `members` behind the record's own.
void add_members(std::string& record, const std::string& members) {
  const size_t end = members.empty() ? std::string::npos : record.rfind('}');
  if (end == std::string::npos) return;
  const size_t before = record.find_last_not_of(" \t\r\n", end == 0 ? 0 : end - 1);
  record.insert(end, (before != std::string::npos && record[before] == '{' ? "" : ",") + members);
}

// The records, in lines of a file of ours.
class JsonRead : public SettledRows {
 public:
  JsonRead(StepContext& step, Options options) : step_(step), options_(std::move(options)) {}
  ~JsonRead() override {
    std::error_code ignored;
    for (const auto& file : scratch_) std::filesystem::remove(file, ignored);
  }

  // What all records of all files are together. A file that cannot be read is its own shard's failure.
  Result<Settled> look() {
    for (const json_in::SourceFile& file : options_.files) {
      const Status read = read_file(file, nullptr);
      if (!read.ok() && read.error().code == Code::kCancelled) return read.error();
    }
    OSIRIS_ASSIGN(columns_, json_in::found_columns(record_, [this](const std::string& line) { step_.log(line); }));
    return Settled{columns_.empty() ? Json() : json_in::to_json(columns_), nullptr};
  }

  // Reads all records and settles their columns.
  Result<StepOutcome> read() {
    columns_ = json_in::declared_columns(options_);
    if (columns_.empty() && step_.shard()) columns_ = json_in::columns_from_json(step_.shard()->settled);
    json_in::RecordLines first(scratch_file("records.ndjson"), json_in::forms_of(columns_), !options_.columns.empty());
    OSIRIS_TRY(first.open());
    for (const json_in::SourceFile& file : options_.files) OSIRIS_TRY(read_file(file, &first));
    OSIRIS_TRY(first.close());
    lines_.file = first.path();
    lines_.longest_bytes = first.longest();
    if (columns_.empty()) {
      OSIRIS_ASSIGN(columns_, json_in::found_columns(record_, [this](const std::string& line) { step_.log(line); }));
      if (const json_in::Forms forms = json_in::forms_of(columns_); !forms.empty()) OSIRIS_TRY(rewrite(forms));
    }
    if (step_.is_cancelled()) return step_cancelled();
    OSIRIS_ASSIGN(lines_.reader, json_in::define_line_reader(step_.connection_handle()));
    step_.progress(lines_.records);
    return StepOutcome{.rows_read = lines_.records, .rows_written = 0};
  }

  Status create(StepContext& step) override { return json_in::create_relation(step, lines_, columns_); }
  Result<std::optional<Select>> select(StepContext& step) override {
    if (lines_.records == 0 || columns_.empty()) return std::optional<Select>();
    // A statement that does not read a column would not look at its values.
    OSIRIS_TRY(json_in::check_declared(step, lines_, columns_));
    return std::optional<Select>(
        {.sql = json_in::select_of(lines_, columns_), .functions = {lines_.reader}, .files = {lines_.file}});
  }

 private:
  std::filesystem::path scratch_file(const char* name) {
    scratch_.push_back(step_.scratch_dir() / name);
    return scratch_.back();
  }

  // `lines`: where the records go; null: they are only looked at.
  Status read_file(const json_in::SourceFile& file, json_in::RecordLines* lines) {
    if (lines_.records >= options_.limit) return {};
    lines_.first_records.emplace_back(file.place.path, lines_.records);
    OSIRIS_ASSIGN(json_in::RecordSource source, json_in::RecordSource::open(file));
    std::error_code ignored;
    const uint64_t size = std::filesystem::file_size(file.place.absolute, ignored);
    std::string record;
    while (lines_.records < options_.limit) {
      OSIRIS_ASSIGN(const bool more, source.next(record));
      if (!more) break;
      add_members(record, file.members);
      if (!reader_.read(record, record_)) {
        const auto line = static_cast<uint64_t>(
            std::count(record.begin(), record.begin() + static_cast<ptrdiff_t>(reader_.at()), '\n'));
        return source.wrong(source.line() + line, reader_.what(),
                            file.members.empty() || !reader_.what().ends_with("stands twice in one object")
                                ? ""
                                : "hive_partitioning: false leaves out the keys that the file's directories have");
      }
      if (lines) OSIRIS_TRY(lines->add(record, reader_.members()));
      if (++lines_.records % kRecordsPerReport != 0) continue;
      step_.progress(lines_.records);
      step_.progress_bytes(source.file_bytes_read(), ignored ? 0 : size);
      if (step_.is_cancelled()) return step_cancelled();
    }
    return {};
  }

  // Now that it is known which keys have to be kept as text.
  Status rewrite(const json_in::Forms& forms) {
    json_in::RecordLines second(scratch_file("kept.ndjson"), forms, false);
    OSIRIS_TRY(second.open());
    std::ifstream in(lines_.file, std::ios::binary);
    json_in::Shape ignored;
    uint64_t records = 0;
    for (std::string record; std::getline(in, record);) {
      if (!reader_.read(record, ignored)) break;
      OSIRIS_TRY(second.add(record, reader_.members()));
      if (++records % kRecordsPerReport == 0 && step_.is_cancelled()) return step_cancelled();
    }
    if (records != lines_.records)
      return Error(Code::kUnavailable, "cannot read " + lines_.file + " again", "is the disk full?");
    OSIRIS_TRY(second.close());
    lines_.file = second.path();
    lines_.longest_bytes = second.longest();
    return {};
  }

  StepContext& step_;
  const Options options_;
  json_in::RecordReader reader_;
  json_in::Shape record_;
  json_in::Lines lines_;
  std::vector<json_in::Column> columns_;
  std::vector<std::filesystem::path> scratch_;
};

Result<StepOutcome> extract_with(StepContext& step, Options options) {
  JsonRead records(step, std::move(options));
  auto outcome = records.read();
  const Status created = outcome.ok() ? records.create(step) : Status(outcome.error());
  if (created.ok()) return outcome;
  return step.is_cancelled() ? step_cancelled() : created.error();
}

Result<StepOutcome> extract(StepContext& step) {
  if (step.is_cancelled()) return step_cancelled();
  OSIRIS_ASSIGN(Options options, json_in::read_options(step));
  return extract_with(step, std::move(options));
}

Result<std::unique_ptr<StreamedOutput>> open(StepContext& step) {
  OSIRIS_ASSIGN(Options options, json_in::read_options(step));
  step.settles();
  auto records = std::make_unique<JsonRead>(step, std::move(options));
  OSIRIS_ASSIGN(const StepOutcome outcome, records->read());
  return stream_of(step, std::move(records), outcome);
}

Result<Settled> settle(StepContext& step, const Json&, bool) {
  auto options = json_in::read_options(step);
  if (!options.ok() || !options->columns.empty()) return Settled();
  return JsonRead(step, *std::move(options)).look();
}

Status describe(StepContext& step) {
  OSIRIS_TRY(remote::stays_here(step));
  OSIRIS_ASSIGN(Options options, json_in::read_options(step));
  options.limit = std::min(options.limit, kSampleRows);
  const auto sampled = extract_with(step, std::move(options));
  return sampled.ok() ? Status() : Status(sampled.error());
}

// Of `columns`.
Status declare(StepContext& step) {
  std::string columns;
  OSIRIS_ASSIGN(const auto types, json_in::declared_types(step));
  for (const auto& [name, type] : types)
    columns += (columns.empty() ? "" : ", ") + sql::quote_identifier(name) + " " + type;
  return sql::execute(step.connection_handle(), "CREATE TABLE " + step.output_table().quoted() + " (" + columns + ")");
}

// Without a path (a check of the connection alone) the base directory must be there.
Status check(StepContext& step) {
  if (step.config()["path"].as_string().empty()) return files::check_base_dir(step);
  const auto options = json_in::read_options(step);
  return options.ok() ? Status() : Status(options.error());
}

}  // namespace

const Driver& filesystem_json_extractor() {
  static constexpr Driver driver{.name = "filesystem.json_extractor",
                                 .run = extract,
                                 .check = check,
                                 .describe = describe,
                                 .open = open,
                                 .declare = declare,
                                 .settle = settle};
  return driver;
}

}  // namespace osiris::worker

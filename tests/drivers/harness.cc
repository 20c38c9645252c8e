#include "tests/drivers/harness.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace osiris::worker::test {
namespace {

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "test harness: %s\n", why.c_str());
  std::abort();
}

// The rows of a statement as text; aborts when it fails.
std::string run_sql(duckdb_connection connection, const std::string& text) {
  duckdb_result result;
  if (duckdb_query(connection, text.c_str(), &result) == DuckDBError) {
    const std::string why = duckdb_result_error(&result);
    duckdb_destroy_result(&result);
    give_up(text + ": " + why);
  }
  std::string rows;
  const idx_t columns = duckdb_column_count(&result);
  for (idx_t row = 0; row < duckdb_row_count(&result); ++row) {
    for (idx_t column = 0; column < columns; ++column) {
      if (column != 0) rows += '|';
      char* value = duckdb_value_is_null(&result, column, row) ? nullptr : duckdb_value_varchar(&result, column, row);
      rows += value ? value : "NULL";
      duckdb_free(value);
    }
    rows += '\n';
  }
  duckdb_destroy_result(&result);
  return rows;
}

}  // namespace

StepHarness::StepHarness(std::string step_id, std::vector<std::pair<std::string, std::string>> duckdb_settings)
    : step_id_(std::move(step_id)) {
  std::string pattern = std::filesystem::temp_directory_path() / "osiris-driver-XXXXXX";
  if (!mkdtemp(pattern.data())) give_up("cannot make " + pattern);
  root_ = pattern;
  work_dir_ = root_ / "work";
  artifacts_dir_ = root_ / "session/artifacts" / step_id_;
  scratch_dir_ = root_ / "session/.worker/scratch";
  for (const auto& directory : {work_dir_, artifacts_dir_, scratch_dir_})
    std::filesystem::create_directories(directory);

  duckdb_config config;
  duckdb_create_config(&config);
  duckdb_set_config(config, "threads", "2");
  duckdb_set_config(config, "temp_directory", (root_ / "session/.worker/spill").c_str());
  for (const auto& [name, value] : duckdb_settings)
    if (duckdb_set_config(config, name.c_str(), value.c_str()) == DuckDBError) give_up("no DuckDB setting " + name);
  char* error = nullptr;
  if (duckdb_open_ext(nullptr, &database_, config, &error) == DuckDBError) give_up(error);
  duckdb_destroy_config(&config);
  duckdb_connect(database_, &connection_handle_);
  duckdb_connect(database_, &test_connection_);
  for (const char* setting : {"SET enable_progress_bar_print = false", "SET enable_progress_bar = true"})
    run_sql(connection_handle_, setting);
  sql("ATTACH ':memory:' AS \"out 7f3a\"");
  output_table_ = {"out 7f3a", "main", "df_step"};
}

StepHarness::~StepHarness() {
  duckdb_disconnect(&connection_handle_);
  duckdb_disconnect(&test_connection_);
  duckdb_close(&database_);
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

void StepHarness::set_connection(std::string family, std::string alias, Json fields) {
  connection_ = {std::move(family), std::move(alias), std::move(fields), Json::object()};
  has_connection_ = true;
}

void StepHarness::sql(const std::string& text) { run_sql(test_connection_, text); }

void StepHarness::add_input(const std::string& from_step, const std::string& select) {
  const std::string database = "in " + from_step;
  sql("ATTACH ':memory:' AS \"" + database + "\"");
  sql("CREATE TABLE \"" + database + "\".main.t AS " + select);
  Input input;
  input.name = "df_" + from_step;
  for (char& c : input.name)
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  input.from_step = from_step;
  input.rows = std::stoull(query("SELECT count(*) FROM \"" + database + "\".main.t"));
  run_sql(connection_handle_, "CREATE TEMP VIEW \"" + input.name + "\" AS SELECT * FROM \"" + database + "\".main.t");
  inputs_.push_back(std::move(input));
}

std::filesystem::path StepHarness::write_file(std::string_view relative, std::string_view bytes) {
  const std::filesystem::path path = work_dir_ / relative;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) give_up("cannot write " + path.string());
  return path;
}

void StepHarness::cancel() {
  cancelled_ = true;
  duckdb_interrupt(connection_handle_);
}

std::string StepHarness::read_file(std::string_view relative) const {
  std::ifstream file(work_dir_ / relative, std::ios::binary);
  if (!file) return "<no file " + std::string(relative) + ">";
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

bool StepHarness::has_output_table() {
  return query("SELECT count(*) FROM duckdb_tables() WHERE database_name = 'out 7f3a' AND table_name = 'df_step'") ==
         "1\n";
}

std::string StepHarness::query(std::string text) {
  for (size_t at; (at = text.find("{out}")) != std::string::npos;) text.replace(at, 5, output_table_.quoted());
  return run_sql(test_connection_, text);
}

std::string StepHarness::output_columns() {
  const std::string columns = query(
      "SELECT coalesce(string_agg(column_name || ' ' || data_type, ', ' ORDER BY column_index), '') FROM "
      "duckdb_columns() "
      "WHERE database_name = 'out 7f3a' AND table_name = 'df_step'");
  return columns.substr(0, columns.size() - 1);
}

std::vector<std::string> StepHarness::files_in(std::string_view relative) const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(work_dir_ / relative))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<RecordedEvent> StepHarness::events() const {
  std::lock_guard lock(mutex_);
  return events_;
}
std::vector<RecordedMetric> StepHarness::metrics() const {
  std::lock_guard lock(mutex_);
  return metrics_;
}
std::vector<std::string> StepHarness::logs() const {
  std::lock_guard lock(mutex_);
  return logs_;
}
std::vector<RecordedOutput> StepHarness::outputs() const {
  std::lock_guard lock(mutex_);
  return outputs_;
}
std::vector<uint64_t> StepHarness::progress_reports() const {
  std::lock_guard lock(mutex_);
  return progress_;
}

std::vector<std::pair<uint64_t, uint64_t>> StepHarness::byte_reports() const {
  std::lock_guard lock(mutex_);
  return byte_reports_;
}

std::string StepHarness::everything_said() const {
  std::lock_guard lock(mutex_);
  std::string said;
  for (const auto& event : events_) said += event.name + event.fields.dump() + "\n";
  for (const auto& metric : metrics_) said += metric.name + metric.unit + "\n";
  for (const auto& line : logs_) said += line + "\n";
  for (const auto& output : outputs_) said += output.file.path + output.file.target.string() + "\n";
  return said;
}

PlannedPath StepHarness::input_file(std::string_view path) const {
  if (const auto planned = planned_.find(std::string(path)); planned != planned_.end()) return {planned->second, true};
  return {(work_dir_ / std::filesystem::path(path)).lexically_normal(), false};
}

std::vector<MatchedFile> StepHarness::matched_files(std::string_view pattern) const {
  std::vector<MatchedFile> files;
  for (const auto& [found_by, file] : matches_)
    if (found_by == pattern) files.push_back(file);
  return files;
}

duckdb_connection StepHarness::open_connection() {
  duckdb_connection connection = nullptr;
  duckdb_connect(database_, &connection);
  return connection;
}

Result<uint64_t> StepHarness::run_confined(std::string_view sql, const Json& values) {
  bound_values_ = values;
  if (is_cancelled()) return Error(Code::kCancelled, "the step was cancelled");
  duckdb_result result;
  const std::string text = "CREATE TABLE " + output_table_.quoted() + " AS " + std::string(sql);
  if (duckdb_query(connection_handle_, text.c_str(), &result) == DuckDBError) {
    const Error error(is_cancelled() ? Code::kCancelled : Code::kStepFailed, duckdb_result_error(&result));
    duckdb_destroy_result(&result);
    return error;
  }
  duckdb_destroy_result(&result);
  return static_cast<uint64_t>(std::stoull(query("SELECT count(*) FROM {out}")));
}

Status StepHarness::describe_confined(std::string_view sql, const Json& values) {
  bound_values_ = values;
  return sql::execute(connection_handle_,
                      "CREATE TABLE " + output_table_.quoted() + " AS FROM (" + std::string(sql) + ") LIMIT 0");
}

void StepHarness::progress_bytes(uint64_t done, uint64_t total) {
  std::lock_guard lock(mutex_);
  byte_reports_.emplace_back(done, total);
}

void StepHarness::progress(uint64_t rows) {
  {
    std::lock_guard lock(mutex_);
    progress_.push_back(rows);
  }
  if (on_progress_) on_progress_(rows);
  if (rows >= cancel_at_) cancel();
}

void StepHarness::event(std::string_view name, Json fields) {
  std::lock_guard lock(mutex_);
  events_.push_back({std::string(name), std::move(fields)});
}

void StepHarness::metric(std::string_view name, double value, std::string_view unit) {
  std::lock_guard lock(mutex_);
  metrics_.push_back({std::string(name), value, std::string(unit)});
}

void StepHarness::log(std::string_view text) {
  std::lock_guard lock(mutex_);
  logs_.emplace_back(text);
}

Status StepHarness::add_output(const OutputFile& file, uint64_t rows, std::optional<FileDigest> digest) {
  if (!std::filesystem::is_regular_file(file.target))
    return Error(Code::kNotFound, "declared output " + file.target.string() + " is not there");
  std::lock_guard lock(mutex_);
  outputs_.push_back({file, rows, std::move(digest)});
  return {};
}

}  // namespace osiris::worker::test

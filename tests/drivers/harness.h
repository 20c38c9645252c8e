// A step's world for driver tests: a real DuckDB, real directories, everything a driver reports kept for looking at. It
// does what the worker does around a step (output relation in a database of its own, interrupt on cancel, inputs as
// views) and nothing else; confinement of SQL is the worker's and is tested there.
#pragma once

#include <duckdb.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "worker/driver_api/driver.h"

namespace osiris::worker::test {

struct RecordedEvent {
  std::string name;
  Json fields;
};
struct RecordedMetric {
  std::string name;
  double value = 0;
  std::string unit;
};
struct RecordedOutput {
  OutputFile file;
  uint64_t rows = 0;
  std::optional<FileDigest> digest;  // as the driver gave it
};

// Use: StepHarness step("extract"); step.write_file("in.csv", "a\n1\n"); step.set_config({{"path", "in.csv"}});
//      auto outcome = step.run(filesystem_csv_extractor()); EXPECT_EQ(step.query("SELECT ..."), ...).
class StepHarness : public StepContext {
 public:
  // `duckdb_settings`: "memory_limit" -> "512MiB", ... for the database.
  explicit StepHarness(std::string step_id = "step",
                       std::vector<std::pair<std::string, std::string>> duckdb_settings = {});
  ~StepHarness() override;  // closes the database, removes the directories
  StepHarness(const StepHarness&) = delete;
  StepHarness& operator=(const StepHarness&) = delete;

  // ---- arranging
  void set_config(std::initializer_list<Json::Member> members) { config_ = Json::object(members); }
  void set_config(Json config) { config_ = std::move(config); }
  void set_setting(std::string_view key, Json value) { settings_.set(key, std::move(value)); }
  void set_connection(std::string family, std::string alias, Json fields);
  // What a plan may say: this path of the pipeline lies at `location`, relative to the work directory.
  void plan_path(const std::string& path, const std::string& location) { planned_[path] = work_dir_ / location; }
  // What a plan may say that a pattern found: `path`, which lies at `location`.
  void plan_match(const std::string& pattern, const std::string& path, const std::string& location) {
    matches_.push_back({pattern, {path, work_dir_ / location}});
  }
  // The next run is for this shard; `rule`: what the shards are of.
  void set_shard(uint64_t index, Json rule, Json settled) {
    rule_ = std::move(rule);
    settled_ = std::move(settled);
    shard_.emplace(ShardPlace{index, rule_, settled_});
  }
  void set_no_shard() { shard_.reset(); }
  // What the step said of itself when it last ran.
  void set_previous_state(Json state) { state_ = std::move(state); }
  void set_environment(Json environment) { environment_ = std::move(environment); }
  // Runs SQL in the database as the test (aborts the test program with the engine's text if it fails).
  void sql(const std::string& text);
  // Makes an input of the step: "df_<from_step>" shows the rows of `select`.
  void add_input(const std::string& from_step, const std::string& select);
  // Under the work directory; parents are made.
  std::filesystem::path write_file(std::string_view relative, std::string_view bytes);
  // Cancels from inside progress() once `rows` rows are reported; what a user's Ctrl-C does, without a clock.
  void cancel_at_progress(uint64_t rows) { cancel_at_ = rows; }
  // Called from inside progress(), on whatever thread reports.
  void on_progress(std::function<void(uint64_t rows)> call) { on_progress_ = std::move(call); }
  // [any thread] Sets is_cancelled() and interrupts the running statement.
  void cancel();

  // ---- acting
  Result<StepOutcome> run(const Driver& driver) { return driver.run(*this); }
  Status check(const Driver& driver) { return driver.check ? driver.check(*this) : Status(); }

  // ---- looking
  const std::filesystem::path& work_dir() const { return work_dir_; }
  std::string read_file(std::string_view relative) const;
  bool has_output_table();
  // The result as text: one line per row, '|' between columns, NULL as "NULL". "{out}" in `text` is the output table.
  std::string query(std::string text);
  // "name TYPE, name TYPE" of the output table.
  std::string output_columns();
  // Names of files in a directory of the work directory, sorted; hidden ones too.
  std::vector<std::string> files_in(std::string_view relative = ".") const;
  std::vector<RecordedEvent> events() const;
  std::vector<RecordedMetric> metrics() const;
  std::vector<std::string> logs() const;
  std::vector<RecordedOutput> outputs() const;
  std::vector<uint64_t> progress_reports() const;
  // What the driver gave set_state(); null: nothing.
  const Json& new_state() const { return new_state_; }
  // What the driver gave run_confined() or describe_confined() to bind; the harness itself binds nothing.
  const Json& bound_values() const { return bound_values_; }
  std::vector<std::pair<uint64_t, uint64_t>> byte_reports() const;  // done, total
  // Everything the driver said (events, metrics, logs, output paths), for searching secrets in.
  std::string everything_said() const;

  // What the machine that sent the run found for a name of the connection.
  void lend_address(const std::string& host, const std::string& address) {
    connection_.addresses = Json::object({{host, Json::array({address})}});
  }

  // ---- StepContext
  const std::string& step_id() const override { return step_id_; }
  const Json& config() const override { return config_; }
  const ConnectionFields* connection() const override { return has_connection_ ? &connection_ : nullptr; }
  const std::vector<Input>& inputs() const override { return inputs_; }
  PlannedPath input_file(std::string_view path) const override;
  PlannedPath output_file(std::string_view path) const override { return input_file(path); }
  std::vector<MatchedFile> matched_files(std::string_view pattern) const override;
  const std::filesystem::path& artifacts_dir() const override { return artifacts_dir_; }
  const std::filesystem::path& scratch_dir() const override { return scratch_dir_; }
  duckdb_connection connection_handle() override { return connection_handle_; }
  duckdb_connection open_connection() override;
  const sql::TableName& output_table() const override { return output_table_; }
  Result<uint64_t> run_confined(std::string_view sql, const Json& values) override;
  Status describe_confined(std::string_view sql, const Json& values) override;
  const ShardPlace* shard() const override { return shard_ ? &*shard_ : nullptr; }
  const Json& state() const override { return state_; }
  Status set_state(Json state) override {
    new_state_ = std::move(state);
    return {};
  }
  bool is_cancelled() const override { return cancelled_; }
  void progress(uint64_t rows) override;
  void progress_bytes(uint64_t done, uint64_t total) override;
  void event(std::string_view name, Json fields) override;
  void metric(std::string_view name, double value, std::string_view unit) override;
  void log(std::string_view text) override;
  using StepContext::add_output;
  Status add_output(const OutputFile& file, uint64_t rows, std::optional<FileDigest> digest) override;
  const Json& passed_environment() const override { return environment_; }
  const Json& settings() const override { return settings_; }

 private:
  std::string step_id_;
  Json config_ = Json::object();
  Json settings_ = Json::object();
  Json environment_ = Json::object();
  Json state_, new_state_;
  Json rule_, settled_;
  std::optional<ShardPlace> shard_;
  bool has_connection_ = false;
  ConnectionFields connection_;
  std::vector<Input> inputs_;
  std::map<std::string, std::filesystem::path> planned_;
  std::vector<std::pair<std::string, MatchedFile>> matches_;
  std::filesystem::path root_, work_dir_, artifacts_dir_, scratch_dir_;
  duckdb_database database_ = nullptr;
  duckdb_connection connection_handle_ = nullptr;  // the step's
  duckdb_connection test_connection_ = nullptr;    // the test's own
  sql::TableName output_table_;
  std::atomic<bool> cancelled_{false};
  std::atomic<uint64_t> cancel_at_{UINT64_MAX};
  std::function<void(uint64_t)> on_progress_;

  mutable std::mutex mutex_;  // guards what the driver reported
  std::vector<RecordedEvent> events_;
  std::vector<RecordedMetric> metrics_;
  std::vector<std::string> logs_;
  std::vector<RecordedOutput> outputs_;
  std::vector<uint64_t> progress_;
  Json bound_values_;
  std::vector<std::pair<uint64_t, uint64_t>> byte_reports_;
};

}  // namespace osiris::worker::test

// What a driver sees of its step: StepContext over the run, the step's database and the record stream. Lives for one
// attempt.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/model/artifact.h"
#include "worker/driver_api/driver.h"
#include "worker/executor/held_records.h"
#include "worker/executor/planned_files.h"
#include "worker/executor/run.h"
#include "worker/executor/step_control.h"

namespace osiris::worker {

class AttemptContext : public StepContext {
 public:
  struct Parts {
    const Run& run;
    const PlanStep& step;
    StepControl& control;
    StepDatabase& database;
    RecordSink& sink;
    Log& log;
    const Json& config;                  // without component and connection
    const ConnectionFields* connection;  // null: none
    std::vector<Input> inputs;
    std::filesystem::path scratch_dir;
    HeldRecords* held = nullptr;                  // of a step that reads a stream: where its log goes
    std::function<Status()> inputs_are_sound{};   // empty: they are
    const Shard* shard = nullptr;                 // that the attempt is for
    std::function<void()> settles{};              // of a stream's source; empty: nothing depends on it
    ChunkedRows* chunked_rows = nullptr;          // of the only input
    SourceRows* source_rows = nullptr;            // of the same
    const Json* settled = nullptr;                // of all its shards
    bool is_for_all_shards = false;               // it settles what they have in common
    std::shared_ptr<const PlannedFiles> files{};  // of the step; null: they are looked at anew
  };
  explicit AttemptContext(Parts parts);

  const std::string& step_id() const override { return parts_.step.id; }
  const Json& config() const override { return parts_.config; }
  const ConnectionFields* connection() const override { return parts_.connection; }
  const std::vector<Input>& inputs() const override { return parts_.inputs; }
  SourceRows* source_rows() override { return parts_.source_rows; }
  ChunkedRows* chunked_rows() override { return parts_.chunked_rows; }
  StepOrigin origin() const override {
    return {parts_.run.pipeline_id, parts_.run.run_id, parts_.run.worker_version, parts_.step.resumes};
  }
  PlannedPath input_file(std::string_view path) const override;
  PlannedPath output_file(std::string_view path) const override;
  std::vector<MatchedFile> matched_files(std::string_view pattern) const override;
  const std::filesystem::path& artifacts_dir() const override;
  const std::filesystem::path& scratch_dir() const override;  // made when first asked for
  duckdb_connection connection_handle() override { return parts_.database.handle(); }
  duckdb_connection open_connection() override { return parts_.database.open_another(); }
  const sql::TableName& output_table() const override { return parts_.database.output_table(); }
  Result<uint64_t> run_confined(std::string_view sql, const Json& values) override {
    return parts_.database.run_confined(sql, values);
  }
  Status describe_confined(std::string_view sql, const Json& values) override {
    return parts_.database.describe_confined(sql, values);
  }
  void settles() override {
    if (parts_.settles) parts_.settles();
  }
  void may_write(const std::string& file) override { parts_.database.may_write(file); }
  Status inputs_are_sound() override { return parts_.inputs_are_sound ? parts_.inputs_are_sound() : Status(); }
  const ShardPlace* shard() const override { return shard_ ? &*shard_ : nullptr; }
  const Json& state() const override { return parts_.step.state; }
  Status set_state(Json state) override;
  bool is_cancelled() const override { return parts_.control.stopped() != Stop::kNone; }
  void progress(uint64_t rows) override { parts_.control.rows = rows; }
  void progress_bytes(uint64_t done, uint64_t total) override {
    parts_.control.bytes = done;
    parts_.control.bytes_total = total;
  }
  void event(std::string_view name, Json fields) override;
  void metric(std::string_view name, double value, std::string_view unit) override;
  void log(std::string_view text) override;
  using StepContext::add_output;
  Status add_output(const OutputFile& file, uint64_t rows, std::optional<FileDigest> digest) override;
  const Json& passed_environment() const override { return parts_.run.env; }
  const Json& settings() const override { return parts_.run.settings; }

  // What add_output was told, in that order.
  std::vector<Artifact> take_artifacts();
  // What set_state was given; null: it was not called.
  Json take_state();
  // Of the attempt: nothing is to be removed where it asked for no directory.
  bool has_scratch() const { return has_scratch_; }

 private:
  PlannedPath placed(const PlanFile* planned, std::string_view path) const;
  // An event of the step, or of its shard.
  void emit(std::string_view name, Json fields);

  Parts parts_;
  std::filesystem::path artifacts_dir_;
  std::optional<ShardPlace> shard_;
  mutable std::once_flag scratch_made_, artifacts_made_;
  mutable std::atomic<bool> has_scratch_{false};
  std::mutex mutex_;  // drivers may report from several threads
  std::vector<Artifact> artifacts_;
  Json new_state_;
};

}  // namespace osiris::worker

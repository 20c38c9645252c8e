// Steps that run in shards, by the executor: readers of files that the test writes, and a driver of one row a shard.
#pragma once

#include <gmock/gmock.h>

#include <fstream>

#include "tests/unit/worker/executor_fixture.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/duckdb.processor/driver.h"
#include "worker/drivers/filesystem.csv_extractor/driver.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"
#include "worker/drivers/filesystem.json_extractor/driver.h"
#include "worker/drivers/filesystem.parquet_extractor/driver.h"

namespace osiris::worker {

inline std::atomic<int> now_running, most_running;

// One row with the shard's number and how many ran with it; fails at first as often as `fail` says.
inline Result<StepOutcome> one_row(StepContext& step) {
  const int running = ++now_running;
  for (int most = most_running; most < running && !most_running.compare_exchange_weak(most, running);) {
  }
  const Status paused = step.config()["together"].as_bool() ? [] {
    gate->wait();
    return Status();
  }()
                                                            : Status();
  --now_running;
  if (!paused.ok()) return paused.error();
  const std::string& number = step.config()["number"].as_string();
  if (step.config()["fail"].as_string() == number && ++attempts < 3) return Error(Code::kUnavailable, "not this time");
  if (step.config()["never"].as_string() == number) return Error(Code::kUnavailable, "never");
  OSIRIS_TRY(sql::execute(step.connection_handle(),
                          "CREATE TABLE " + step.output_table().quoted() + " AS SELECT " + number + " AS n"));
  return StepOutcome{.rows_read = 1, .rows_written = 0};
}
inline constexpr Driver kOneRow{.name = "one_row", .run = one_row, .waits = true};

class ShardsTest : public ExecutorTest {
 protected:
  ShardsTest() {
    now_running = most_running = 0;
    more_drivers = [](std::string_view name) -> const Driver* {
      if (name == "one_row") return &kOneRow;
      if (name == "duckdb.processor") return &duckdb_processor();
      if (name == "filesystem.csv_extractor") return &filesystem_csv_extractor();
      if (name == "filesystem.json_extractor") return &filesystem_json_extractor();
      if (name == "filesystem.parquet_extractor") return &filesystem_parquet_extractor();
      return name == "filesystem.csv_writer" ? &filesystem_csv_writer() : nullptr;
    };
  }

  static Json shards_of(const std::vector<std::string>& values, const std::string& more = "") {
    Json list = Json::array();
    for (const std::string& value : values) {
      Json shard = Json::object({{"value", value}});
      if (const std::string stem = std::filesystem::path(value).stem(); stem != value) shard.set("stem", stem);
      list.push_back(std::move(shard));
    }
    Json shards = parse("{" + more + "}");
    shards.set("foreach", Json::object({{"values", 1}}));
    shards.set("list", std::move(list));
    return shards;
  }
  // Reads the files that were written, a shard each.
  Json reader(const std::string& driver = "filesystem.csv_extractor", Json config = Json::object()) {
    config.set("path", "${shard.value}");
    Json made = step("read", driver, {}, std::move(config));
    made.set("mode", "extract");
    made.set("shards", shards_of(files_));
    Json inputs = Json::array();
    for (const std::string& file : files_) {
      const auto place = directory_ / "work" / file;
      const auto time = std::filesystem::last_write_time(place).time_since_epoch();
      inputs.push_back(Json::object(
          {{"path", file},
           {"source", place.string()},
           {"pattern", "${shard.value}"},
           {"size_bytes", uint64_t{std::filesystem::file_size(place)}},
           {"modified_ns", int64_t{std::chrono::file_clock::to_sys(std::chrono::file_clock::time_point(time))
                                       .time_since_epoch()
                                       .count()}}}));
    }
    made.set("input_files", std::move(inputs));
    return made;
  }
  static Json sql(const std::string& id, const std::string& query, const std::vector<std::string>& needs) {
    return step(id, "duckdb.processor", needs, Json::object({{"query", query}}));
  }
  Json per_shard(Json made, const std::string& more = "") {
    made.set("shards", shards_of(files_, "\"per_shard\":true" + more));
    for (auto& [name, input] : made.find("inputs")->members()) input.set("in_shards", true);
    return made;
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ / "work" / name, std::ios::binary) << text;
    files_.push_back(name);
  }
  Json one_row_step(const std::vector<std::string>& values, const std::string& config, const std::string& more = "") {
    Json cfg = parse("{" + config + "}");
    cfg.set("number", "${shard.value}");
    Json made = step("read", "one_row", {}, std::move(cfg));
    made.set("mode", "extract");
    made.set("shards", shards_of(values, more));
    return made;
  }

  // The rows and types of `read`, as one text.
  std::string seen(const std::vector<Json>& before, const std::string& query = "") {
    std::vector<Json> steps = before;
    steps.push_back(sql("see", query.empty() ? "SELECT string_agg(df_read::VARCHAR, ';') AS t FROM df_read" : query,
                        {steps.back()["id"].as_string()}));
    steps.push_back(step("show", "show", {"see"}));
    run(steps);
    return shown_;
  }
  void run(const std::vector<Json>& steps) {
    static std::string text;
    static constexpr Driver show{.name = "show", .run = [](StepContext& step) -> Result<StepOutcome> {
                                   OSIRIS_ASSIGN(auto rows,
                                                 sql::run_query(step.connection_handle(), "SELECT * FROM input_df"));
                                   text = rows.text();
                                   return StepOutcome();
                                 }};
    text.clear();
    more_drivers = [more = more_drivers](std::string_view name) { return name == "show" ? &show : more(name); };
    plan(steps);
    for (const Json& each : steps) ask(each["id"].as_string());
    for (const Json& each : steps) outcome(each["id"].as_string());
    shown_ = text;
  }

  std::vector<std::string> files_;
  std::string shown_;
};

}  // namespace osiris::worker

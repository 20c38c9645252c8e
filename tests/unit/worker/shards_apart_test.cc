// Shards of one step that several workers run, and a worker that takes their rows as one relation.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/unit/worker/executor_fixture.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/duckdb.processor/driver.h"
#include "worker/drivers/filesystem.csv_extractor/driver.h"

namespace osiris::worker {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string shown;

Result<StepOutcome> show(StepContext& step) {
  OSIRIS_ASSIGN(auto rows, sql::run_query(step.connection_handle(), "SELECT * FROM input_df"));
  shown = rows.text();
  return StepOutcome();
}
constexpr Driver kShow{.name = "show", .run = show};

class ShardsApart : public ExecutorTest {
 protected:
  ShardsApart() {
    shown.clear();
    more_drivers = [](std::string_view name) -> const Driver* {
      if (name == "duckdb.processor") return &duckdb_processor();
      if (name == "show") return &kShow;
      return name == "filesystem.csv_extractor" ? &filesystem_csv_extractor() : nullptr;
    };
  }

  Json shards(const std::vector<size_t>& which, const std::string& more = "") const {
    Json list = Json::array();
    for (const size_t i : which) list.push_back(Json::object({{"value", files_[i]}, {"index", uint64_t{i}}}));
    Json made = parse("{" + more + "}");
    made.set("foreach", Json::object({{"files", "*.csv"}}));
    made.set("list", std::move(list));
    return made;
  }
  Json read(const std::vector<size_t>& which, const std::string& more = "") const {
    Json made = step("read", "filesystem.csv_extractor", {}, Json::object({{"path", "${shard.value}"}}));
    made.set("mode", "extract");
    made.set("shards", shards(which, more));
    return made;
  }
  Json doubled(const std::vector<size_t>& which) const {
    Json made = step("double", "duckdb.processor", {"read"},
                     Json::object({{"query", "SELECT 2 * n::HUGEINT AS n, $shard AS f FROM df_read"}}));
    made.set("shards", shards(which, R"("per_shard":true,"binds_value":true)"));
    made.find("inputs")->find("df_read")->set("in_shards", true);
    return made;
  }
  static Json kept(Json made, const std::string& text) {
    made.set("kept", parse(text));
    return made;
  }
  static Json see(const std::string& from, const std::string& what) {
    return step("see", "duckdb.processor", {from},
                Json::object({{"query", "SELECT string_agg(" + what + ", ';') AS t FROM df_" + from}}));
  }
  void run(const std::vector<Json>& steps) {
    sink_.clear();
    outcomes_.clear();
    plan(steps);
    for (const Json& each : steps) ask(each["id"].as_string());
    finish();
  }
  void write(const std::string& text) {
    files_.push_back(std::to_string(files_.size()) + ".csv");
    std::ofstream(directory_ / "work" / files_.back()) << text;
  }
  // As one worker after the other runs a shard, and its rows of `step_id` are brought away.
  void run_apart(const std::string& step_id) {
    for (size_t i = 0; i < files_.size(); ++i) {
      const bool reads = step_id == "read";
      run({reads ? kept(read({i}), R"({"use":"keep"})") : read({i}, R"("tells_columns":true)"),
           reads ? step("other", "show", {"read"}) : kept(doubled({i}), R"({"use":"keep"})")});
      result(step_id);
      fs::rename(directory_ / "session/artifacts" / step_id / "kept.parquet", brought(i));
    }
  }
  fs::path brought(size_t i) const { return directory_ / ("brought-" + std::to_string(i)); }
  Json taken(Json made, size_t files, int rows) const {
    Json inputs = Json::array();
    for (size_t i = 0; i < files; ++i)
      inputs.push_back(Json::object({{"path", brought(i).string()}, {"source", brought(i).string()}}));
    made.set("input_files", std::move(inputs));
    made.set("inputs", Json::object());
    made.set("needs", Json::array());
    return kept(std::move(made), R"({"use":"take","run_id":"r","rows_read":7,"rows_written":0,"rows_out":)" +
                                     std::to_string(rows) + "}");
  }
  // As a later run takes them: from one file.
  static Json kept_by_one(const fs::path& file, const std::string& more, int rows = 3) {
    Json made = step("read", "filesystem.csv_extractor");
    made.set("mode", "extract");
    made.set("input_files", Json::array({Json::object({{"path", file.string()}, {"source", file.string()}})}));
    return kept(std::move(made), R"({"use":"take","run_id":"r","rows_read":3,"rows_written":0,"rows_out":)" +
                                     std::to_string(rows) + "," + more + "}");
  }
  std::vector<size_t> all() const {
    std::vector<size_t> every;
    for (size_t i = 0; i < files_.size(); ++i) every.push_back(i);
    return every;
  }

  std::vector<std::string> files_;
};

TEST_F(ShardsApart, AWorkerRunsTheShardsThatItIsGiven) {
  for (const char* text : {"n\n1\n", "n\n2\n3\n", "n\n4\n"}) write(text);
  run({read({1, 2}, R"("tells_columns":true)"), doubled({1, 2}), see("double", "n || f"),
       step("show", "show", {"see"})});
  EXPECT_EQ(shown, "41.csv;61.csv;82.csv");
  std::vector<std::string> told;
  for (const Json& event : sink_.events())
    if (event["event"].as_string() == "shard_complete" && event["step_id"].as_string() == "read") {
      told.push_back(event["shard"].dump() + " " + event["rows"].dump());
      EXPECT_EQ(event["columns"], parse(R"([{"name":"n","type":"BIGINT","has_values":true}])"));
    }
  EXPECT_EQ(told, (std::vector<std::string>{"1 2", "2 1"}));
}

TEST_F(ShardsApart, ListsThatAreNotInTheirOrderAreRefused) {
  write("n\n1\n");
  write("n\n1\n");
  EXPECT_FALSE(plan_step_from_json(read({1, 0})).ok());
  EXPECT_FALSE(plan_step_from_json(read({1, 1})).ok());
  EXPECT_TRUE(plan_step_from_json(read({1})).ok());
}

TEST_F(ShardsApart, TheUnionOfWhatOthersRanIsThatOfOneWorker) {
  for (const char* text : {"n\n3\n1\n", "n\n2\n", "n\n", "n\n9\n"}) write(text);
  const std::vector<Json> after = {see("double", "n || typeof(n) || f"), step("show", "show", {"see"})};
  run({read(all()), doubled(all()), after[0], after[1]});
  const std::string whole = shown;
  run_apart("double");
  run({taken(doubled(all()), 4, 4), after[0], after[1]});
  EXPECT_EQ(shown, whole);
  EXPECT_EQ(shown, "6HUGEINT0.csv;2HUGEINT0.csv;4HUGEINT1.csv;18HUGEINT3.csv");
  EXPECT_EQ(result("double")["metrics"]["rows_read"].as_int(), 7);
  EXPECT_EQ(result("double")["shards"]["accepted"].as_int(), 4);
}

TEST_F(ShardsApart, AStepPerShardReadsTakenRowsInPieces) {
  for (const char* text : {"n\n3\n1\n", "n\n2\n"}) write(text);
  run_apart("read");
  run({taken(read(all()), 2, 3), doubled(all()), see("double", "n || f"), step("show", "show", {"see"})});
  EXPECT_EQ(shown, "60.csv;20.csv;41.csv");
}

TEST_F(ShardsApart, TheRowsOfAllAreKeptAsThoseOfOneWorkerAre) {
  for (const char* text : {"n\n3\n1\n", "n\n2\n"}) write(text);
  run_apart("read");
  Json keeps = taken(read(all()), 2, 3);
  keeps.find("kept")->set("keeps", true);
  run({keeps});
  const Json event = sink_.event("output_kept");
  EXPECT_EQ(event["rows"], Json(3));
  EXPECT_EQ(event["shard_rows"], parse("[2,1]"));
  const fs::path kept = directory_ / "kept.parquet";
  fs::rename(directory_ / "session" / event["path"].as_string(), kept);
  Json again = kept_by_one(kept, R"("shard_rows":[2,1])");
  run({again, doubled(all()), see("double", "n || f"), step("show", "show", {"see"})});
  EXPECT_EQ(shown, "60.csv;20.csv;41.csv");
}

// For workers that run one shard each, of rows that an earlier run has kept.
TEST_F(ShardsApart, KeptRowsAreCutIntoThoseOfEachShard) {
  for (const char* text : {"n\n3\n1\n", "n\n", "n\n2\n"}) write(text);
  run_apart("read");
  Json keeps = taken(read(all()), 3, 3);
  keeps.find("kept")->set("keeps", true);
  run({keeps});
  EXPECT_EQ(sink_.event("output_kept")["shard_rows"], parse("[2,0,1]"));
  const fs::path kept = directory_ / "kept.parquet";
  fs::rename(directory_ / "session/artifacts/read/kept.parquet", kept);
  run({kept_by_one(kept, R"("shard_rows":[2,0,1],"keeps":true,"in_pieces":true)")});
  EXPECT_EQ(result("read")["metrics"]["rows_out"].as_int(), 3);
  EXPECT_FALSE(fs::exists(directory_ / "session/artifacts/read/kept.parquet"));
  for (const Json& event : sink_.events()) EXPECT_NE(event["event"].as_string(), "output_kept");
  const std::vector<std::pair<int, std::string>> pieces = {
      {2, "6 BIGINT0.csv;2 BIGINT0.csv"}, {0, ""}, {1, "4 BIGINT2.csv"}};
  for (size_t i = 0; i < pieces.size(); ++i) {
    SCOPED_TRACE(i);
    fs::rename(directory_ / "session/artifacts/read" / ("kept-" + std::to_string(i) + ".parquet"), brought(i));
    const std::string rows = std::to_string(pieces[i].first);
    Json doubled_one = doubled({i});
    doubled_one.find("cfg")->set("query", "SELECT 2 * n AS n, ' ' || typeof(n) || $shard AS f FROM df_read");
    run({kept_by_one(brought(i), R"("shard_rows":[)" + rows + "]", pieces[i].first), doubled_one,
         see("double", "n || f"), step("show", "show", {"see"})});
    EXPECT_EQ(shown, pieces[i].second);
  }
}

TEST_F(ShardsApart, ChecksSeeTheWhole) {
  for (const char* text : {"n\n1\n", "n\n1\n"}) write(text);
  run_apart("read");
  Json checked = taken(read(all()), 2, 2);
  checked.set("checks", parse(R"([{"name":"unique","type":"unique","columns":["n"]}])"));
  ASSERT_TRUE(plan_step_from_json(checked).ok()) << plan_step_from_json(checked).error().message;
  run({checked});
  EXPECT_THAT(error("read").message, HasSubstr("its check failed"));
}

TEST_F(ShardsApart, WhatIsMissingOrOfTwoTypesIsNoUnion) {
  for (const char* text : {"n\n1\n", "n\nx\n"}) write(text);
  run_apart("read");
  run({taken(read(all()), 2, 2)});
  EXPECT_THAT(error("read").message, HasSubstr("column 'n' is BIGINT in shard 0 (0.csv) and VARCHAR in shard 1"));
  EXPECT_TRUE(error("read").detail[kTypesDiffer].as_bool());
  run({taken(read(all()), 1, 1)});
  EXPECT_THAT(error("read").message, HasSubstr("1 files for the 2 shards"));
  fs::copy_file(brought(0), brought(1), fs::copy_options::overwrite_existing);
  run({taken(read(all()), 2, 3)});
  EXPECT_THAT(error("read").message, HasSubstr("have 2 rows instead of 3"));
  fs::resize_file(brought(1), 20);
  run({taken(read(all()), 2, 2)});
  EXPECT_THAT(error("read").message, HasSubstr("shard 1 (1.csv) of step read"));
}

}  // namespace
}  // namespace osiris::worker

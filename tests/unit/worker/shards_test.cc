// Steps that run in shards, by the executor: what they read, in which order, and what becomes of a shard that fails.
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
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

std::atomic<int> now_running, most_running;

// One row with the shard's number and how many ran with it; fails at first as often as `fail` says.
Result<StepOutcome> one_row(StepContext& step) {
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
constexpr Driver kOneRow{.name = "one_row", .run = one_row, .waits = true};

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

TEST_F(ShardsTest, AStepAfterThemSeesTheUnionInTheirOrder) {
  write("b.csv", "id,name\n3,c\n1,d\n");
  write("a.csv", "id,name\n2,a\n");
  write("c.csv", "name,id\nx,9\n");  // by name, and not by place
  EXPECT_EQ(seen({reader()}), "{'id': 3, 'name': c};{'id': 1, 'name': d};{'id': 2, 'name': a};{'id': 9, 'name': x}");
  EXPECT_EQ(result("read")["metrics"]["rows_read"].as_int(), 4);
  EXPECT_EQ(result("read")["shards"]["accepted"].as_int(), 3);
  const auto names = sink_.event_names("read");
  for (const char* once : {"step_start", "step_complete"})
    EXPECT_EQ(std::count(names.begin(), names.end(), once), 1) << once;
  std::vector<int64_t> accepted, rows;
  for (const Json& event : sink_.events())
    if (event["event"].as_string() == "shard_complete") {
      accepted.push_back(event["shard"].as_int());
      rows.push_back(event["rows"].as_int());
    }
  EXPECT_EQ(accepted, (std::vector<int64_t>{0, 1, 2}));
  EXPECT_EQ(rows, (std::vector<int64_t>{2, 1, 1}));
}

struct TypeCase {
  std::vector<std::string> files;
  const char* type;
  const char* values;
};

// As one read of all rows gives them, which no two types of pieces tell.
TEST_F(ShardsTest, TypesAreThoseOfOneReadOfAllFiles) {
  const TypeCase cases[] = {
      {{"c\n007\n", "c\nx\n"}, "VARCHAR", "007;x"},
      {{"c\n1\n", "c\n2.5\n"}, "DOUBLE", "1.0;2.5"},
      {{"c\n1\n", "c\n2\n"}, "BIGINT", "1;2"},
      {{"c\ntrue\n", "c\n1\n"}, "VARCHAR", "true;1"},
      {{"c\n18446744073709551615\n", "c\n-1\n"}, "VARCHAR", "18446744073709551615;-1"},
      {{"c\n18446744073709551615\n", "c\n1\n"}, "UBIGINT", "18446744073709551615;1"},
      {{"c\n99999999999999999999\n", "c\n0.5\n"}, "DOUBLE", "1e+20;0.5"},
      {{"c\n\"\"\n", "c\nx\n"}, "VARCHAR", "NULL;x"},
      {{"c\nx\n", "c\n\"\"\n"}, "VARCHAR", "x;NULL"},
      {{"c\n\"\"\n", "c\n\"\"\n"}, "DOUBLE", "NULL;NULL"},
      {{"c\n", "c\n5\n"}, "BIGINT", "5"},
      {{"c\n5\n", "c\n"}, "BIGINT", "5"},
  };
  for (const TypeCase& one : cases) {
    files_.clear();
    outcomes_.clear();
    for (size_t i = 0; i < one.files.size(); ++i) write(std::to_string(i) + ".csv", one.files[i]);
    EXPECT_EQ(seen({reader()},
                   "SELECT any_value(typeof(c)) || ' ' || string_agg(coalesce(c::VARCHAR, 'NULL'), ';') "
                   "AS t FROM df_read"),
              std::string(one.type) + " " + one.values);
    EXPECT_EQ(result("read")["metrics"]["rows_read"].as_int(),
              std::count(one.values, one.values + strlen(one.values), ';') + 1);
  }
}

TEST_F(ShardsTest, DatesOfTwoOffsetsStayTextAsInOneFile) {
  write("a.csv", "d\n2025-01-01 10:00:00+01:00\n");
  write("b.csv", "d\n2025-01-02 10:00:00+02:00\n");
  const std::string type = "SELECT any_value(typeof(d)) AS t FROM df_read";
  EXPECT_EQ(seen({reader("filesystem.csv_extractor", parse(R"({"parse_dates":["d"]})"))}, type), "VARCHAR");
  files_.pop_back();
  outcomes_.clear();
  write("c.csv", "d\n2025-01-03 10:00:00+01:00\n");
  EXPECT_EQ(seen({reader("filesystem.csv_extractor", parse(R"({"parse_dates":["d"]})"))}, type),
            "TIMESTAMP WITH TIME ZONE");
}

TEST_F(ShardsTest, JsonFilesAreOneReadToo) {
  write("a.json", R"([{"n":1}])");
  write("b.json", R"([{"n":1.5}])");
  EXPECT_EQ(seen({reader("filesystem.json_extractor")},
                 "SELECT any_value(typeof(n)) || ' ' || string_agg(n::VARCHAR, ';') AS t FROM df_read"),
            "DOUBLE 1.0;1.5");
}

// Behind the first records of each file, by which types are settled first.
TEST_F(ShardsTest, AValueFarBehindChangesTheTypesOfAllShards) {
  std::string many = "c,d\n";
  for (int i = 0; i < 3000; ++i) many += "0" + std::to_string(i) + ",2025-01-01 10:00:00\n";
  write("a.csv", "c,d\n007,2025-01-01 10:00:00\n");
  write("b.csv", many + "x,2025-01-01 10:00:00+01:00\n");
  const std::string query =
      "SELECT any_value(typeof(c)) || any_value(typeof(d)) || min(c) FILTER (c LIKE '%7' AND length(c) = 3) || "
      "count(*) "
      "AS t FROM df_read";
  EXPECT_EQ(seen({reader("filesystem.csv_extractor", parse(R"({"parse_dates":["d"]})"))}, query),
            "VARCHARVARCHAR0073002");
  const auto names = sink_.event_names("read");
  EXPECT_EQ(std::count(names.begin(), names.end(), "shards_settled"), 2);
}

TEST_F(ShardsTest, WhereAllTypesAreDeclaredNothingIsLookedAt) {
  write("a.csv", "id\n1\n");
  write("b.csv", "id\n2\n");
  EXPECT_EQ(seen({reader("filesystem.csv_extractor", parse(R"({"columns":["id"],"dtype":{"id":"int64"}})"))},
                 "SELECT string_agg(id::VARCHAR, ';') AS t FROM df_read"),
            "1;2");
  EXPECT_TRUE(sink_.event("shards_settled").is_null());
}

TEST_F(ShardsTest, ParquetFilesAreOneReadToo) {
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  ASSERT_EQ(duckdb_open(nullptr, &database), DuckDBSuccess);
  ASSERT_EQ(duckdb_connect(database, &connection), DuckDBSuccess);
  const auto make = [&](const std::string& name, const std::string& select) {
    write(name, "");
    EXPECT_TRUE(sql::execute(connection, "COPY (" + select + ") TO " +
                                             sql::quote_literal((directory_ / "work" / name).string()) +
                                             " (FORMAT parquet)")
                    .ok());
  };
  make("a.parquet", "SELECT 1::INTEGER AS n, 'a' AS only_here");
  make("b.parquet", "SELECT 4294967296::BIGINT AS n");
  duckdb_disconnect(&connection);
  duckdb_close(&database);
  EXPECT_EQ(
      seen({reader("filesystem.parquet_extractor")},
           "SELECT any_value(typeof(n)) || ' ' || string_agg(n || coalesce(only_here, '-'), ';') AS t FROM df_read"),
      "BIGINT 1a;4294967296-");
}

TEST_F(ShardsTest, DifferentColumnsAreAnErrorThatNamesBothFiles) {
  write("a.csv", "id,name\n1,a\n");
  write("b.csv", "id,title\n1,a\n");
  plan({reader()});
  ask("read");
  const Error failed = error("read");
  EXPECT_THAT(failed.message, HasSubstr("shard 0 (a.csv) has id, name, and shard 1 (b.csv) has id, title"));
  EXPECT_EQ(sink_.event("step_failed")["category"], Json("extract.schema_mismatch"));
}

TEST_F(ShardsTest, AFileThatIsNoLongerTheListedOneFailsItsShard) {
  write("a.csv", "id\n1\n");
  write("b.csv", "id\n2\n");
  plan({reader()});
  std::ofstream(directory_ / "work/b.csv") << "id\n22\n";
  ask("read");
  EXPECT_THAT(error("read").message, HasSubstr("shard 1 (b.csv): b.csv is no longer the file that was listed"));
}

TEST_F(ShardsTest, AFileThatIsGoneFailsItsShard) {
  write("a.csv", "id\n1\n");
  write("b.csv", "id\n2\n");
  plan({reader()});
  std::filesystem::remove(directory_ / "work/b.csv");
  ask("read");
  EXPECT_THAT(error("read").message, HasSubstr("shard 1 (b.csv): Step read: CSV file not found"));
}

TEST_F(ShardsTest, AStepPerShardSeesItsShardAlone) {
  write("a.csv", "id\n1\n2\n");
  write("b.csv", "id\n");
  write("c.csv", "id\n3\n");
  const Json counted = per_shard(sql("count", "SELECT count(*) AS n, $shard AS f, sum(id) AS s FROM df_read", {"read"}),
                                 R"(,"binds_value":true)");
  EXPECT_EQ(seen({reader(), counted}, "SELECT string_agg(n || f || coalesce(s::VARCHAR, '-'), ';') AS t FROM df_count"),
            "2a.csv3;0b.csv-;1c.csv3");
  EXPECT_EQ(result("count")["metrics"]["rows_out"].as_int(), 3);
}

TEST_F(ShardsTest, AnInputWithoutShardsIsGivenWhole) {
  write("a.csv", "id\n1\n");
  write("b.csv", "id\n2\n");
  const Json names = sql("names", "SELECT * FROM (VALUES (1, 'one'), (2, 'two')) t(id, name)", {});
  Json joined = per_shard(sql("join",
                              "SELECT name, (SELECT count(*) FROM df_names) AS n FROM df_read JOIN df_names "
                              "USING (id)",
                              {"read", "names"}));
  joined.find("inputs")->find("df_names")->erase("in_shards");
  EXPECT_EQ(seen({names, reader(), joined}, "SELECT string_agg(name || n, ';') AS t FROM df_join"), "one2;two2");
}

TEST_F(ShardsTest, AWriterPerShardWritesAFileForEach) {
  write("a.csv", "id\n1\n2\n");
  write("b.csv", "id\n3\n");
  Json save = per_shard(step("save", "filesystem.csv_writer", {"read"},
                             Json::object({{"path", "out/${shard.index}-${shard.stem}.csv"}})));
  save.set("mode", "write");
  run({reader(), save});
  EXPECT_EQ(result("save")["metrics"]["rows_written"].as_int(), 3);
  EXPECT_EQ(*read_file(directory_ / "work/out/0-a.csv"), "id\n1\n2\n");
  EXPECT_EQ(*read_file(directory_ / "work/out/1-b.csv"), "id\n3\n");
  EXPECT_EQ(result("save")["artifacts"].size(), 2u);
  EXPECT_EQ(sink_.event("output_written")["shard"], Json(0));
}

TEST_F(ShardsTest, RowsThatCameWithoutTheirShardsAreRefused) {
  write("a.csv", "id\n1\n");
  write("b.csv", "id\n1\n");
  plan({sql("read", "SELECT 1 AS id", {}), per_shard(sql("ask", "SELECT * FROM df_read", {"read"}))});
  ask_all({"read", "ask"});
  EXPECT_THAT(error("ask").message, HasSubstr("without their shards"));
}

TEST_F(ShardsTest, ARetryIsOfOneShardAndSaysWhich) {
  Json read = one_row_step({"1", "2", "3"}, R"("fail":"2")");
  read.set("retry", parse(R"({"max_attempts":3,"delay_s":0.001})"));
  EXPECT_EQ(seen({read}, "SELECT string_agg(n::VARCHAR, ';') AS t FROM df_read"), "1;2;3");
  EXPECT_EQ(attempts, 3);
  int retries = 0;
  for (const Json& event : sink_.events())
    if (event["event"].as_string() == "step_retry") {
      ++retries;
      EXPECT_EQ(event["shard"], Json(1));
    }
  EXPECT_EQ(retries, 2);
}

TEST_F(ShardsTest, TheFirstThatFailsEndsTheStepAndIsNamed) {
  std::vector<std::string> many;
  for (int i = 0; i < 200; ++i) many.push_back(std::to_string(i));
  plan({one_row_step(many, R"("never":"7")")});
  ask("read");
  EXPECT_THAT(error("read").message, HasSubstr("shard 7 (7): never"));
  EXPECT_LT(sink_.event_names("read").size(), 60u) << "others went on";
}

TEST_F(ShardsTest, ThoseThatWaitRunTogetherAsFarAsAllowed) {
  plan({one_row_step({"1", "2", "3", "4", "5", "6", "7", "8"}, R"("together":true)")});
  ask("read");
  gate->wait_for_waiters(6);  // Run::parallel
  gate->open();
  result("read");
  EXPECT_EQ(most_running, 6);
  outcomes_.clear();
  most_running = 0;
  plan({one_row_step({"1", "2", "3", "4"}, "", R"("max_parallel":1)")});
  ask("read");
  result("read");
  EXPECT_EQ(most_running, 1);
}

TEST_F(ShardsTest, ATimeoutIsOfEachShard) {
  gate->open();
  Json slow = step("slow", "until_cancelled", {}, Json::object({{"x", "${shard.value}"}}));
  slow.set("timeout_s", 0.1);
  slow.set("shards", shards_of({"1", "2"}));
  plan({slow});
  ask("slow");
  EXPECT_THAT(error("slow").message, HasSubstr("shard 0 (1): step slow ran longer than its timeout of 0.1 s"));
}

TEST_F(ShardsTest, ACancelledRunStopsAllShards) {
  Json slow = step("slow", "until_cancelled", {}, Json::object({{"x", "${shard.value}"}}));
  slow.set("shards", shards_of({"1", "2", "3"}));
  plan({slow});
  ask("slow");
  gate->wait_for_waiters(1);
  executor_->cancel("test");
  gate->open();
  EXPECT_EQ(error("slow").code, Code::kCancelled);
}

TEST_F(ShardsTest, WithoutAShardTheDeclaredColumnsAreThere) {
  Json read = step("read", "filesystem.csv_extractor", {},
                   parse(R"({"path":"${shard.value}","columns":["id","name"],"dtype":{"id":"int64","name":"str"}})"));
  read.set("mode", "extract");
  read.set("shards", shards_of({}));
  const Json doubled =
      per_shard(sql("twice", "SELECT id * 2 AS id, $shard AS f FROM df_read", {"read"}), R"(,"binds_value":true)");
  EXPECT_EQ(seen({read, doubled}, "SELECT count(*) || typeof(any_value(id)) AS t FROM df_twice"), "0BIGINT");
}

// Two thousand small shards, on a budget that a quadratic walk would not keep.
TEST_F(ShardsTest, ManyShardsAreCheap) {
  std::vector<std::string> many;
  for (int i = 0; i < 2000; ++i) many.push_back(std::to_string(i));
  EXPECT_EQ(seen({one_row_step(many, "")}, "SELECT (sum(n) = 1999000 AND count(*) = 2000)::VARCHAR AS t FROM df_read"),
            "true");
}

}  // namespace
}  // namespace osiris::worker

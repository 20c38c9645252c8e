// Steps that run in shards, by the executor: what they read, in which order, and what becomes of a shard that fails.
#include "tests/unit/worker/shards_fixture.h"

namespace osiris::worker {
namespace {

using ::testing::HasSubstr;

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

// The shipped worker binary from outside: what it says on its streams and what it leaves behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "protocol/base/file.h"
#include "protocol/base/redact.h"
#include "tests/support/no_more_threads.h"
#include "tests/worker/worker_fixture.h"

namespace osiris::worker::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(WorkerTest, SaysHelloFirst) {
  WorkerProcess worker;
  const Json hello = worker.next();
  EXPECT_EQ(hello["type"].as_string(), "hello");
  EXPECT_EQ(hello["protocol"].as_int(), 1);
  EXPECT_EQ(hello["pid"].as_int(), worker.pid());
  EXPECT_EQ(hello["specs_sha256"].as_string().size(), 64u);
  std::vector<std::string> drivers;
  for (const Json& driver : hello["drivers"].items()) drivers.push_back(driver.as_string());
  EXPECT_THAT(drivers, Contains("duckdb.processor"));
  EXPECT_THAT(drivers, Not(Contains("mock")));
  worker.close_stdin();
  EXPECT_TRUE(worker.wait().success());
}

TEST_F(WorkerTest, RunsAPipelineAndFinishes) {
  WorkerProcess worker;
  run(worker, {mock_step("read", R"({"rows":1000})"), sql_step("sum", "SELECT sum(id) AS s FROM input_df", {"read"}),
               mock_step("write", R"({"write":"out.txt","text":"done"})", {"sum"})});
  worker.request("finish", "finish");
  const Json finish = worker.response("finish")["result"];
  EXPECT_EQ(finish["status"].as_string(), "finished");
  EXPECT_EQ(finish["steps_completed"].as_int(), 3);
  EXPECT_EQ(finish["artifacts"].size(), 1u);
  EXPECT_EQ(*read_file(session_.directory() / "out.txt"), "done");
  worker.request("bye", "shutdown");
  EXPECT_TRUE(worker.wait().success());
  EXPECT_THAT(files_left(), Contains("session/artifacts/sum/cleaned_config.json"));
  EXPECT_THAT(files_left(), Not(Contains("session/.worker")));
}

TEST_F(WorkerTest, NumbersEveryRecordWithoutAGap) {
  WorkerProcess worker;
  run(worker, {mock_step("a", R"({"events":500})"), mock_step("b", R"({"events":500})")});
  worker.request("finish", "finish");
  worker.response("finish");
  int64_t expected = 0;
  for (const Json& record : worker.records()) {
    if (!record.contains("seq")) continue;
    EXPECT_EQ(record["seq"].as_int(), ++expected);
  }
  EXPECT_GT(expected, 1000);
}

TEST_F(WorkerTest, StreamsAHundredThousandEventsWithFlatMemory) {
  WorkerProcess worker;
  run(worker, {mock_step("flood", R"({"events":100000})")});
  uint64_t events = 0;
  for (Json record = worker.next(); !record.is_null() && record["id"].as_string() != "flood"; record = worker.next())
    events += record["data"]["event"].as_string() == "mock_event";
  EXPECT_EQ(events, 100000u);
  ASSERT_FALSE(worker.heartbeats().empty());
#ifdef OSIRIS_STATIC_WORKER  // sanitizers keep freed memory for a while
  uint64_t low = UINT64_MAX, high = 0;
  for (const Json& beat : worker.heartbeats()) {
    low = std::min(low, beat["data"]["rss_bytes"].as_uint());
    high = std::max(high, beat["data"]["rss_bytes"].as_uint());
  }
  EXPECT_LT(high, low + (96ull << 20)) << "between the first and the last heartbeat";
#endif
}

TEST_F(WorkerTest, BeatsWhileAStepRunsAndTellsItsRows) {
  WorkerProcess worker;
  run(worker, {mock_step("slow", R"({"rows":20000,"hang":"politely"})")});
  const Json beat = worker.heartbeat([](const Json& data) {
    return data["steps"].items().size() == 1 && data["steps"].items()[0]["rows"].as_int() == 20000;
  });
  EXPECT_EQ(beat["steps"].items()[0]["step_id"].as_string(), "slow");
  EXPECT_GT(worker.heartbeats().back()["data"]["rss_bytes"].as_uint(), 0u);
  worker.request("stop", "cancel");
  EXPECT_EQ(worker.response("slow")["error"]["code"].as_string(), "cancelled");
}

TEST_F(WorkerTest, SurvivesGarbageOnStdinAndAnswersWhatComesAfter) {
  WorkerProcess worker;
  worker.send_bytes(
      "GET / HTTP/1.1\r\n\r\n{\"id\": "
      "broken\n@99999999999999999999\n\x01\x02\xff\xfe\n[]\n{}\n{\"id\":1,\"method\":\"ping\"}\n");
  worker.request("alive", "ping", Json::object({{"data", "x"}}));
  EXPECT_EQ(worker.response("alive")["result"]["echo"].as_string(), "x");
  worker.request("odd", "no_such_method");
  EXPECT_EQ(worker.response("odd")["error"]["code"].as_string(), "unsupported");
  worker.close_stdin();
  EXPECT_TRUE(worker.wait().success());
  EXPECT_THAT(worker.log(), HasSubstr("stdin"));
}

TEST_F(WorkerTest, RefusesToWorkBeforePrepareAndToPrepareTwice) {
  WorkerProcess worker;
  for (const char* method : {"execute_step", "finish", "cancel", "replay", "put_relation", "get_relation"}) {
    worker.request(method, method, Json::object({{"step_id", "a"}}));
    EXPECT_EQ(worker.response(method)["error"]["code"].as_string(), "invalid_state") << method;
  }
  run(worker, {mock_step("a")});
  worker.request("again", "prepare", session_.prepare_params({}));
  EXPECT_EQ(worker.response("again")["error"]["code"].as_string(), "invalid_state");
  EXPECT_TRUE(worker.response("a").contains("result"));
}

TEST_F(WorkerTest, RefusesAHostOfAnotherVersionProtocolOrSpecsNamingBothSides) {
  WorkerProcess worker;
  const Json hello = worker.next();
  worker.request("version", "prepare", prepare_with({}, "worker_version", "9.9.9"));
  const Json version = worker.response("version")["error"];
  EXPECT_EQ(version["code"].as_string(), "unsupported");
  EXPECT_THAT(version["message"].as_string(), HasSubstr("9.9.9"));
  EXPECT_THAT(version["message"].as_string(), HasSubstr(hello["version"].as_string()));
  worker.request("specs", "prepare", prepare_with({}, "specs_sha256", std::string(64, '0')));
  EXPECT_EQ(worker.response("specs")["error"]["code"].as_string(), "unsupported");
  worker.request("protocol", "prepare", prepare_with({}, "protocol", 2));
  EXPECT_EQ(worker.response("protocol")["error"]["code"].as_string(), "unsupported");

  Json params = prepare_with({}, "worker_version", hello["version"]);
  params.set("specs_sha256", hello["specs_sha256"]);
  worker.request("right", "prepare", std::move(params));
  EXPECT_EQ(worker.response("right")["result"]["status"].as_string(), "ready");
}

TEST_F(WorkerTest, RefusesMockUnlessItIsAllowed) {
  WorkerProcess worker;
  run(worker, {}, prepare_with({mock_step("a")}, "settings", Json::object()));
  worker.request("a", "execute_step", Json::object({{"step_id", "a"}}));
  const Json refused = worker.response("a")["error"];
  EXPECT_EQ(refused["code"].as_string(), "unsupported");
  EXPECT_THAT(refused["message"].as_string(), HasSubstr("mock"));
}

TEST_F(WorkerTest, ReadsThePlanFromAFile) {
  const auto path = session_.directory() / "plan.json";
  std::ofstream(path) << Json::object({{"steps", Json::array({mock_step("a", R"({"rows":1})")})}}).dump();
  Json params = session_.prepare_params({});
  params.erase("plan");
  params.set("plan_path", path.string());
  WorkerProcess worker;
  run(worker, {}, std::move(params));
  worker.request("a", "execute_step", Json::object({{"step_id", "a"}}));
  EXPECT_EQ(worker.response("a")["result"]["metrics"]["rows_out"].as_int(), 1);
}

TEST_F(WorkerTest, AnswersAPlanItCannotReadAndOneThatIsNone) {
  Json params = session_.prepare_params({});
  params.erase("plan");
  params.set("plan_path", "/nonexistent/plan.json");
  WorkerProcess worker;
  worker.request("missing", "prepare", std::move(params));
  EXPECT_THAT(worker.response("missing")["error"]["message"].as_string(), HasSubstr("/nonexistent/plan.json"));
  worker.request("evil", "prepare", session_.prepare_params({mock_step("../../evil")}));
  EXPECT_EQ(worker.response("evil")["error"]["code"].as_string(), "invalid_argument");
  EXPECT_THAT(files_left(), Not(Contains(HasSubstr("evil"))));
}

TEST_F(WorkerTest, ReplaysAfterACutConnection) {
  WorkerProcess worker;
  run(worker, {mock_step("a", R"({"events":50})")});
  worker.response("a");
  const std::vector<Json> before = worker.records();
  worker.request("again", "replay", Json::object({{"from_seq", 10}}));
  const Json answer = worker.response("again")["result"];
  EXPECT_EQ(answer["status"].as_string(), "replaying");
  for (const Json& record : before) {
    if (record["seq"].as_int() < 10) continue;
    EXPECT_EQ(worker.next(), record);
  }
}

TEST_F(WorkerTest, KeepsItsRecordsUntilItEnds) {
  WorkerProcess worker;
  run(worker, {mock_step("a")});
  worker.request("finish", "finish");
  worker.response("finish");
  worker.request("again", "replay", Json::object({{"from_seq", 1}}));
  worker.response("again");
  EXPECT_TRUE(worker.until([](const Json& record) { return record["id"].as_string() == "finish"; }).contains("result"));
}

TEST_F(WorkerTest, GoesOnWhenADriverPrintsToStdout) {
  WorkerProcess worker;
  run(worker, {mock_step("a", R"({"garbage":true})"), mock_step("b", "{}", {"a"})});
  EXPECT_TRUE(worker.response("b").contains("result"));
  EXPECT_THAT(worker.garbage(), Contains(HasSubstr("this is no record")));
}

TEST_F(WorkerTest, SaysFatalWhenItsRecordLogCannotBeWritten) {
  // No file may grow past 256 KiB: to the worker the same as a full disk.
  WorkerProcess worker({"/usr/bin/prlimit", "--fsize=262144", worker_binary()});
  run(worker, {mock_step("a", R"({"events":100000})")});
  EXPECT_EQ(worker.wait().value, 3);
  const Json last = worker.records().back();
  EXPECT_EQ(last["type"].as_string(), "fatal");
  EXPECT_EQ(last["error"]["code"].as_string(), "exhausted");
  EXPECT_THAT(last["error"]["message"].as_string(), HasSubstr("record log"));
}

TEST_F(WorkerTest, FailsAStepThatCannotSpillAndSaysSo) {
  // More rows than memory, and no file may grow past 16 MiB.
  WorkerProcess worker({"/usr/bin/prlimit", "--fsize=16777216", worker_binary()});
  Json params = session_.prepare_params({sql_step(
      "big", "SELECT range AS i, 'text number ' || hash(range) AS t FROM range(8000000) ORDER BY hash(range)")});
  params.set("settings", Json::object({{"memory_limit_bytes", 128 << 20}}));
  run(worker, {}, std::move(params));
  worker.request("big", "execute_step", Json::object({{"step_id", "big"}}));
  const Json failed = worker.response("big")["error"];
  EXPECT_EQ(failed["code"].as_string(), "exhausted");
  EXPECT_THAT(failed["hint"].as_string(), HasSubstr("space"));
  worker.request("alive", "ping");
  EXPECT_TRUE(worker.response("alive").contains("result"));
}

#ifdef OSIRIS_STATIC_WORKER  // sanitizers need the memory that is refused here
TEST_F(WorkerTest, FailsAStepWhoseSingleValueIsLargerThanMemoryAndGoesOn) {
  for (const auto& [huge, small] : {std::pair("SELECT range(1000000000) AS l", "SELECT range(1000) AS l"),
                                    std::pair("SELECT repeat('x', 2000000000)", "SELECT repeat('x', 2000)")}) {
    Session session;
    Json params = session.prepare_params({sql_step("small", small), sql_step("huge", huge, {"small"})});
    params.set("settings", Json::object({{"memory_limit_bytes", 64 << 20}}));
    WorkerProcess worker;
    run(worker, {}, std::move(params));
    for (const char* id : {"small", "huge"}) worker.request(id, "execute_step", Json::object({{"step_id", id}}));
    EXPECT_EQ(worker.response("small")["result"]["status"].as_string(), "success");
    const Json failed = worker.response("huge")["error"];
    EXPECT_EQ(failed["code"].as_string(), "exhausted");
    EXPECT_EQ(failed["category"].as_string(), "runtime.memory_exceeded");
    EXPECT_THAT(failed["hint"].as_string(), HasSubstr("--memory-limit"));
    EXPECT_THAT(failed["message"].as_string(), Not(HasSubstr("SET ")));
    worker.request("alive", "ping");
    EXPECT_TRUE(worker.response("alive").contains("result"));
  }
}
#endif

TEST_F(WorkerTest, CannotPrepareInADirectoryThatCannotBeMade) {
  Json params = session_.prepare_params({});
  params.set("session_dir", "/dev/full/session");
  WorkerProcess worker;
  worker.request("prepare", "prepare", std::move(params));
  EXPECT_THAT(worker.response("prepare")["error"]["message"].as_string(), HasSubstr("/dev/full/session"));
}

TEST_F(WorkerTest, ShowsNoSecretInAnythingItWrites) {
  const std::string password = "canary-Pa55/word+\"x\"", token = "canary token ümlaut";
  Json params = session_.prepare_params({});
  Json step = mock_step("a", R"({"print_secrets":true,"connection":"@mysql.shop","say":"x"})");
  Json innocent = mock_step("b", R"({"say":"nothing","rows":3})");
  params.set("plan", Json::object({{"steps", Json::array({step, innocent})}}));
  params.set(
      "connections",
      *parse_json(
          R"({"@mysql.shop":{"family":"mysql","alias":"shop","fields":{"host":"h"},"secrets":{"password":"connection/mysql.shop/password"}}})"));
  params.set("secrets", Json::object({{"connection/mysql.shop/password", password}}));
  params.set("env", Json::object({{"TOKEN", token}}));
  WorkerProcess worker;
  run(worker, {}, std::move(params));
  for (const char* id : {"a", "b"}) worker.request(id, "execute_step", Json::object({{"step_id", id}}));
  EXPECT_EQ(worker.response("a")["error"]["category"].as_string(), "connection.auth_failed");
  worker.request("finish", "finish");
  worker.response("finish");
  std::string everything = worker.raw_output() + worker.log();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(session_.directory())) {
    if (entry.is_regular_file()) everything += *read_file(entry.path());
  }
  EXPECT_THAT(everything, HasSubstr("***MASKED***"));
  for (const std::string& secret : {password, token}) {
    for (const std::string& spelling : secret_spellings(secret))
      EXPECT_EQ(everything.find(spelling), std::string::npos) << spelling;
  }
}

TEST_F(WorkerTest, CarriesRelationsBetweenWorkers) {
  WorkerProcess first;
  run(first, {mock_step("make", R"({"rows":50000})"), mock_step("elsewhere", "{}", {"make"})},
      session_.prepare_params({mock_step("make", R"({"rows":50000})"), mock_step("elsewhere", "{}", {"make"})}));
  first.request("get", "get_relation", Json::object({{"step_id", "make"}}));
  const Json got = first.response("get")["result"];
  ASSERT_EQ(got["rows"].as_int(), 50000);
  const std::string parquet = first.blobs(got["bytes"].as_uint());
  ASSERT_EQ(parquet.size(), got["bytes"].as_uint());

  Session elsewhere;
  WorkerProcess second;
  second.request(
      "prepare", "prepare",
      elsewhere.prepare_params(
          {mock_step("make"), sql_step("count", "SELECT count(*) AS n, max(name) AS m FROM df_make", {"make"})}));
  second.request("count", "execute_step", Json::object({{"step_id", "count"}}));
  second.request("put", "put_relation", Json::object({{"step_id", "make"}, {"bytes", uint64_t{parquet.size()}}}));
  // In two blobs of odd sizes.
  const size_t half = parquet.size() / 2 + 1;
  second.send_bytes(*rpc::encode_blob(parquet.substr(0, half)));
  second.send_bytes(*rpc::encode_blob(parquet.substr(half)));
  EXPECT_EQ(second.response("put")["result"]["rows"].as_int(), 50000);
  EXPECT_EQ(second.response("count")["result"]["metrics"]["rows_read"].as_int(), 50000);
}

TEST_F(WorkerTest, RefusesRelationsThatAreShortLongOrNoParquet) {
  WorkerProcess worker;
  run(worker, {});
  worker.request("short", "put_relation", Json::object({{"step_id", "a"}, {"bytes", 100}}));
  worker.send_bytes(*rpc::encode_blob("too little"));
  worker.request("ping", "ping");
  EXPECT_EQ(worker.response("short")["error"]["code"].as_string(), "invalid_argument");
  worker.request("long", "put_relation", Json::object({{"step_id", "a"}, {"bytes", 3}}));
  worker.send_bytes(*rpc::encode_blob("too much"));
  EXPECT_EQ(worker.response("long")["error"]["code"].as_string(), "invalid_argument");
  worker.request("bad", "put_relation", Json::object({{"step_id", "a"}, {"bytes", 10}}));
  worker.send_bytes(*rpc::encode_blob("no parquet"));
  EXPECT_EQ(worker.response("bad")["error"]["code"].as_string(), "invalid_argument");
  worker.request("none", "get_relation", Json::object({{"step_id", "a"}}));
  EXPECT_EQ(worker.response("none")["error"]["code"].as_string(), "not_found");
}

TEST_F(WorkerTest, FailsAStepWhoseSqlIsWrongOrHostileAndSaysWhy) {
  WorkerProcess worker;
  run(worker, {sql_step("wrong", "SELEC 1")});
  EXPECT_THAT(worker.response("wrong")["error"]["message"].as_string(), HasSubstr("syntax error"));
  Session other;
  WorkerProcess second;
  second.request("prepare", "prepare",
                 other.prepare_params({sql_step("hostile", "SELECT * FROM read_text('/etc/passwd')")}));
  second.request("hostile", "execute_step", Json::object({{"step_id", "hostile"}}));
  const Json refused = second.response("hostile")["error"];
  EXPECT_EQ(refused["code"].as_string(), "step_failed");
  EXPECT_THAT(refused["message"].as_string(), HasSubstr("cannot reach files"));
}

TEST_F(WorkerTest, SaysFatalWhereItsMachineHasNoMoreThreads) {
  WorkerProcess worker({"/usr/bin/prlimit", "--stack=" + std::to_string(kImpossibleStack), worker_binary()});
  EXPECT_EQ(worker.wait().value, 3);
  const Json last = worker.records().back();
  EXPECT_EQ(last["type"].as_string(), "fatal");
  EXPECT_EQ(last["error"]["category"].as_string(), "system.resource_unavailable");
  EXPECT_THAT(last["error"]["message"].as_string(), HasSubstr("the machine has no more threads"));
}

}  // namespace
}  // namespace osiris::worker::test

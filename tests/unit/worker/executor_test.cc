// The dataflow executor with small drivers of the test's own, a real database and a sink that keeps what is sent.
#include "worker/executor/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <future>

#include "protocol/base/file.h"
#include "protocol/model/step_naming.h"
#include "tests/support/eventually.h"

namespace osiris::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Where test drivers meet: a step waits at a gate until the test, or another step, opens it.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_for_waiters(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};
std::unique_ptr<Gate> gate;
std::atomic<int> attempts{0};

Result<StepOutcome> produce(StepContext& step) {
  const uint64_t rows = step.config()["rows"].as_uint(3);
  duckdb_result result;
  const std::string sql =
      "CREATE TABLE " + step.output_table().quoted() + " AS SELECT range AS i FROM range(" + std::to_string(rows) + ")";
  EXPECT_EQ(duckdb_query(step.connection_handle(), sql.c_str(), &result), DuckDBSuccess)
      << duckdb_result_error(&result);
  duckdb_destroy_result(&result);
  return StepOutcome{rows, 0};
}
Result<StepOutcome> consume(StepContext& step) {
  StepOutcome outcome;
  for (const Input& input : step.inputs()) outcome.rows_written += input.rows;
  return outcome;
}
Result<StepOutcome> fail(StepContext& step) {
  return Error(Code::kStepFailed, step.config()["why"].as_string_or("no reason"));
}
Result<StepOutcome> wait_at_gate(StepContext&) {
  gate->wait();
  return StepOutcome{};
}
Result<StepOutcome> until_cancelled(StepContext& step) {
  gate->wait();
  EXPECT_TRUE(test::eventually([&] { return step.is_cancelled(); }));
  return Error(Code::kCancelled, "stopped");
}
Result<StepOutcome> endless_query(StepContext& step) {
  gate->wait();
  return step.run_confined("SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range * b.range = -1")
                 .ok()
             ? Result<StepOutcome>(StepOutcome{})
             : Result<StepOutcome>(Error(Code::kStepFailed, "interrupted"));
}
Result<StepOutcome> fail_twice(StepContext&) {
  if (++attempts < 3) return Error(Code::kUnavailable, "attempt " + std::to_string(attempts));
  return StepOutcome{};
}
Result<StepOutcome> wrong_input(StepContext&) {
  ++attempts;
  return Error(Code::kInvalidArgument, "wrong");
}
Result<StepOutcome> show_connection(StepContext& step) {
  return Error(Code::kStepFailed, "connected with " + step.connection()->fields["password"].as_string());
}
Result<StepOutcome> talk(StepContext& step) {
  step.event("said", Json::object({{"event", "forged"}, {"step_id", "forged"}, {"text", "the word is hunter22"}}));
  step.metric("made", 2, "things");
  step.progress(5);
  return StepOutcome{5, 0};
}
Result<StepOutcome> write_file(StepContext& step) {
  const OutputFile file{"out.txt", step.output_file("out.txt").absolute};
  std::ofstream(file.target) << "text";
  const Status added = step.add_output(file, 1);
  if (!added.ok()) return added.error();
  return StepOutcome{0, 1};
}
Result<StepOutcome> count_input(StepContext& step) {
  const auto rows = step.run_confined("SELECT * FROM input_df");
  if (!rows.ok()) return rows.error();
  return StepOutcome{*rows, 0};
}

const Driver kTestDrivers[] = {
    {"produce", produce, nullptr},
    {"consume", consume, nullptr},
    {"fail", fail, nullptr},
    {"wait", wait_at_gate, nullptr},
    {"until_cancelled", until_cancelled, nullptr},
    {"endless_query", endless_query, nullptr},
    {"fail_twice", fail_twice, nullptr},
    {"wrong_input", wrong_input, nullptr},
    {"show_connection", show_connection, nullptr},
    {"talk", talk, nullptr},
    {"write_file", write_file, nullptr},
    {"count_input", count_input, nullptr},
};

class KeepingSink : public RecordSink {
 public:
  void emit(rpc::Record record) override {
    const std::lock_guard lock(mutex_);
    records_.push_back(std::move(record));
  }
  std::vector<Json> events() {
    const std::lock_guard lock(mutex_);
    std::vector<Json> list;
    for (const auto& record : records_) {
      if (const auto* event = std::get_if<rpc::Event>(&record)) list.push_back(event->data);
    }
    return list;
  }
  std::vector<std::string> event_names(std::string_view step_id) {
    std::vector<std::string> names;
    for (const Json& event : events()) {
      if (event["step_id"].as_string() == step_id) names.push_back(event["event"].as_string());
    }
    return names;
  }
  Json event(std::string_view name) {
    for (const Json& event : events()) {
      if (event["event"].as_string() == name) return event;
    }
    return {};
  }
  Json metric(std::string_view name) {
    const std::lock_guard lock(mutex_);
    for (const auto& record : records_) {
      const auto* metric = std::get_if<rpc::Metric>(&record);
      if (metric && metric->data["metric"].as_string() == name) return metric->data;
    }
    return {};
  }

 private:
  std::mutex mutex_;
  std::vector<rpc::Record> records_;
};

Json step(const std::string& id, const std::string& driver, std::vector<std::string> needs = {},
          Json cfg = Json::object()) {
  Json json = Json::object({{"id", id},
                            {"component", driver},
                            {"driver", driver},
                            {"mode", "transform"},
                            {"cfg_path", "cfg/" + id + ".json"},
                            {"cfg", std::move(cfg)}});
  Json need_list = Json::array(), inputs = Json::object();
  for (const std::string& need : needs) {
    need_list.push_back(need);
    inputs.set(relation_name(need), Json::object({{"from_step", need}}));
  }
  json.set("needs", std::move(need_list));
  json.set("inputs", std::move(inputs));
  return json;
}

class ExecutorTest : public ::testing::Test {
 protected:
  ExecutorTest() {
    gate = std::make_unique<Gate>();
    attempts = 0;
    char name[] = "/tmp/osiris-executor-XXXXXX";
    directory_ = ::mkdtemp(name);
    std::filesystem::create_directories(directory_ / "work");
  }
  ~ExecutorTest() override {
    executor_.reset();
    std::filesystem::remove_all(directory_);
  }

  void plan(std::vector<Json> steps) {
    auto parsed = plan_from_json(Json::object({{"steps", Json(Json::Array(steps))}}));
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    worker::Run run;
    run.run_id = "run";
    run.session_dir = directory_ / "session";
    run.paths = PathMap(directory_ / "work", {});
    run.threads = 4;
    run.database = std::make_shared<Database>(DatabaseOptions{0, 2, run.worker_dir() / "spill"});
    run.connections = parse(
        R"({"@db.shop":{"family":"db","alias":"shop","fields":{"host":"h"},"secrets":{"password":"connection/db.shop/password"}},
                                "@db.lost":{"family":"db","alias":"lost","fields":{},"secrets":{"password":"connection/db.lost/password"}}})");
    run.secrets = parse(R"({"connection/db.shop/password":"hunter22"})");
    auto redactor = std::make_shared<Redactor>();
    redactor->add("hunter22");
    run.redactor = redactor;
    run.find_driver = [](std::string_view wanted) -> const Driver* {
      for (const Driver& driver : kTestDrivers) {
        if (driver.name == wanted) return &driver;
      }
      return nullptr;
    };
    run.secret_pointers = [](std::string_view) { return "/secret_key /resolved_connection/password"; };
    executor_ = std::make_unique<Executor>(std::move(run), *std::move(parsed), sink_, log_, *clock_);
  }
  static Json parse(std::string_view text) { return *parse_json(text); }

  void ask(const std::string& id) {
    executor_->execute(id, [this, id](Outcome outcome) {
      const std::lock_guard lock(mutex_);
      outcomes_[id] = std::move(outcome);
      order_.push_back(id);
      changed_.notify_all();
    });
  }
  void ask_all(std::initializer_list<std::string> ids) {
    for (const std::string& id : ids) ask(id);
  }
  Outcome outcome(const std::string& id) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return outcomes_.contains(id); });
    return outcomes_[id];
  }
  Json result(const std::string& id) {
    const Outcome end = outcome(id);
    const Json* json = std::get_if<Json>(&end);
    EXPECT_NE(json, nullptr) << id << ": " << std::get<Error>(end).message;
    return json ? *json : Json();
  }
  Error error(const std::string& id) {
    const Outcome end = outcome(id);
    const auto* failure = std::get_if<Error>(&end);
    EXPECT_NE(failure, nullptr) << id << " succeeded";
    return failure ? *failure : Error();
  }
  Json finish() {
    std::promise<Outcome> promise;
    executor_->finish([&](Outcome outcome) { promise.set_value(std::move(outcome)); });
    return std::get<Json>(promise.get_future().get());
  }
  std::string cleaned_config(const std::string& id) {
    return *read_file(directory_ / "session/artifacts" / id / "cleaned_config.json");
  }

  std::filesystem::path directory_;
  KeepingSink sink_;
  Log log_{-1};
  const Clock* clock_ = &system_clock();
  std::unique_ptr<Executor> executor_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Outcome> outcomes_;
  std::vector<std::string> order_;
};

TEST_F(ExecutorTest, RunsAStepWhenItsInputsExistWhateverTheOrderOfRequests) {
  plan({step("a", "produce"), step("b", "count_input", {"a"}), step("c", "consume", {"b"})});
  ask_all({"c", "b", "a"});
  EXPECT_EQ(result("c")["metrics"]["rows_written"].as_int(), 3);
  EXPECT_THAT(order_, ElementsAre("a", "b", "c"));
  EXPECT_EQ(result("b")["outputs"]["df"].as_string(), "df_b");
  EXPECT_EQ(result("c")["outputs"].size(), 0u);
}

TEST_F(ExecutorTest, RunsIndependentStepsSideBySide) {
  plan({step("a", "wait"), step("b", "wait"), step("c", "wait")});
  ask_all({"a", "b", "c"});
  gate->wait_for_waiters(3);
  EXPECT_EQ(executor_->progress().size(), 3u);
  gate->open();
  for (const char* id : {"a", "b", "c"}) result(id);
}

TEST_F(ExecutorTest, EmitsTheEventsOfAStepInTheirDocumentedOrder) {
  Json with_connection =
      step("b", "count_input", {"a"}, parse(R"({"component":"count_input","connection":"@db.shop","limit":1})"));
  plan({step("a", "produce"), with_connection});
  ask_all({"a", "b"});
  result("b");
  EXPECT_THAT(
      sink_.event_names("b"),
      ElementsAre("step_start", "artifacts_dir_created", "cfg_opened", "config_meta_stripped", "artifact_created",
                  "connection_resolve_start", "connection_resolve_complete", "inputs_resolved", "step_complete"));
  EXPECT_EQ(sink_.event("config_meta_stripped")["keys_removed"].size(), 0u);
  const Json resolved = sink_.event("connection_resolve_complete");
  EXPECT_EQ(resolved["family"].as_string(), "db");
  EXPECT_EQ(resolved["alias"].as_string(), "shop");
  EXPECT_TRUE(resolved["ok"].as_bool());
  const Json input = sink_.event("inputs_resolved");
  EXPECT_EQ(input["key"].as_string(), "df_a");
  EXPECT_EQ(input["rows"].as_int(), 3);
}

TEST_F(ExecutorTest, EmitsMetricsWithStepIdAndTag) {
  plan({step("a", "produce"), step("b", "count_input", {"a"})});
  ask_all({"a", "b"});
  result("b");
  for (const char* name : {"rows_in", "rows_read", "rows_out", "step_duration_ms", "step_b_duration"}) {
    const Json metric = sink_.metric(name);
    EXPECT_FALSE(metric["step_id"].as_string().empty()) << name;
    EXPECT_EQ(metric["tags"]["step"], metric["step_id"]) << name;
  }
}

TEST_F(ExecutorTest, StopsTheRunAtTheFirstFailureAndNamesItInEverySkippedStep) {
  plan({step("a", "fail", {}, parse(R"({"why":"out of luck"})")), step("b", "consume", {"a"}),
        step("c", "consume", {"b"}), step("d", "until_cancelled")});
  ask_all({"d", "b", "c"});
  gate->wait_for_waiters(1);
  gate->open();
  ask("a");
  EXPECT_EQ(error("a").message, "out of luck");
  for (const char* id : {"b", "c"}) {
    const Error skipped = error(id);
    EXPECT_EQ(skipped.code, Code::kCancelled);
    EXPECT_EQ(skipped.category, "runtime.dependency_failed");
    EXPECT_TRUE(skipped.detail["skipped"].as_bool());
    EXPECT_EQ(skipped.detail["cause"].as_string(), "a");
    EXPECT_THAT(sink_.event_names(id), ElementsAre("step_skipped"));
  }
  const Error stopped = error("d");
  EXPECT_EQ(stopped.code, Code::kCancelled);
  EXPECT_FALSE(stopped.detail["skipped"].as_bool());
  EXPECT_THAT(stopped.message, HasSubstr("another step failed"));
  EXPECT_EQ(finish()["steps_completed"].as_int(), 0);
}

TEST_F(ExecutorTest, SkipsStepsThatAreAskedForAfterTheFailure) {
  plan({step("a", "fail"), step("late", "produce")});
  ask("a");
  error("a");
  ask("late");
  EXPECT_EQ(error("late").detail["cause"].as_string(), "a");
}

TEST_F(ExecutorTest, ReportsAFailureUnderBothNames) {
  plan({step("a", "fail", {}, parse(R"({"why":"bad"})"))});
  ask("a");
  error("a");
  EXPECT_EQ(sink_.event("step_failed")["error"].as_string(), "bad");
  EXPECT_EQ(sink_.event("step_error")["error_type"].as_string(), "step_failed");
}

TEST_F(ExecutorTest, CancelStopsRunningStepsAndSkipsWaitingOnes) {
  plan({step("a", "until_cancelled"), step("b", "consume", {"a"})});
  ask_all({"a", "b"});
  gate->wait_for_waiters(1);
  gate->open();
  executor_->cancel("the user asked");
  EXPECT_EQ(error("a").code, Code::kCancelled);
  EXPECT_TRUE(error("b").detail["cause"].is_null());
  EXPECT_TRUE(executor_->wait_idle(std::chrono::seconds(30)));
}

TEST_F(ExecutorTest, CancelInterruptsARunningQuery) {
  plan({step("a", "endless_query")});
  ask("a");
  gate->wait_for_waiters(1);
  gate->open();
  executor_->cancel("the user asked");
  EXPECT_EQ(error("a").code, Code::kCancelled);
}

TEST_F(ExecutorTest, StopsAStepAtItsTimeoutAndSaysSo) {
  Json slow = step("a", "endless_query");
  slow.set("timeout_s", 0.05);
  plan({slow});
  gate->open();
  ask("a");
  const Error timed_out = error("a");
  EXPECT_EQ(timed_out.code, Code::kDeadline);
  EXPECT_EQ(timed_out.category, "runtime.timeout");
  EXPECT_THAT(timed_out.message, HasSubstr("0.05 s"));
}

TEST_F(ExecutorTest, LeavesAStepWithinItsTimeoutAlone) {
  Json quick = step("a", "produce");
  quick.set("timeout_s", 600);
  plan({quick});
  ask("a");
  result("a");
}

// Somebody sets the wall clock between any two looks at it.
class SetWallClock : public Clock {
 public:
  int64_t unix_ns() const override {
    return system_clock().unix_ns() + (looks_++ % 2 ? 1 : -1) * int64_t{1000'000'000'000};
  }
  int64_t monotonic_ns() const override { return system_clock().monotonic_ns(); }

 private:
  mutable std::atomic<int> looks_{0};
};

TEST_F(ExecutorTest, AWallClockThatIsSetNeitherEndsNorSavesAStep) {
  const SetWallClock clock;
  clock_ = &clock;
  Json quick = step("a", "produce"), slow = step("b", "endless_query");
  quick.set("timeout_s", 600);
  slow.set("timeout_s", 0.05);
  plan({quick, slow});
  gate->open();
  ask("a");
  EXPECT_LT(result("a")["metrics"]["duration_ms"].as_int(), 600'000);
  ask("b");
  EXPECT_EQ(error("b").code, Code::kDeadline);
  executor_.reset();  // before its clock
}

TEST_F(ExecutorTest, RetriesAsOftenAsTheStepAllows) {
  Json flaky = step("a", "fail_twice");
  flaky.set("retry", parse(R"({"max_attempts":3,"delay_s":0})"));
  plan({flaky});
  ask("a");
  result("a");
  EXPECT_EQ(attempts, 3);
  const Json retry = sink_.event("step_retry");
  EXPECT_EQ(retry["attempt"].as_int(), 2);
  EXPECT_EQ(retry["max_attempts"].as_int(), 3);
}

TEST_F(ExecutorTest, FailsWhenTheAttemptsAreUsedUp) {
  Json flaky = step("a", "fail_twice");
  flaky.set("retry", parse(R"({"max_attempts":2,"delay_s":0})"));
  plan({flaky});
  ask("a");
  EXPECT_EQ(error("a").message, "attempt 2");
}

TEST_F(ExecutorTest, DoesNotRetryWrongInput) {
  Json wrong = step("a", "wrong_input");
  wrong.set("retry", parse(R"({"max_attempts":5,"delay_s":0})"));
  plan({wrong});
  ask("a");
  error("a");
  EXPECT_EQ(attempts, 1);
}

TEST_F(ExecutorTest, WritesTheCleanedConfigWithoutSecretsAndWithoutMetaKeys) {
  plan({step(
      "a", "talk", {},
      parse(
          R"({"component":"talk","connection":"@db.shop","secret_key":"abc","note":"say hunter22","path":"x.csv"})"))});
  ask("a");
  result("a");
  EXPECT_EQ(cleaned_config("a"), R"({
  "note": "say ***MASKED***",
  "path": "x.csv",
  "resolved_connection": {
    "host": "h",
    "password": "***MASKED***"
  },
  "secret_key": "***MASKED***"
})");
}

TEST_F(ExecutorTest, GivesTheDriverTheSecretAndFailsWithoutOne) {
  plan({step("good", "show_connection", {}, parse(R"({"connection":"@db.shop"})"))});
  ask("good");
  EXPECT_THAT(error("good").message, HasSubstr("hunter22"));  // the record stream hides it, not the executor

  executor_.reset();
  plan({step("bad", "show_connection", {}, parse(R"({"connection":"@db.lost"})"))});
  ask("bad");
  EXPECT_EQ(error("bad").category, "connection.invalid_config");
  EXPECT_FALSE(sink_.event("connection_resolve_complete").is_null());
}

TEST_F(ExecutorTest, FailsAStepWhoseConnectionIsUnknown) {
  plan({step("a", "show_connection", {}, parse(R"({"connection":"@db.nowhere"})"))});
  ask("a");
  EXPECT_EQ(error("a").category, "connection.not_found");
}

TEST_F(ExecutorTest, LetsNoDriverForgeTheStepOfAnEventOrShowASecret) {
  plan({step("a", "talk")});
  ask("a");
  result("a");
  const Json said = sink_.event("said");
  EXPECT_EQ(said["step_id"].as_string(), "a");
  EXPECT_EQ(said["text"].as_string(), "the word is ***MASKED***");
  EXPECT_EQ(sink_.metric("made")["unit"].as_string(), "things");
  EXPECT_TRUE(sink_.event("forged").is_null());
}

TEST_F(ExecutorTest, DeclaresWrittenFilesWithTheirHash) {
  Json writer = step("a", "write_file");
  writer.set("mode", "write");
  writer.set("outputs",
             Json::array({Json::object({{"path", "out.txt"}, {"target", (directory_ / "target.txt").string()}})}));
  plan({writer});
  ask("a");
  const Json artifact = result("a")["artifacts"].items().at(0);
  EXPECT_EQ(artifact["target"].as_string(), (directory_ / "target.txt").string());
  EXPECT_EQ(artifact["size_bytes"].as_int(), 4);
  EXPECT_EQ(artifact["sha256"].as_string(), "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1");
  EXPECT_EQ(sink_.event("output_written")["path"].as_string(), "out.txt");
  EXPECT_EQ(finish()["artifacts"].size(), 1u);
}

TEST_F(ExecutorTest, CountsWrittenRowsIfThereAreAnyElseReadRows) {
  Json reader = step("r", "produce");
  reader.set("mode", "read");
  Json writer = step("w", "consume", {"r"});
  writer.set("mode", "write");
  plan({reader, writer});
  ask_all({"r", "w"});
  const Json end = finish();
  EXPECT_EQ(end["total_rows"].as_int(), 3);
  EXPECT_EQ(end["steps_executed"].as_int(), 2);
  EXPECT_EQ(end["steps_total"].as_int(), 2);
  EXPECT_EQ(sink_.metric("rows_written")["value"].as_int(), 3);
  EXPECT_EQ(sink_.event("cleanup_complete")["total_rows"].as_int(), 3);
}

TEST_F(ExecutorTest, FinishWaitsForEveryStepAskedForBefore) {
  plan({step("a", "wait")});
  ask("a");
  gate->wait_for_waiters(1);
  std::promise<Outcome> promise;
  executor_->finish([&](Outcome outcome) { promise.set_value(std::move(outcome)); });
  EXPECT_TRUE(sink_.event("cleanup_complete").is_null());
  gate->open();
  EXPECT_EQ(std::get<Json>(promise.get_future().get())["steps_completed"].as_int(), 1);
}

TEST_F(ExecutorTest, FinishIsAnsweredAfterAnAnswerThatIsStillOnItsWay) {
  plan({step("a", "produce"), step("b", "produce")});
  executor_->execute("a", [](const Outcome&) { gate->wait(); });
  ask("b");
  EXPECT_EQ(result("b")["status"].as_string(), "success");
  gate->wait_for_waiters(1);
  std::promise<Outcome> promise;
  executor_->finish([&](Outcome outcome) { promise.set_value(std::move(outcome)); });
  EXPECT_TRUE(sink_.event("cleanup_complete").is_null());
  gate->open();
  EXPECT_EQ(std::get<Json>(promise.get_future().get())["steps_completed"].as_int(), 2);
}

TEST_F(ExecutorTest, FinishSkipsStepsThatWaitForOneNobodyAskedFor) {
  plan({step("a", "produce"), step("b", "consume", {"a"}), step("c", "produce")});
  ask_all({"b", "c"});
  EXPECT_EQ(finish()["steps_completed"].as_int(), 1);
  EXPECT_EQ(error("b").detail["cause"].as_string(), "a");
  EXPECT_THAT(error("b").message, HasSubstr("never asked for"));
}

TEST_F(ExecutorTest, FinishEndsACycleInsteadOfWaitingForEver) {
  plan({step("a", "consume", {"b"}), step("b", "consume", {"a"})});
  ask_all({"a", "b"});
  EXPECT_EQ(finish()["steps_executed"].as_int(), 0);
  error("a");
}

TEST_F(ExecutorTest, AnswersAStepAskedForTwiceAndOneItDoesNotKnow) {
  plan({step("a", "produce")});
  ask("a");
  result("a");
  std::promise<Outcome> twice, unknown;
  executor_->execute("a", [&](Outcome outcome) { twice.set_value(std::move(outcome)); });
  executor_->execute("x", [&](Outcome outcome) { unknown.set_value(std::move(outcome)); });
  EXPECT_EQ(std::get<Error>(twice.get_future().get()).code, Code::kInvalidState);
  EXPECT_EQ(std::get<Error>(unknown.get_future().get()).code, Code::kNotFound);
}

TEST_F(ExecutorTest, FailsAStepWhoseDriverIsMissing) {
  plan({step("a", "supabase.writer")});
  ask("a");
  EXPECT_EQ(error("a").code, Code::kUnsupported);
  EXPECT_THAT(error("a").message, HasSubstr("supabase.writer"));
}

TEST_F(ExecutorTest, GivesNoRowsOfAStepThatHasNone) {
  plan({step("w", "consume"), step("b", "consume", {"w"})});
  ask_all({"w", "b"});
  EXPECT_EQ(result("b")["metrics"]["rows_written"].as_int(), 0);
  EXPECT_THAT(sink_.event_names("b"), Not(::testing::Contains("inputs_resolved")));
}

TEST_F(ExecutorTest, KeepsAnOutputForTheReadersOfThePlanAndFreesItThen) {
  plan({step("a", "produce"), step("b", "count_input", {"a"})});
  ask("a");
  result("a");
  std::promise<bool> before, after;
  executor_->get_relation("a", [&](auto relation) { before.set_value(relation.ok()); });
  EXPECT_TRUE(before.get_future().get());
  ask("b");
  result("b");
  EXPECT_TRUE(executor_->wait_idle(std::chrono::seconds(30)));
  executor_->get_relation("a", [&](auto relation) { after.set_value(relation.ok()); });
  EXPECT_FALSE(after.get_future().get());
}

TEST_F(ExecutorTest, TakesARelationInPlaceOfAStep) {
  plan({step("a", "produce"), step("b", "count_input", {"a"})});
  ask("b");
  StepDatabase elsewhere(executor_->run().database, "a", {});
  ASSERT_TRUE(elsewhere.run_confined("SELECT 1 AS i UNION ALL SELECT 2").ok());
  EXPECT_TRUE(executor_->put_relation("a", *elsewhere.take_output()).ok());
  EXPECT_EQ(result("b")["metrics"]["rows_read"].as_int(), 2);
  EXPECT_FALSE(executor_->put_relation("a", nullptr).ok());
}

TEST_F(ExecutorTest, RunsAStepThatBringsAllItNeedsAsTheSeedHasIt) {
  plan({});
  auto whole = plan_step_from_json(parse(R"({"step_id":"extract","driver":"produce","config":{"rows":7}})"));
  ASSERT_TRUE(whole.ok());
  std::promise<Outcome> promise;
  executor_->execute(*whole, [&](Outcome outcome) { promise.set_value(std::move(outcome)); });
  const Json answer = std::get<Json>(promise.get_future().get());
  EXPECT_EQ(answer["outputs"]["df"].as_string(), "df_extract");
  EXPECT_EQ(answer["metrics"]["rows_read"].as_int(), 7);
}

TEST_F(ExecutorTest, RunsAThousandStepsOfAChain) {
  std::vector<Json> steps = {step("s0", "consume")};
  for (int i = 1; i < 1000; ++i)
    steps.push_back(step("s" + std::to_string(i), "consume", {"s" + std::to_string(i - 1)}));
  plan(steps);
  for (int i = 999; i >= 0; --i) ask("s" + std::to_string(i));
  EXPECT_EQ(finish()["steps_completed"].as_int(), 1000);
}

}  // namespace
}  // namespace osiris::worker

#include "tests/unit/worker/executor_fixture.h"

#include <fstream>
#include <new>

#include "protocol/model/step_naming.h"
#include "tests/support/eventually.h"

namespace osiris::worker {

std::unique_ptr<Gate> gate;
std::atomic<int> attempts{0};
std::atomic<int> most_computing{0};

namespace {

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
  EXPECT_TRUE(osiris::test::eventually([&] { return step.is_cancelled(); }));
  return Error(Code::kCancelled, "stopped");
}
Result<StepOutcome> endless_query(StepContext& step) {
  gate->wait();
  return step.run_confined("SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range * b.range = -1",
                           Json())
                 .ok()
             ? Result<StepOutcome>(StepOutcome{})
             : Result<StepOutcome>(Error(Code::kStepFailed, "interrupted"));
}
Result<StepOutcome> fail_twice(StepContext&) {
  if (++attempts < 3) return Error(Code::kUnavailable, "attempt " + std::to_string(attempts));
  return StepOutcome{};
}
Result<StepOutcome> out_of_memory(StepContext&) { throw std::bad_alloc(); }
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
Result<StepOutcome> report_and_wait(StepContext& step) {
  step.progress(2);
  step.progress_bytes(10, 40);
  gate->wait();
  return StepOutcome{2, 0};
}
Result<StepOutcome> count_runs(StepContext& step) {
  OSIRIS_TRY(step.set_state(Json::object({{"runs", step.state()["runs"].as_int() + 1}})));
  if (step.config()["secret"].as_bool()) OSIRIS_TRY(step.set_state(Json::object({{"token", "the hunter22"}})));
  if (step.config()["large"].as_bool()) OSIRIS_TRY(step.set_state(Json::object({{"x", std::string(300'000, 'x')}})));
  if (step.config()["fails"].as_bool()) return Error(Code::kStepFailed, "no luck");
  return StepOutcome{};
}
std::atomic<int> computing = 0;
Result<StepOutcome> compute_at_gate(StepContext&) {
  most_computing = std::max<int>(most_computing, ++computing);
  gate->wait();
  --computing;
  return StepOutcome{};
}
Result<StepOutcome> write_file(StepContext& step) {
  const OutputFile file{"out.txt", step.output_file("out.txt").absolute};
  std::ofstream(file.target) << "text";
  const Status added = step.add_output(file, 1);
  if (!added.ok()) return added.error();
  return StepOutcome{0, 1};
}
Result<StepOutcome> count_input(StepContext& step) {
  const auto rows = step.run_confined("SELECT * FROM input_df", Json());
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
    {"out_of_memory", out_of_memory, nullptr},
    {"wrong_input", wrong_input, nullptr},
    {"show_connection", show_connection, nullptr},
    {"talk", talk, nullptr},
    {"report_and_wait", report_and_wait, nullptr},
    {"write_file", write_file, nullptr},
    {.name = "compute", .run = compute_at_gate},
    {.name = "far", .run = wait_at_gate, .waits = true},
    {"count_input", count_input, nullptr},
    {"count_runs", count_runs, nullptr},
};

}  // namespace

Json step(const std::string& id, const std::string& driver, const std::vector<std::string>& needs, Json cfg) {
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

void ExecutorTest::plan(const std::vector<Json>& steps) {
  auto parsed = plan_from_json(Json::object({{"steps", Json(Json::Array(steps))}}));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  worker::Run run;
  run.run_id = "run";
  run.session_dir = directory_ / "session";
  run.paths = PathMap(directory_ / "work", {});
  run.threads = 4;
  run.parallel = 6;
  run.settings = settings_;
  run.database = std::make_shared<Database>(DatabaseOptions{memory_limit_bytes_, 2, run.worker_dir() / "spill"});
  run.connections = parse(
      R"({"@db.shop":{"family":"db","alias":"shop","fields":{"host":"h"},"secrets":{"password":"connection/db.shop/password"}},
                              "@db.lost":{"family":"db","alias":"lost","fields":{},"secrets":{"password":"connection/db.lost/password"}}})");
  for (const auto& [reference, connection] : more_connections_.members()) run.connections.set(reference, connection);
  run.secrets = parse(R"({"connection/db.shop/password":"hunter22"})");
  auto redactor = std::make_shared<Redactor>();
  redactor->add("hunter22");
  run.redactor = redactor;
  run.find_driver = [more = more_drivers](std::string_view wanted) -> const Driver* {
    for (const Driver& driver : kTestDrivers) {
      if (driver.name == wanted) return &driver;
    }
    return more ? more(wanted) : nullptr;
  };
  run.secret_pointers = [](std::string_view) { return "/secret_key /resolved_connection/password"; };
  executor_ = std::make_unique<Executor>(std::move(run), *std::move(parsed), sink_, log_, *clock_);
}

}  // namespace osiris::worker

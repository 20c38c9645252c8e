#include "worker/drivers/mock/driver.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "protocol/base/categories.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(2);
constexpr uint64_t kBatchRows = 10'000;

Status sleep_ms(StepContext& step, int64_t ms) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  while (std::chrono::steady_clock::now() < end) {
    if (step.is_cancelled()) return step_cancelled();
    std::this_thread::sleep_for(kPoll);
  }
  return {};
}

Status wait_for(StepContext& step, const std::string& path) {
  while (::access(step.input_file(path).absolute.c_str(), F_OK) != 0) {
    if (step.is_cancelled()) return step_cancelled();
    std::this_thread::sleep_for(kPoll);
  }
  return {};
}

// hang: "politely" until cancelled, "deaf" whatever happens, "query" inside a statement that takes for ever.
Status hang(StepContext& step, const std::string& how) {
  if (how == "query") {
    const Status counted =
        sql::execute(step.connection_handle(),
                     "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range * b.range = -1");
    return counted ? Status() : Status(step_cancelled());
  }
  while (how == "deaf" || !step.is_cancelled()) std::this_thread::sleep_for(kPoll);
  return step_cancelled();
}

// A child process of the step's, in a process group of its own, that ignores SIGTERM; its id goes into an event.
void start_child(StepContext& step) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    ::signal(SIGTERM, SIG_IGN);
    for (;;) ::pause();
  }
  step.event("mock_child", Json::object({{"pid", int64_t{child}}}));
}

Status fill_table(StepContext& step, uint64_t rows, uint64_t fail_after) {
  const std::string table = step.output_table().quoted();
  const auto query = [&step](const std::string& text) { return sql::execute(step.connection_handle(), text); };
  OSIRIS_TRY(query("CREATE TABLE " + table + " (id BIGINT, name VARCHAR)"));
  for (uint64_t done = 0; done < rows;) {
    if (step.is_cancelled()) return step_cancelled();
    uint64_t next = std::min(rows, done + kBatchRows);
    if (fail_after > done && fail_after < next) next = fail_after;
    OSIRIS_TRY(query("INSERT INTO " + table + " SELECT range, 'row ' || range FROM range(" + std::to_string(done) +
                     ", " + std::to_string(next) + ")"));
    done = next;
    step.progress(done);
    if (done == fail_after)
      return Error(Code::kStepFailed, "mock failed after " + std::to_string(done) + " rows",
                   "Take fail_after_rows out of the config.", category::kExtractQueryFailed);
  }
  return {};
}

Status make_rows(StepContext& step, uint64_t rows, uint64_t fail_after) {
  const Status made = fill_table(step, rows, fail_after);
  if (!made)
    static_cast<void>(sql::execute(step.connection_handle(), "DROP TABLE IF EXISTS " + step.output_table().quoted()));
  return made;
}

// Fails the first `times` runs of the step, counted in a file, for tests of retries.
Status fail_at_first(StepContext& step, uint64_t times) {
  const auto path = step.artifacts_dir() / "mock_attempts";
  uint64_t before = 0;
  std::ifstream(path) >> before;
  std::ofstream(path) << before + 1;
  if (before < times) return Error(Code::kUnavailable, "mock failed on attempt " + std::to_string(before + 1));
  return {};
}

Status write_file(StepContext& step, const Json& config, uint64_t rows) {
  const std::string& path = config["write"].as_string();
  const OutputFile file{path, step.output_file(path).absolute};
  std::ofstream out(file.target, std::ios::binary);
  out << config["text"].as_string_or("mock\n");
  out.close();
  if (!out) return Error(Code::kInvalidArgument, "cannot write " + file.target.string(), "", category::kWriteFailed);
  return step.add_output(file, rows);
}

void say(StepContext& step, const Json& config) {
  const std::string& text = config["say"].as_string();
  step.event("mock_says", Json::object({{"text", text}, {"list", Json::array({text})}, {text, "as a key"}}));
  step.log(text);
}

// Secrets of the connection and the environment, everywhere a careless driver could put them.
Error print_secrets(StepContext& step) {
  std::string all;
  if (const ConnectionFields* connection = step.connection()) all += connection->fields.dump();
  all += step.passed_environment().dump();
  step.event("mock_secret", Json::object({{"text", all}}));
  step.log(all);
  return Error(Code::kStepFailed, "cannot log in with " + all, "the connection holds " + all,
               category::kConnectionAuthFailed);
}

Result<StepOutcome> run(StepContext& step) {
  const Json& config = step.config();
  StepOutcome outcome;
  for (const Input& input : step.inputs()) outcome.rows_read += input.rows;

  if (config.contains("fail_first")) OSIRIS_TRY(fail_at_first(step, config["fail_first"].as_uint()));
  if (config.contains("say")) say(step, config);
  if (config["child"].as_bool()) start_child(step);
  const uint64_t events = config["events"].as_uint();
  for (uint64_t i = 0; i < events; ++i) {
    if (step.is_cancelled()) return step_cancelled();
    step.event("mock_event", Json::object({{"number", i}}));
  }
  if (config.contains("sleep_ms")) OSIRIS_TRY(sleep_ms(step, config["sleep_ms"].as_int()));
  if (config.contains("wait_for")) OSIRIS_TRY(wait_for(step, config["wait_for"].as_string()));
  if (config.contains("allocate_bytes")) {
    std::string ballast(config["allocate_bytes"].as_uint(), 'x');
    step.event("mock_allocated",
               Json::object({{"bytes", uint64_t{ballast.size()}}, {"last", ballast.substr(ballast.size() - 1)}}));
  }
  if (config.contains("rows")) {
    const uint64_t rows = config["rows"].as_uint();
    OSIRIS_TRY(make_rows(step, rows, config["fail_after_rows"].as_uint(UINT64_MAX)));
    outcome.rows_read = rows;
  }
  if (config.contains("write")) {
    outcome.rows_written = outcome.rows_read;
    OSIRIS_TRY(write_file(step, config, outcome.rows_written));
  }
  if (config.contains("hang")) OSIRIS_TRY(hang(step, config["hang"].as_string()));
  if (config["garbage"].as_bool()) {
    // What a library that prints to stdout does to the stream of records.
    const std::string_view line = "this is no record\n";
    if (::write(1, line.data(), line.size()) < 0) return Error(Code::kUnavailable, "stdout is closed");
  }
  if (config.contains("exit")) ::_exit(static_cast<int>(config["exit"].as_int()));
  if (config.contains("signal")) {
    ::signal(static_cast<int>(config["signal"].as_int()), SIG_DFL);
    ::raise(static_cast<int>(config["signal"].as_int()));
  }
  if (config["print_secrets"].as_bool()) return print_secrets(step);
  if (config.contains("fail")) {
    Error error(Code::kStepFailed, config["fail"].as_string_or("mock failed"), "Take `fail` out of the config.");
    if (config.contains("fail_code")) error.code = code_from_name(config["fail_code"].as_string());
    return error;
  }
  return outcome;
}

Status check(StepContext& step) {
  if (step.config()["fail"].is_string()) return Error(Code::kUnavailable, step.config()["fail"].as_string());
  return {};
}

constexpr Driver kDriver = {.name = "mock", .run = run, .check = check, .uses_database = false};

}  // namespace

const Driver& mock() { return kDriver; }

}  // namespace osiris::worker

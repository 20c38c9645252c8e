// The worker binary as a file: what it needs, what its options print, and that it runs where nothing else is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/worker/worker_process.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

CommandOutput run(std::vector<std::string> arguments) {
  SpawnOptions options;
  options.arguments = std::move(arguments);
  options.environment = {{"PATH", "/usr/bin:/bin"}};
  auto output = run_command(options, 60'000);
  EXPECT_TRUE(output.ok());
  return output.ok() ? *output : CommandOutput{};
}

TEST(WorkerCommandLine, PrintsItsVersionAndExits) {
  const CommandOutput output = run({worker_binary(), "--version"});
  EXPECT_TRUE(output.exit.success());
  EXPECT_THAT(output.standard_output, MatchesRegex("osiris-worker [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(WorkerCommandLine, PrintsTheHashItSaysHelloWith) {
  WorkerProcess worker;
  EXPECT_EQ(run({worker_binary(), "--specs-hash"}).standard_output, worker.next()["specs_sha256"].as_string() + "\n");
}

TEST(WorkerCommandLine, PrintsTheLicencesOfWhatIsLinkedIn) {
  const CommandOutput output = run({worker_binary(), "--licenses"});
  for (const char* name : {"DuckDB", "MariaDB Connector/C", "GNU C Library", "OpenSSL", "LGPL-2.1", "Relinking"})
    EXPECT_THAT(output.standard_output, HasSubstr(name));
}

TEST(WorkerCommandLine, PrintsHelp) {
  EXPECT_THAT(run({worker_binary(), "--help"}).standard_output, HasSubstr("--licenses"));
}

TEST(WorkerCommandLine, RefusesWhatItDoesNotKnowWithStatus2) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--nonsense"}, {"--version", "extra"}, {"file.yaml"}}) {
    std::vector<std::string> command = {worker_binary()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const CommandOutput output = run(command);
    EXPECT_EQ(output.exit.value, 2);
    EXPECT_THAT(output.standard_error, HasSubstr(arguments[0]));
    EXPECT_TRUE(output.standard_output.empty());
  }
}

#ifdef OSIRIS_STATIC_WORKER
TEST(WorkerBinary, IsFullyStatic) {
  const CommandOutput headers = run({"/usr/bin/readelf", "-lW", worker_binary()});
  ASSERT_TRUE(headers.exit.success());
  EXPECT_THAT(headers.standard_output, HasSubstr("LOAD"));
  EXPECT_THAT(headers.standard_output, Not(HasSubstr("INTERP")));
  const CommandOutput dynamic = run({"/usr/bin/readelf", "-dW", worker_binary()});
  ASSERT_TRUE(dynamic.exit.success());
  EXPECT_THAT(dynamic.standard_output, Not(HasSubstr("NEEDED")));
}

TEST(WorkerBinary, RunsAPipelineInAnEmptyRoot) {
  const Session session;
  std::vector<std::string> command = {"/usr/bin/bwrap",    "--unshare-all",     "--die-with-parent", "--clearenv",
                                      "--ro-bind",         worker_binary(),     "/osiris-worker",    "--bind",
                                      session.directory(), session.directory(), "/osiris-worker"};
  {
    std::vector<std::string> probe = command;
    probe.push_back("--version");
    if (!run(probe).exit.success()) {
      if (std::getenv("CI")) FAIL() << "bubblewrap cannot make a namespace here";
      GTEST_SKIP() << "bubblewrap cannot make a namespace here";
    }
  }
  WorkerProcess worker(command);
  Json::Array steps = {
      mock_step("make", R"({"rows":1000})"),
      sql_step("sum", "SELECT sum(id)::VARCHAR AS s, now() AT TIME ZONE 'Europe/Prague' AS t FROM df_make", {"make"}),
      mock_step("write", R"({"write":"out.txt"})", {"sum"})};
  worker.request("prepare", "prepare", session.prepare_params(steps));
  for (const Json& step : steps)
    worker.request(step["id"].as_string(), "execute_step", Json::object({{"step_id", step["id"]}}));
  worker.request("finish", "finish");
  EXPECT_EQ(worker.response("finish")["result"]["steps_completed"].as_int(), 3) << worker.log();
  worker.request("bye", "shutdown");
  EXPECT_TRUE(worker.wait().success());
  EXPECT_TRUE(std::filesystem::exists(session.directory() / "out.txt"));
}
#endif

}  // namespace
}  // namespace osiris::worker::test

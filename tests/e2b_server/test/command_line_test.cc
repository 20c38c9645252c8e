// The program as a user meets it: its options, its one line, its refusals.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "protocol/base/file.h"
#include "tests/e2b_server/test/fixture.h"

namespace osiris::e2b_server {
namespace {

struct Ended {
  int code = -1;
  std::string text;  // both streams
};

Ended run_program(const std::string& arguments) {
  const std::string program = std::string(std::getenv("OSIRIS_BUILD_DIR")) + "/bin/osiris-e2b-server";
  Ended ended;
  FILE* pipe = ::popen(("'" + program + "' " + arguments + " 2>&1 < /dev/null").c_str(), "r");
  char block[4096];
  for (size_t count; pipe && (count = std::fread(block, 1, sizeof block, pipe)) > 0;) ended.text.append(block, count);
  const int status = pipe ? ::pclose(pipe) : -1;
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ended;
}

TEST(CommandLine, HelpNamesEveryOption) {
  const Ended help = run_program("--help");
  EXPECT_EQ(help.code, 0);
  for (const char* option :
       {"--listen", "--api-key", "--data", "--faults", "--record", "--create-ms", "--fork-ms", "--rtt-ms",
        "--max-sandboxes", "--max-hours", "--rate-limit", "--header-ms", "--parent-pid", "--isolation", "--network"})
    EXPECT_NE(help.text.find(option), std::string::npos) << option;
}

TEST(CommandLine, WrongUseSaysWhatIsWrong) {
  const auto refused = [](const std::string& arguments, const char* reason) {
    const Ended run = run_program(arguments);
    EXPECT_EQ(run.code, 2) << arguments;
    EXPECT_NE(run.text.find(reason), std::string::npos) << arguments << ": " << run.text;
  };
  refused("", "--api-key is missing");
  refused("--api-key k", "--data is missing");
  refused("--api-key k --data", "option --data needs a value");
  refused("--api-key '' --data d", "not empty");
  refused("--api-key k --data d --fast", "unknown option '--fast'");
  refused("--api-key k --data d extra", "unknown option 'extra'");
  refused("--api-key k --data d --max-hours soon", "not a whole number");
  refused("--api-key k --data d --isolation total", "--isolation does not know 'total'");
}

TEST(CommandLine, WhatCannotWorkEndsAtStart) {
  const std::string data =
      (std::filesystem::temp_directory_path() / ("osiris-e2b-cli-" + std::to_string(::getpid()))).string();
  EXPECT_NE(run_program("--api-key k --data " + data + " --listen nowhere:1").text.find("ADDRESS:PORT"),
            std::string::npos);
  EXPECT_NE(run_program("--api-key k --data " + data + " --faults /no/such/plan").text.find("/no/such/plan"),
            std::string::npos);
  ASSERT_TRUE(write_file_atomically(data + "/plan", R"([{"route":"*","action":{"type":"explode"}}])").ok());
  EXPECT_NE(run_program("--api-key k --data " + data + " --faults " + data + "/plan").text.find("explode"),
            std::string::npos);
  EXPECT_NE(run_program("--api-key k --data " + data + "/plan").code, 0) << "a file is no directory";
  std::filesystem::remove_all(data);
}

using TwoServers = ServerTest;

TEST_F(TwoServers, DoNotShareTheirData) {
  start_server();
  const Ended second = run_program("--api-key k --data " + server_->data().string());
  EXPECT_EQ(second.code, 1);
  EXPECT_NE(second.text.find("another osiris-e2b-server uses it"), std::string::npos) << second.text;
  EXPECT_EQ(api("GET", "/v2/sandboxes").status, 200);
}

TEST_F(TwoServers, AServerMayHoldAsManyDescriptorsAsTheMachineAllows) {
  rlimit usual{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
  if (usual.rlim_cur == usual.rlim_max) usual.rlim_cur = usual.rlim_max / 2;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);
  start_server();
  rlimit limit{};
  ASSERT_EQ(::prlimit(server_->pid(), RLIMIT_NOFILE, nullptr, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
}

TEST_F(TwoServers, AFaultPlanAndARecordComeFromTheCommandLine) {
  const std::filesystem::path files =
      std::filesystem::temp_directory_path() / ("osiris-e2b-plan-" + std::to_string(::getpid()));
  ASSERT_TRUE(make_directories(files).ok());
  ASSERT_TRUE(write_file_atomically(
                  files / "plan",
                  R"({"faults":[{"route":"GET /v2/sandboxes","nth":1,"action":{"type":"status","status":503}}]})")
                  .ok());
  start_server({"--faults", (files / "plan").string(), "--record", (files / "record").string()});
  EXPECT_EQ(api("GET", "/v2/sandboxes").status, 503);
  EXPECT_EQ(api("GET", "/v2/sandboxes").status, 200);
  EXPECT_EQ(server_->stop(), 0);
  const auto record = read_file(files / "record");
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(std::count(record->begin(), record->end(), '\n'), 2);
  EXPECT_NE(record->find("\"status\":503"), std::string::npos);
  std::filesystem::remove_all(files);
}

}  // namespace
}  // namespace osiris::e2b_server

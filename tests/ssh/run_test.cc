// Runs over a real sshd: outputs as a local run writes them, nothing left there but the worker, and every way in which
// the machine fails is told and cleaned up after.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "protocol/base/file.h"
#include "protocol/base/temporary_directory.h"
#include "tests/ssh/sshd.h"
#include "tests/support/eventually.h"
#include "tests/support/small_disk.h"

namespace osiris::ssh_tests {
namespace {

namespace fs = std::filesystem;
using test::SmallDisk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class SshRun : public testing::Test {
 protected:
  SshRun() : sshd_(project_.dir() / "machine") {
    const fs::path example = e2e::source_dir() / "examples/01-csv-duckdb-csv";
    for (const char* part : {"data", "expected", "pipeline.yaml"})
      fs::copy(example / part, project_.dir() / part, fs::copy_options::recursive);
    project_.write("hang.yaml", e2e::oml("hang", {e2e::mock_step("stuck", "rows: 5, hang: politely"),
                                                  e2e::mock_step("after", "", "stuck")}));
  }
  e2e::Outcome run(const std::string& pipeline = "pipeline.yaml") const {
    return project_.osiris(with_ssh(sshd_, {"run", pipeline, "--allow-mock"}));
  }
  void expect_nothing_left() const {
    EXPECT_THAT(sshd_.names_in(sshd_.runs()), IsEmpty());
    EXPECT_THAT(sshd_.workers(), IsEmpty());
  }
  // Once its worker runs the step.
  e2e::Running hanging(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"run", "hang.yaml", "--allow-mock"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    e2e::Running running = project_.start(with_ssh(sshd_, std::move(arguments)));
    running.until("stuck: Starting");
    return running;
  }

  e2e::Project project_;
  Sshd sshd_;
};

TEST_F(SshRun, WritesWhatALocalRunWritesAndLeavesTheWorkerOnly) {
  const e2e::Outcome first = run();
  ASSERT_EQ(first.exit, 0) << first.out << first.err;
  const std::string expected = *read_file(project_.dir() / "expected/out/harbor_fees_by_vessel.csv");
  EXPECT_EQ(project_.read("out/harbor_fees_by_vessel.csv"), expected);
  expect_nothing_left();
  EXPECT_THAT(sshd_.names_in(sshd_.far_directory()), ElementsAre("runs", StartsWith("worker-")));
  EXPECT_TRUE(project_.await_event("package_uploaded")["worker_sent"].as_bool());
  EXPECT_TRUE(project_.await_event("resource_released")["verified"].as_bool());

  const fs::path worker = sshd_.far_directory() / sshd_.names_in(sshd_.far_directory()).at(1);
  const fs::file_time_type made = fs::last_write_time(worker);
  fs::remove(project_.dir() / "out/harbor_fees_by_vessel.csv");
  const e2e::Outcome second = run();
  ASSERT_EQ(second.exit, 0) << second.out << second.err;
  EXPECT_EQ(project_.read("out/harbor_fees_by_vessel.csv"), expected);
  EXPECT_FALSE(project_.await_event("package_uploaded")["worker_sent"].as_bool());
  EXPECT_EQ(fs::last_write_time(worker), made);
  expect_nothing_left();
}

TEST_F(SshRun, AFailedStepIsThePipelinesFault) {
  project_.write("bad.yaml", e2e::oml("bad", {e2e::mock_step("broken", "fail: no rows today")}));
  const e2e::Outcome outcome = run("bad.yaml");
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  expect_nothing_left();
}

TEST_F(SshRun, AnotherHostKeyIsRefused) {
  sshd_.show_other_host_key();
  const e2e::Outcome outcome = run();
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out + outcome.err, HasSubstr("the host key of far is not the one that is known"));
  EXPECT_THAT(sshd_.names_in(sshd_.far_directory()), IsEmpty());
}

TEST_F(SshRun, AHostKeyThatIsNotKnownIsNotTakenOnTrust) {
  sshd_.forget_host_key();
  const e2e::Outcome outcome = run();
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out + outcome.err, HasSubstr("the host key of far is not the one that is known"));
  EXPECT_THAT(sshd_.names_in(sshd_.far_directory()), IsEmpty());
}

TEST_F(SshRun, ARefusedLoginIsToldAndNothingIsAsked) {
  sshd_.forget_logins();
  const e2e::Outcome outcome = run();
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out + outcome.err, HasSubstr("far refused the login"));
  EXPECT_THAT(sshd_.names_in(sshd_.far_directory()), IsEmpty());
}

// The holder keeps the worker, what it said meanwhile is asked for again, and the run goes on.
TEST_F(SshRun, ACutConnectionIsOpenedAgainAndNothingIsLost) {
  const auto outside = TemporaryDirectory::make();
  const fs::path sign = outside->path() / "go";
  project_.write("wait.yaml", e2e::oml("wait", {e2e::mock_step("stuck", "rows: 5, wait_for: " + sign.string()),
                                                e2e::mock_step("after", "", "stuck")}));
  e2e::Running running = project_.start(with_ssh(sshd_, {"run", "wait.yaml", "--allow-mock"}));
  running.until("stuck: Starting");
  sshd_.cut_connections();
  project_.write(sign, "");
  const e2e::Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_EQ(e2e::Project::events(project_.session(), "step_complete").size(), 2u);
  expect_nothing_left();
  EXPECT_TRUE(project_.await_event("resource_released")["verified"].as_bool());
}

// The machine refuses every new connection: the lease ends the worker there, and the stall limit the run here.
TEST_F(SshRun, AMachineThatIsLostFailsTheRunAndItsLeaseEndsTheWorker) {
  e2e::Running running = hanging({"--ssh-stall", "5"});
  sshd_.forget_logins();
  sshd_.cut_connections();
  const e2e::Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_TRUE(test::eventually([&] { return sshd_.workers().empty(); }));
}

TEST_F(SshRun, AKilledWorkerIsToldFromALostConnection) {
  e2e::Running running = hanging();
  const fs::path run = sshd_.runs() / sshd_.names_in(sshd_.runs()).at(0);
  const int worker = std::atoi(read_file(run / "hold/pid").operator*().c_str());
  ASSERT_GT(worker, 0);
  ::kill(worker, SIGKILL);
  const e2e::Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out + outcome.err, HasSubstr("was killed by signal 9"));
  expect_nothing_left();
}

TEST_F(SshRun, CtrlCEndsTheWorkerThere) {
  e2e::Running running = hanging();
  running.kill(SIGINT);
  const e2e::Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 130) << outcome.out << outcome.err;
  expect_nothing_left();
}

// The shell that makes the run's directory has not run yet when the run is cancelled: what removes the directory must
// not overtake it.
TEST_F(SshRun, ACancelDuringALongLoginLeavesNothing) {
  const auto outside = TemporaryDirectory::make();
  const std::string at = outside->path().string();
  sshd_.log_in_by(project_.write(outside->path() / "login", R"(#!/bin/sh
case $SSH_ORIGINAL_COMMAND in
*"osiris: entered"*)
  if mkdir )" + at + R"(/first 2>/dev/null; then
    n=0; while [ $n -lt 60 ]; do sleep 0.05; n=$((n+1)); done
    /bin/sh -c "$SSH_ORIGINAL_COMMAND"; : > )" + at + R"(/done; exit
  fi ;;
esac
exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"
)",
                                 0755));
  e2e::Running running = project_.start(with_ssh(sshd_, {"run", "hang.yaml", "--allow-mock"}));
  ASSERT_TRUE(test::eventually([&] { return fs::exists(outside->path() / "first"); }));
  running.kill(SIGINT);
  const e2e::Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 130) << outcome.out << outcome.err;
  ASSERT_TRUE(test::eventually([&] { return fs::exists(outside->path() / "done"); }));
  expect_nothing_left();
  EXPECT_TRUE(project_.await_event("resource_released")["verified"].as_bool());
}

// A worker that is started while its directory is removed makes a directory of its own in it: amid `rm`, as here.
TEST_F(SshRun, WhatIsStartedWhileARunIsRemovedLeavesNothing) {
  sshd_.watch_programs();
  const fs::path late = project_.dir() / "machine/late";
  project_.write("machine/watched/rm",
                 "#!/bin/sh\nfor each; do case $each in -*) continue ;; esac\n"
                 "  [ -d \"$each\" ] || { /usr/bin/rm -f \"$each\"; continue; }\n"
                 "  /usr/bin/find \"$each\" -mindepth 1 -delete\n"
                 "  /usr/bin/mkdir \"$(/usr/bin/cat " +
                     late.string() +
                     ")/hold\"\n"
                     "  /usr/bin/rmdir \"$each\"\ndone\n",
                 0755);
  e2e::Running running = hanging();
  project_.write(late, (sshd_.runs() / sshd_.names_in(sshd_.runs()).at(0)).string());
  running.kill(SIGINT);
  const e2e::Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 130) << outcome.out << outcome.err;
  expect_nothing_left();
}

TEST_F(SshRun, AKilledHostLeavesARunThatIsReaped) {
  e2e::Running running = hanging({"--ssh-stall", "5"});
  running.kill(SIGKILL);
  running.end();
  EXPECT_TRUE(test::eventually([&] { return sshd_.workers().empty(); })) << "its lease ends it";
  EXPECT_EQ(sshd_.names_in(sshd_.runs()).size(), 1u);
  const e2e::Outcome reaped = project_.osiris(with_ssh(sshd_, {"resources", "reap"}));
  EXPECT_EQ(reaped.exit, 0) << reaped.out << reaped.err;
  expect_nothing_left();
}

class FullDisk : public SshRun {
 protected:
  void SetUp() override {
    const SmallDisk probe(project_.dir() / "probe", "1m");
    OSIRIS_NEEDS_DISK(probe);
  }
  // A step that writes some 430 bytes for each of `numbers`.
  e2e::Outcome run_big(const char* numbers) const {
    project_.write("big.yaml", std::string(R"(oml_version: "0.1.0"
name: big
steps:
  - id: calls
    component: filesystem.csv_extractor
    mode: read
    config: {path: data/harbor_calls.csv}
  - id: many
    component: duckdb.processor
    mode: transform
    needs: [calls]
    config:
      query: SELECT i, sha256(i::VARCHAR) AS h FROM df_calls, range()") +
                                   numbers + R"() r(i)
  - id: write
    component: filesystem.csv_writer
    mode: write
    needs: [many]
    config: {path: out/big.csv}
)");
    return run("big.yaml");
  }
};

// For what is sent, and for the worker that is unpacked of it.
TEST_F(FullDisk, ThereIsToldAsOne) {
  for (const char* size : {"2m", "40m"}) {
    const SmallDisk disk(sshd_.far_directory(), size);
    const e2e::Outcome outcome = run();
    EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
    EXPECT_THAT(outcome.out + outcome.err, HasSubstr("No space left on device"));
    EXPECT_THAT(sshd_.names_in(sshd_.runs()), IsEmpty());
  }
}

// There is room for the worker and not for what the step writes.
TEST_F(FullDisk, ThereWhileAStepWritesFailsTheStepAndLeavesNothing) {
  const SmallDisk disk(sshd_.far_directory(), "96m");
  const e2e::Outcome outcome = run_big("200000");
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out + outcome.err, HasSubstr("No space left on device (the disk of far)"));
  EXPECT_FALSE(fs::exists(project_.dir() / "out/big.csv"));
  expect_nothing_left();
}

TEST_F(FullDisk, HereIsTheStepsFaultAndLeavesNothingThere) {
  ASSERT_EQ(run().exit, 0);
  fs::remove_all(project_.dir() / "out");
  const SmallDisk disk(project_.dir() / "out", "1m");
  const e2e::Outcome outcome = run_big("20000");
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out + outcome.err, HasSubstr("No space left on device"));
  EXPECT_THAT(sshd_.names_in(project_.dir() / "out"), IsEmpty());
  expect_nothing_left();
}

// Every run has its own directory and its own sessions, however many share the machine and the connection.
TEST_F(SshRun, ManyAtOnceDoNotDisturbEachOther) {
  ASSERT_EQ(run().exit, 0);  // sends the worker
  const std::string expected = *read_file(project_.dir() / "expected/out/harbor_fees_by_vessel.csv");
  constexpr int kRuns = 6;
  std::vector<e2e::Running> running;
  for (int i = 0; i < kRuns; ++i) {
    const std::string name = "p" + std::to_string(i);
    std::string text = *read_file(project_.dir() / "pipeline.yaml");
    text.replace(text.find("out/"), 4, name + "/");
    project_.write(name + ".yaml", text);
    running.push_back(project_.start(with_ssh(sshd_, {"run", name + ".yaml"})));
  }
  for (int i = 0; i < kRuns; ++i) {
    const e2e::Outcome outcome = running[static_cast<size_t>(i)].end();
    EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
    EXPECT_EQ(project_.read("p" + std::to_string(i) + "/harbor_fees_by_vessel.csv"), expected);
  }
  expect_nothing_left();
}

}  // namespace
}  // namespace osiris::ssh_tests

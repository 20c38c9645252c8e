// Ctrl-C, a second one, a deadline, and the death of the host: the run stops, nothing lives on, the session tells.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/e2e/project.h"
#include "tests/support/eventually.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

// Readable when the process, which must be alive now, ends, whoever its parent is.
class Watch {
 public:
  explicit Watch(pid_t pid) : fd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {
    EXPECT_GE(fd_.get(), 0) << "there is no process " << pid;
  }
  bool ends_within(int ms) const {
    if (fd_.get() < 0) return false;
    pollfd ready{fd_.get(), POLLIN, 0};
    return ::poll(&ready, 1, ms) == 1;
  }

 private:
  FileDescriptor fd_;
};

class Stopping : public testing::Test {
 protected:
  Stopping() {
    project_.write("hang.yaml", oml("hang", {mock_step("stuck", "rows: 5, child: true, hang: deaf"),
                                             mock_step("after", "", "stuck")}));
    project_.write("polite.yaml",
                   oml("polite", {mock_step("stuck", "rows: 5, hang: politely"), mock_step("after", "", "stuck")}));
  }
  // The worker's process id, as the adapter announced it.
  pid_t worker() {
    const auto acquired = Project::events(project_.session(), "resource_acquired");
    EXPECT_FALSE(acquired.empty());
    return acquired.empty() ? -1 : static_cast<pid_t>(std::stol(acquired.at(0)["id"].as_string()));
  }
  // The step's child, once it has started one.
  pid_t child() { return static_cast<pid_t>(project_.await_event("mock_child")["pid"].as_int(-1)); }
  Project project_;
};

TEST_F(Stopping, CtrlCCancelsAndWritesTheSession) {
  Running run = project_.start({"run", "polite.yaml", "--allow-mock"});
  run.until("stuck: Starting");
  run.kill(SIGINT);
  const Outcome outcome = run.end();
  EXPECT_EQ(outcome.exit, 130) << outcome.out << outcome.err;
  EXPECT_NE(outcome.out.find("Session: "), std::string::npos) << outcome.out;
  EXPECT_EQ(project_.status()["reason"].as_string(), "cancelled");
  EXPECT_EQ(project_.runs().items().at(0)["status"].as_string(), "cancelled");
  EXPECT_EQ(Project::events(project_.session(), "run_end").size(), 1u);
  EXPECT_FALSE(is_alive(worker()));
}

TEST_F(Stopping, CtrlCEndsEvenAStepThatDoesNotListen) {
  Running run = project_.start({"run", "hang.yaml", "--allow-mock"});
  run.until("stuck: Starting");
  const Watch child_watch(child());
  run.kill(SIGINT);
  const Outcome outcome = run.end();
  EXPECT_EQ(outcome.exit, 130) << outcome.out << outcome.err;
  EXPECT_FALSE(is_alive(worker()));
  EXPECT_TRUE(child_watch.ends_within(2000));
  EXPECT_EQ(project_.runs().items().at(0)["status"].as_string(), "cancelled");
}

class KilledWorker : public Stopping, public testing::WithParamInterface<std::string> {};

// By the kernel, for want of memory, or by hand.
TEST_P(KilledWorker, LeavesNothingOfWhatItWasWriting) {
  const std::string file = "out/rows." + GetParam();
  const auto rows =
      "  - id: rows\n    component: duckdb.processor\n    mode: transform\n    config: {query: \"SELECT i FROM "
      "range(30000000) t(i)\"}\n";
  project_.write(
      "p.yaml",
      oml("p", {rows, "  - id: save\n    component: filesystem." + GetParam() +
                          "_writer\n    mode: write\n    needs: [rows]\n    config: {path: " + file + "}\n"}));
  project_.write(file, "of another day");
  project_.write("out/.osiris-0123456789abcdef-0123456789abcdef", "of another run, which goes on");
  Running run = project_.start({"run", "p.yaml"});
  const auto files = [&] { return std::distance(fs::directory_iterator(project_.dir() / "out"), {}); };
  ASSERT_TRUE(test::eventually([&] { return files() == 3; })) << "it writes beside its target";
  ::kill(worker(), SIGKILL);
  const Outcome outcome = run.end();
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_EQ(files(), 2) << outcome.out << outcome.err;
  EXPECT_EQ(project_.read(file), "of another day");
}

INSTANTIATE_TEST_SUITE_P(All, KilledWorker, testing::Values("csv", "json", "parquet"),
                         [](const auto& row) { return row.param; });

TEST_F(Stopping, SigtermCancelsToo) {
  Running run = project_.start({"run", "polite.yaml", "--allow-mock"});
  run.until("stuck: Starting");
  run.kill(SIGTERM);
  EXPECT_EQ(run.end().exit, 130);
}

TEST_F(Stopping, ASecondCtrlCLeavesAtOnceAndTakesTheWorkerAlong) {
  // The adapter may take very long to stop the deaf step; the second signal does not wait for it.
  Running run = project_.start({"run", "hang.yaml", "--allow-mock", "--local-grace", "600"});
  run.until("stuck: Starting");
  const pid_t worker_pid = worker();
  const Watch worker_watch(worker_pid);
  run.kill(SIGINT);
  run.kill(SIGTERM);  // a signal of another number: two of one could be merged into one
  const Outcome outcome = run.end();
  EXPECT_EQ(outcome.exit, 130) << outcome.out << outcome.err;
  EXPECT_TRUE(worker_watch.ends_within(2000));
  EXPECT_NE(outcome.err.find("not released: process " + std::to_string(worker_pid)), std::string::npos) << outcome.err;
  EXPECT_EQ(project_.runs().items().at(0)["status"].as_string(), "interrupted");
}

TEST_F(Stopping, TheDeadlineStopsTheRun) {
  const Outcome outcome = project_.osiris({"run", "polite.yaml", "--allow-mock", "--timeout", "1s"});
  EXPECT_EQ(outcome.exit, 124) << outcome.out << outcome.err;
  EXPECT_NE(outcome.out.find("✗ Pipeline timed out (local)"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.err.find("--timeout"), std::string::npos) << outcome.err;
  EXPECT_EQ(project_.status()["reason"].as_string(), "deadline");
  EXPECT_EQ(project_.runs().items().at(0)["status"].as_string(), "deadline");
}

TEST_F(Stopping, ARunWithinItsDeadlineIsNotTouched) {
  project_.write("quick.yaml", oml("quick", {mock_step("a", "rows: 3")}));
  EXPECT_EQ(project_.osiris({"run", "quick.yaml", "--allow-mock", "--timeout", "10m"}).exit, 0);
}

TEST_F(Stopping, AKilledHostLeavesNothingRunningAndShowsAsInterrupted) {
  Running run = project_.start({"run", "hang.yaml", "--allow-mock"});
  run.until("stuck: Starting");
  const Watch worker_watch(worker());
  EXPECT_EQ(project_.runs().items().at(0)["status"].as_string(), "running");
  const Watch child_watch(child());
  run.kill(SIGKILL);
  EXPECT_EQ(run.end().exit, 137);
  EXPECT_TRUE(worker_watch.ends_within(2000));
  EXPECT_TRUE(child_watch.ends_within(2000));
  EXPECT_EQ(project_.runs().items().at(0)["status"].as_string(), "interrupted");
  EXPECT_NE(project_.osiris({"logs", "last"}).out.find("Status: interrupted"), std::string::npos);
  // Every line that is there is whole.
  EXPECT_FALSE(Project::lines(project_.session() / "events.jsonl").empty());
}

}  // namespace
}  // namespace osiris::e2e

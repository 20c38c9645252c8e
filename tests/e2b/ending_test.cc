// How a run ends: success means that the outputs are here, whatever was said on the way; a cancel and the deadline have
// the last word until then; and what a run that died has left is found, or left alone, for a reason.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "tests/e2b/sandboxed_project.h"
#include "tests/support/eventually.h"

namespace osiris::e2b_test {
namespace {

namespace fs = std::filesystem;
using e2e::Running;

class Ending : public testing::Test {
 protected:
  Ending() {
    use_server(project, server);
    project.write("pipeline.yaml", e2e::oml("one", {e2e::mock_step("a", "write: out/a.txt, text: hello")}));
    fs::create_directory(project.dir() / "out");
  }

  // From now on this runs in the worker's place.
  void use_worker(const std::string& sin) {
    std::string script = *read_file(e2e::source_dir() / "tests/e2b/hostile_worker.py");
    const std::pair<const char*, std::string> values[] = {
        {"@SIN@", sin}, {"@HELLO@", hello()}, {"@PATH@", "out/a.txt"}};
    for (const auto& [name, value] : values)
      for (size_t at; (at = script.find(name)) != std::string::npos;)
        script.replace(at, std::string(name).size(), value);
    project.set("OSIRIS_WORKER", project.write("worker", script, 0755).string());
  }

  // What the real worker says first, without its newline.
  static std::string hello() {
    SpawnOptions options;
    options.arguments = {(e2e::build_dir() / "lib/osiris/osiris-worker").string()};
    const auto said = run_command(options, 30'000);
    EXPECT_TRUE(said.ok());
    return said.ok() ? said->standard_output.substr(0, said->standard_output.find('\n')) : "";
  }

  Outcome run(const std::string& adapter, const std::vector<std::string>& more = {}) const {
    return project.osiris(run_arguments(adapter, more));
  }
  bool has_output() const { return fs::exists(project.dir() / "out/a.txt"); }
  void expect_not_ok(const Outcome& outcome, int exit, const std::string& reason) const {
    EXPECT_EQ(outcome.exit, exit) << outcome.out << outcome.err;
    EXPECT_FALSE(project.status()["ok"].as_bool(true));
    EXPECT_EQ(project.status()["reason"].as_string(), reason);
    EXPECT_EQ(outcome.out.find("✓ Pipeline completed"), std::string::npos) << outcome.out;
  }

  ServerProcess server = start_server();
  Project project;
};

// ---- Outputs that do not come

TEST_F(Ending, AStrangersWorkerThatDoesItsWorkIsBelieved) {
  use_worker("none");
  for (const char* adapter : {"local", "e2b"}) {
    fs::remove(project.dir() / "out/a.txt");
    const Outcome outcome = run(adapter);
    EXPECT_EQ(outcome.exit, 0) << adapter << outcome.out << outcome.err;
    EXPECT_EQ(project.read("out/a.txt"), "hello") << adapter;
  }
  expect_no_sandbox(server);
}

TEST_F(Ending, AWorkerThatDeclaresNoOutputIsNoSuccess) {
  use_worker("no_output");
  for (const char* adapter : {"local", "e2b"}) {
    const Outcome outcome = run(adapter);
    expect_not_ok(outcome, 3, "missing_outputs");
    EXPECT_NE(outcome.err.find("out/a.txt of step a: its step was never seen to write it"), std::string::npos)
        << adapter << outcome.err;
  }
  expect_no_sandbox(server);
}

TEST_F(Ending, AWorkerThatPacksNothingIsNoSuccess) {
  use_worker("pack_empty");
  const Outcome outcome = run("e2b");
  expect_not_ok(outcome, 3, "missing_outputs");
  EXPECT_NE(outcome.err.find("out/a.txt of step a: the adapter does not report it"), std::string::npos) << outcome.err;
  EXPECT_FALSE(has_output());
  expect_no_sandbox(server);
}

TEST_F(Ending, AnAnswerToPackThatCannotBeReadIsNoSuccess) {
  use_worker("pack_unreadable");
  const Outcome outcome = run("e2b", {"--e2b-timeout", "120"});
  expect_not_ok(outcome, 3, "execution_failed");
  EXPECT_NE(outcome.err.find("cannot repeat record"), std::string::npos) << outcome.err;
  EXPECT_FALSE(has_output());
  expect_no_sandbox(server);
}

// ---- Stopped after the last step and before its output is here

TEST_F(Ending, ACancelWhileOutputsArePackedIsACancel) {
  use_worker("pack_never");
  Running running = project.start(run_arguments("e2b"));
  running.until("a: Complete");
  running.kill(SIGINT);
  expect_not_ok(running.end(), 130, "cancelled");
  EXPECT_FALSE(has_output());
  expect_no_sandbox(server);
}

TEST_F(Ending, TheDeadlineWhileOutputsArePackedIsTheDeadline) {
  use_worker("pack_never");
  const Outcome outcome = run("e2b", {"--e2b-timeout", "3"});
  expect_not_ok(outcome, 124, "deadline");
  EXPECT_FALSE(has_output());
  expect_no_sandbox(server);
}

class EndingCollect : public Ending, public testing::WithParamInterface<const char*> {};

TEST_P(EndingCollect, ACancelUntilItIsDoneIsACancel) {
  ASSERT_TRUE(server
                  .set_faults(*parse_json(std::string(R"([{"route":")") + GetParam() +
                                          R"(","nth":1,"action":{"type":"latency","ms":1500}}])"))
                  .ok());
  Running running = project.start(run_arguments("e2b"));
  ASSERT_TRUE(is_in_the_middle_of(server, GetParam())) << "the run never called " << GetParam();
  running.kill(SIGINT);
  expect_not_ok(running.end(), 130, "cancelled");
  expect_no_sandbox(server);
}

INSTANTIATE_TEST_SUITE_P(EachCall, EndingCollect,
                         testing::Values("GET /files", "DELETE /sandboxes/{id}", "GET /sandboxes/{id}"),
                         [](const auto& row) {
                           return std::string(row.param).substr(0, std::string(row.param).find(' ')) +
                                  std::to_string(row.index);
                         });

// ---- Where an output may not go

TEST_F(Ending, ADeviceOrAPipeInAnOutputsPlaceIsRefusedAsByALocalRun) {
  project.write(
      "pipeline.yaml",
      e2e::oml(
          "csv",
          {e2e::mock_step("a", "rows: 1"),
           "  - {id: save, component: filesystem.csv_writer, mode: write, needs: [a], config: {path: out/a.csv}}\n"}));
  const fs::path target = project.dir() / "out/a.csv";
  std::vector<mode_t> kinds = {S_IFIFO};
  if (::geteuid() == 0) kinds.push_back(S_IFCHR);
  for (const mode_t kind : kinds) {
    fs::remove(target);
    ASSERT_EQ(::mknod(target.c_str(), kind | 0666, makedev(1, 3)), 0);
    for (const char* adapter : {"local", "e2b"}) {
      server.clear_requests();
      const Outcome outcome = run(adapter);
      EXPECT_EQ(outcome.exit, 1) << adapter << outcome.err;
      EXPECT_NE(outcome.err.find("step save: cannot write " + target.string() + ": it is not a regular file"),
                std::string::npos)
          << adapter << outcome.err;
      struct stat now{};
      ASSERT_EQ(::lstat(target.c_str(), &now), 0);
      EXPECT_EQ(now.st_mode & S_IFMT, kind) << adapter;
      EXPECT_EQ(server.requests().size(), 0u) << "no sandbox is paid for";
    }
  }
}

TEST_F(Ending, AnOutputHasTheModeOfALocalRun) {
  const mode_t before = ::umask(077);
  for (const char* adapter : {"local", "e2b"}) {
    fs::remove(project.dir() / "out/a.txt");
    const Outcome outcome = run(adapter);
    EXPECT_EQ(outcome.exit, 0) << outcome.err;
    EXPECT_EQ(fs::status(project.dir() / "out/a.txt").permissions(), fs::perms(0600)) << adapter;
    EXPECT_EQ(fs::status(project.session() / "artifacts/a/cleaned_config.json").permissions(), fs::perms(0600))
        << adapter;
  }
  ::umask(before);
}

// ---- What a run that died has left

TEST_F(Ending, AKeptSandboxWhoseRunDiedBeforeTheWorkerWasThereIsReplaced) {
  ASSERT_TRUE(
      server.set_faults(*parse_json(R"([{"route":"POST /files","nth":1,"action":{"type":"latency","ms":60000}}])"))
          .ok());
  Running running = project.start(run_arguments("e2b", {"--e2b-keep"}));
  ASSERT_TRUE(test::eventually([&] { return server.sandboxes().size() > 0; }));
  project.await_event("sandbox_created");
  running.kill(SIGKILL);
  running.end();
  server.clear_faults();
  const std::string abandoned = server.sandboxes().items().at(0)["sandboxID"].as_string();

  server.clear_requests();
  const Outcome outcome = run("e2b", {"--e2b-keep"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(project.read("out/a.txt"), "hello");
  EXPECT_LE(server.requests().size(), 8u) << server.requests().dump_pretty();
  ASSERT_EQ(server.sandboxes().size(), 1u);
  EXPECT_NE(server.sandboxes().items()[0]["sandboxID"].as_string(), abandoned);
  EXPECT_EQ(Project::events(project.session(), "sandbox_replaced").size(), 1u);

  EXPECT_EQ(run("e2b", {"--e2b-keep"}).exit, 0);
  EXPECT_TRUE(Project::events(project.session(), "sandbox_created").at(0)["reused"].as_bool());
}

TEST_F(Ending, AKeptSandboxThatLostItsWorkerIsReplaced) {
  ASSERT_EQ(run("e2b", {"--e2b-keep"}).exit, 0);
  size_t removed = 0;
  const fs::path root = server.sandboxes().items().at(0)["directory"].as_string();
  for (const auto& entry : fs::recursive_directory_iterator(root, fs::directory_options::skip_permission_denied))
    if (entry.path().parent_path().filename() == ".osiris" && entry.path().filename().string().starts_with("worker-"))
      removed += fs::remove(entry.path());
  ASSERT_EQ(removed, 1u);
  const Outcome outcome = run("e2b", {"--e2b-keep"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(Project::events(project.session(), "sandbox_replaced").size(), 1u);
  EXPECT_EQ(server.sandboxes().size(), 1u);
}

TEST_F(Ending, EverythingThatAUserHoldsIsReleasedAtOnce) {
  ASSERT_EQ(run("e2b", {"--e2b-keep"}).exit, 0);
  ASSERT_EQ(server.sandboxes().size(), 1u);
  EXPECT_EQ(project.osiris({"sandboxes", "release"}).exit, 2) << "neither an id nor --all";
  EXPECT_EQ(project.osiris({"sandboxes", "release", "x", "--all"}).exit, 2);
  const Outcome released = project.osiris({"sandboxes", "release", "--all"});
  EXPECT_EQ(released.exit, 0) << released.err;
  EXPECT_EQ(server.sandboxes().size(), 0u) << released.out;
  EXPECT_NE(project.osiris({"sandboxes", "list"}).out.find("Nothing is held"), std::string::npos);
}

TEST_F(Ending, AKeptSandboxOfAnotherMachineIsNeitherTakenNorKilled) {
  ASSERT_EQ(run("e2b", {"--e2b-keep"}).exit, 0);
  const std::string theirs = server.sandboxes().items().at(0)["sandboxID"].as_string();
  // The same owner, by a copied home directory: its files are other files.
  Project elsewhere;
  use_server(elsewhere, server);
  fs::remove_all(elsewhere.dir());
  fs::copy(project.dir(), elsewhere.dir(), fs::copy_options::recursive);
  fs::copy(project.dir().parent_path() / "home", elsewhere.dir().parent_path() / "home",
           fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  const Outcome outcome = elsewhere.osiris(run_arguments("e2b", {"--e2b-keep"}));
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_FALSE(Project::events(elsewhere.session(), "sandbox_created").at(0)["reused"].as_bool());
  std::set<std::string> ids;
  const Json sandboxes = server.sandboxes();
  for (const Json& sandbox : sandboxes.items()) ids.insert(sandbox["sandboxID"].as_string());
  EXPECT_EQ(ids.size(), 2u);
  EXPECT_TRUE(ids.count(theirs));
}

class EndingReap : public Ending {
 protected:
  EndingReap() { project.write("hang.yaml", e2e::oml("hang", {e2e::mock_step("a", "hang: politely")})); }
  Running hang() {
    Running running = project.start(run_arguments("e2b", {"--e2b-lease", "600"}, "hang.yaml"));
    running.until("a: Starting");
    return running;
  }
  void expect_reap_leaves_it(const Project& reaper) const {
    const Outcome reaped = reaper.osiris({"resources", "reap", "--adapter", "e2b"});
    EXPECT_EQ(reaped.exit, 0) << reaped.err;
    EXPECT_EQ(server.sandboxes().size(), 1u) << reaped.out;
  }
};

TEST_F(EndingReap, LeavesARunThatCouldNotRegisterItself) {
  // The owner is known, and nothing more can be written: a file stands where the directory of runs would be.
  ASSERT_EQ(project.osiris({"resources", "list", "--adapter", "e2b"}).exit, 0);
  const fs::path state = project.dir().parent_path() / "home/.local/state/osiris";
  ASSERT_TRUE(fs::exists(state / "owner_id"));
  ASSERT_TRUE(write_file_atomically(state / "runs", "").ok());
  Running running = hang();
  expect_reap_leaves_it(project);
  running.kill(SIGINT);
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 130) << outcome.err;
  EXPECT_NE(outcome.err.find("this run is not registered"), std::string::npos) << outcome.err;
}

TEST_F(EndingReap, LeavesTheRunOfAnotherMachineWithTheSameOwner) {
  ASSERT_EQ(project.osiris({"resources", "list", "--adapter", "e2b"}).exit, 0);
  Project before, while_it_runs;
  for (Project* other : {&before, &while_it_runs}) use_server(*other, server);
  const auto copy_home = [&](const Project& to) {
    fs::copy(project.dir().parent_path() / "home", to.dir().parent_path() / "home",
             fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  };
  copy_home(before);  // as an image made before the run
  Running running = hang();
  copy_home(while_it_runs);  // as a backup made meanwhile, without the lock
  expect_reap_leaves_it(before);
  expect_reap_leaves_it(while_it_runs);
  running.kill(SIGKILL);
  running.end();
  expect_reap_leaves_it(before);
  expect_reap_leaves_it(while_it_runs);
  EXPECT_EQ(project.osiris({"resources", "reap", "--adapter", "e2b"}).exit, 0);
  expect_no_sandbox(server);
}

}  // namespace
}  // namespace osiris::e2b_test

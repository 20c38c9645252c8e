// Picking up where a run failed: what runs again, what is taken, and what is said of it.
#include <gmock/gmock.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "protocol/base/text.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string sql_step(const std::string& id, const std::string& needs, const std::string& query,
                     const std::string& extra = "") {
  return "  - id: " + id + "\n    component: duckdb.processor\n    mode: transform\n    needs: [" + needs + "]\n" +
         (extra.empty() ? "" : "    " + extra + "\n") + "    config: {query: \"" + query + "\"}\n";
}
std::string read_step(const std::string& id, const std::string& path) {
  return "  - id: " + id +
         "\n    component: filesystem.csv_extractor\n    mode: read\n    needs: []\n    config: {path: " + path + "}\n";
}
std::string write_step(const std::string& id, const std::string& needs, const std::string& path) {
  return "  - id: " + id + "\n    component: filesystem.csv_writer\n    mode: write\n    needs: [" + needs +
         "]\n    config: {path: " + path + "}\n";
}

class Resume : public testing::Test {
 protected:
  Resume() { project_.write("in/a.csv", "k,v\na,1\nb,2\na,3\n"); }

  // Reads, sums, and fails at the last step but one while `cast` is not a type that fits.
  void write_pipeline(const std::string& cast = "INTEGER") {
    project_.write(
        "p.yaml", oml("sums", {read_step("read", "in/a.csv"),
                               sql_step("total", "read", "SELECT k, sum(v) AS v FROM input_df GROUP BY k ORDER BY k"),
                               write_step("first", "total", "out/first.csv"),
                               sql_step("cast", "total, first", "SELECT CAST(k AS " + cast + ") AS k, v FROM input_df"),
                               write_step("last", "cast", "out/last.csv")}));
  }
  Outcome run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"run", "p.yaml", "--allow-mock"});
    return project_.osiris(arguments);
  }
  std::string why(const std::string& step) {
    const Outcome outcome = project_.osiris({"why", step, "p.yaml", "--allow-mock"});
    EXPECT_EQ(outcome.exit, 0) << outcome.err;
    return outcome.out;
  }
  size_t kept() const { return project_.osiris({"cache", "show", "--json"}).json()["entries"].size(); }

  Project project_;
};

TEST_F(Resume, RepeatsOnlyWhatFailedAndWhatFollows) {
  write_pipeline();
  const Outcome failed = run({"--keep-outputs"});
  EXPECT_EQ(failed.exit, 1);
  EXPECT_EQ(kept(), 1u);
  EXPECT_FALSE(fs::exists(project_.session() / "artifacts/total/kept.parquet"));
  write_pipeline("VARCHAR");
  const Outcome resumed = run({"--resume"});
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_THAT(resumed.out, HasSubstr("3 of 5 steps need not run"));
  EXPECT_THAT(resumed.out, HasSubstr("total: Not run again (rows: 2, of run-000001_"));
  EXPECT_THAT(resumed.out, Not(HasSubstr("total: Starting")));
  EXPECT_THAT(project_.ran(), ElementsAre("cast", "last"));
  EXPECT_EQ(project_.read("out/last.csv"), "k,v\na,4\nb,2\n");
  EXPECT_EQ(Project::events(project_.session(), "run_resumed").size(), 1u);
  EXPECT_EQ(project_.status()["steps_completed"].as_int(), 5);
  // A resumed run can be resumed, and has nothing to do.
  const Outcome again = run({"--resume", "--json"});
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_THAT(project_.ran(), IsEmpty());
}

TEST_F(Resume, ARunOfItsOwnTakesNothing) {
  write_pipeline("VARCHAR");
  EXPECT_EQ(run({"--keep-outputs"}).exit, 0);
  EXPECT_EQ(run({}).exit, 0);
  EXPECT_EQ(project_.ran().size(), 5u);
  EXPECT_EQ(run({"--resume", "--no-cache"}).exit, 2);
  EXPECT_EQ(run({"--keep-outputs", "--no-cache"}).exit, 2);
}

TEST_F(Resume, NothingIsKeptUnlessItIsAskedFor) {
  write_pipeline("VARCHAR");
  EXPECT_EQ(run({}).exit, 0);
  EXPECT_EQ(kept(), 0u);
  EXPECT_FALSE(fs::exists(project_.dir() / ".osiris/cache/runs"));
  const Outcome resumed = run({"--resume"});
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_THAT(resumed.out, HasSubstr("every step runs"));
  EXPECT_EQ(project_.ran().size(), 5u);
}

TEST_F(Resume, WhyNamesWhatChanged) {
  write_pipeline();
  EXPECT_THAT(why("total"), HasSubstr("no run of this pipeline has left"));
  run({"--keep-outputs"});
  EXPECT_THAT(why("total"), HasSubstr("would not run again after run-000001"));
  EXPECT_THAT(why("total"), HasSubstr("Kept: 2 rows"));
  EXPECT_THAT(why("first"), HasSubstr("is there"));
  EXPECT_THAT(why("cast"), HasSubstr("did not end well in run run-000001"));
  project_.write("in/a.csv", "k,v\na,1\nb,2\na,30\n");
  EXPECT_THAT(why("read"), HasSubstr("file in/a.csv changed"));
  EXPECT_THAT(why("total"), HasSubstr("step read has other rows"));
  EXPECT_THAT(why("total"), HasSubstr("  step read: file in/a.csv changed"));
  EXPECT_EQ(project_.osiris({"why", "totla", "p.yaml"}).exit, 2);
  const Json document = project_.osiris({"why", "total", "p.yaml", "--json"}).json();
  EXPECT_EQ(document["would"].as_string(), "runs");
  EXPECT_EQ(document["run_id"].as_string().substr(0, 10), "run-000001");
}

TEST_F(Resume, AWriterRunsAgainWhenItsOutputIsNotWhatItLeft) {
  write_pipeline("VARCHAR");
  EXPECT_EQ(run({"--keep-outputs"}).exit, 0);
  project_.write("out/first.csv", "k,v\nz,9\n");
  EXPECT_THAT(why("first"), HasSubstr("is not what run run-000001"));
  EXPECT_EQ(run({"--resume"}).exit, 0);
  EXPECT_THAT(project_.ran(), ElementsAre("first"));
  EXPECT_EQ(project_.read("out/first.csv"), "k,v\na,4\nb,2\n");
  fs::remove(project_.dir() / "out/last.csv");
  EXPECT_EQ(run({"--resume", "--out", "copy"}).exit, 0);
  EXPECT_THAT(project_.ran(), ElementsAre("last"));
  EXPECT_EQ(project_.read("copy/out/first.csv"), project_.read("out/first.csv"));
}

TEST_F(Resume, ChosenStepsAloneRun) {
  write_pipeline("VARCHAR");
  EXPECT_EQ(run({"--until", "total"}).exit, 0);
  EXPECT_THAT(project_.ran(), ElementsAre("read", "total"));
  EXPECT_FALSE(fs::exists(project_.dir() / "out"));
  const Outcome alone = run({"--only", "cast"});
  EXPECT_EQ(alone.exit, 2);
  EXPECT_THAT(alone.err, HasSubstr("'cast' cannot run alone: the rows of total are not kept"));
  EXPECT_EQ(run({"--keep-outputs"}).exit, 0);
  EXPECT_EQ(run({"--only", "cast"}).exit, 0);
  EXPECT_THAT(project_.ran(), ElementsAre("cast"));
  EXPECT_EQ(run({"--from", "cast"}).exit, 0);
  EXPECT_THAT(project_.ran(), ElementsAre("cast", "last"));
  EXPECT_EQ(run({"--from", "cast", "--until", "cast"}).exit, 0);
  EXPECT_THAT(project_.ran(), ElementsAre("cast"));
  EXPECT_EQ(run({"--from", "last", "--until", "read"}).exit, 2);
  const Outcome wrong = run({"--from", "totl"});
  EXPECT_EQ(wrong.exit, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean 'total'?"));
}

TEST_F(Resume, RowsOfASourceAreTakenFromTheRunThatIsResumedOnly) {
  project_.write("p.yaml", oml("sums", {mock_step("source", "rows: 3"), mock_step("other", "rows: 2"),
                                        sql_step("count", "source", "SELECT count(*) AS n FROM input_df"),
                                        mock_step("end", "fail: broken", "count, other")}));
  EXPECT_EQ(run({"--keep-outputs"}).exit, 1);
  EXPECT_EQ(run({"--resume"}).exit, 1);
  EXPECT_THAT(project_.ran(), ElementsAre("end"));
  EXPECT_EQ(run({"--keep-outputs"}).exit, 1);
  EXPECT_EQ(project_.ran().size(), 4u);
  // What is kept of it are the rows of a later run by now.
  EXPECT_EQ(run({"--resume", "1"}).exit, 1);
  EXPECT_THAT(project_.ran(), ElementsAre("end", "other"));
}

TEST_F(Resume, CacheForTakesRowsThatAreYoungEnough) {
  const auto write = [&](const std::string& cache) {
    project_.write("p.yaml", oml("sums", {mock_step("source", "rows: 3", "", cache),
                                          sql_step("count", "source", "SELECT count(*) AS n FROM input_df"),
                                          write_step("write", "count", "out/n.csv")}));
  };
  write("cache: {for: 1h}");
  EXPECT_EQ(run({}).exit, 0);
  const Outcome second = run({});
  EXPECT_EQ(second.exit, 0) << second.err;
  EXPECT_THAT(second.out, HasSubstr("1 of 3 steps need not run"));
  EXPECT_THAT(project_.ran(), ElementsAre("count", "write"));
  EXPECT_EQ(project_.read("out/n.csv"), "n\n3\n");
  EXPECT_EQ(run({"--no-cache"}).exit, 0);
  EXPECT_EQ(project_.ran().size(), 3u);
  write("cache: {for: 1ms}");
  EXPECT_EQ(run({}).exit, 0);
  EXPECT_EQ(project_.ran().size(), 3u);
  write("cache: {to: 1h}");
  EXPECT_THAT(run({}).err, HasSubstr("cache must be true, false or {for: <duration>}"));
}

TEST_F(Resume, WhatIsVolatileIsKeptOnRequestOnly) {
  const auto write = [&](const std::string& cache) {
    project_.write("p.yaml", oml("sums", {read_step("read", "in/a.csv"),
                                          sql_step("stamp", "read", "SELECT *, random() AS r FROM input_df", cache),
                                          mock_step("end", "fail: broken", "stamp")}));
  };
  write("");
  EXPECT_EQ(run({"--keep-outputs"}).exit, 1);
  EXPECT_EQ(kept(), 0u);
  EXPECT_THAT(why("stamp"), HasSubstr("its SQL uses random"));
  write("cache: true");
  EXPECT_EQ(run({}).exit, 1);
  EXPECT_EQ(kept(), 1u);
  EXPECT_EQ(run({}).exit, 1);
  EXPECT_THAT(project_.ran(), ElementsAre("end"));
}

TEST_F(Resume, ADamagedEntryIsNotTaken) {
  write_pipeline();
  run({"--keep-outputs"});
  const std::string file =
      project_.osiris({"cache", "show", "--json"}).json()["entries"].items().at(0)["path"].as_string();
  for (const uintmax_t size : {fs::file_size(file) - 1, uintmax_t{0}}) {
    fs::resize_file(file, size);
    const Outcome resumed = run({"--resume"});
    EXPECT_EQ(resumed.exit, 1);
    EXPECT_THAT(resumed.err, HasSubstr("is not what was kept"));
    EXPECT_EQ(project_.ran().size(), 3u) << "read, total, cast";
    EXPECT_TRUE(fs::exists(file));
  }
}

TEST_F(Resume, ACacheThatCannotBeWrittenStopsNoRun) {
  write_pipeline("VARCHAR");
  for (const char* blocked : {".osiris/cache/outputs", ".osiris/cache/runs"}) {
    fs::remove_all(project_.dir() / ".osiris/cache");
    project_.write(blocked, "in the way");
    const Outcome outcome = run({"--keep-outputs"});
    EXPECT_EQ(outcome.exit, 0) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(std::string(blocked).ends_with("runs") ? "this run cannot be resumed"
                                                                              : "outputs of steps are not kept"));
    EXPECT_FALSE(fs::exists(project_.session() / "artifacts/total/kept.parquet"));
  }
}

TEST_F(Resume, RowsThatCannotBeKeptExactlyAreNotKept) {
  project_.write(
      "p.yaml", oml("sums", {sql_step("a", "", "SELECT [union_value(k := 1)] AS u"),
                             sql_step("b", "a", "SELECT count(*) AS n FROM input_df"), write_step("w", "b", "n.csv")}));
  const Outcome outcome = run({"--keep-outputs"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("the rows of step a are not kept"));
  EXPECT_EQ(kept(), 1u);
}

TEST_F(Resume, ARemovedOrRenamedStepIsNoTrouble) {
  write_pipeline();
  run({"--keep-outputs"});
  project_.write("p.yaml",
                 oml("sums", {read_step("source", "in/a.csv"),
                              sql_step("total", "source", "SELECT k, sum(v) AS v FROM input_df GROUP BY k ORDER BY k"),
                              write_step("last", "total", "out/last.csv")}));
  EXPECT_THAT(why("source"), HasSubstr("had no step of this name"));
  EXPECT_EQ(run({"--resume"}).exit, 0);
  EXPECT_EQ(project_.read("out/last.csv"), "k,v\na,4\nb,2\n");
}

TEST_F(Resume, TheBoundOfTheCacheHolds) {
  project_.write("osiris.yaml", "cache: {max_bytes: 1}\n");
  write_pipeline();
  const Outcome outcome = run({"--keep-outputs"});
  EXPECT_THAT(outcome.err, HasSubstr("the rows of step total are not kept: its rows have"));
  EXPECT_EQ(kept(), 0u);
  project_.write("osiris.yaml", "cache: {max_bytes: lots}\n");
  EXPECT_EQ(run({}).exit, 2);
}

TEST_F(Resume, WhatAKilledRunHadFinishedIsTaken) {
  project_.write(
      "p.yaml",
      oml("sums", {read_step("read", "in/a.csv"),
                   sql_step("total", "read", "SELECT k, sum(v) AS v FROM input_df GROUP BY k ORDER BY k"),
                   write_step("first", "total", "out/first.csv"), mock_step("end", "wait_for: go", "total, first")}));
  Running killed = project_.start({"run", "p.yaml", "--allow-mock", "--keep-outputs"});
  killed.until("end: Starting");
  const Outcome busy = run({"--resume"});
  EXPECT_EQ(busy.exit, 3) << busy.out;
  EXPECT_THAT(busy.err, HasSubstr("is still going on"));
  killed.kill(SIGKILL);
  killed.end();
  project_.write("go", "");
  const Outcome resumed = run({"--resume"});
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_THAT(project_.ran(), ElementsAre("end"));
}

TEST_F(Resume, AFileThatChangesWhileTheRunGoesOnIsNotTakenForWhatWasRead) {
  project_.write("p.yaml", oml("sums", {read_step("read", "in/a.csv"),
                                        sql_step("total", "read", "SELECT sum(v) AS v FROM input_df"),
                                        mock_step("end", "wait_for: go", "total")}));
  Running running = project_.start({"run", "p.yaml", "--allow-mock", "--keep-outputs"});
  running.until("end: Starting");
  project_.write("in/a.csv", "k,v\na,100\n");
  project_.write("go", "");
  EXPECT_EQ(running.end().exit, 0);
  EXPECT_EQ(kept(), 0u);
  EXPECT_EQ(run({"--resume"}).exit, 0);
  EXPECT_EQ(project_.ran().size(), 3u);
}

TEST_F(Resume, TheWordBehindResumeMayBeTheFile) {
  write_pipeline("VARCHAR");
  EXPECT_EQ(project_.osiris({"run", "--resume", "p.yaml"}).exit, 0);
  EXPECT_EQ(project_.osiris({"run", "p.yaml", "--resume", "1"}).exit, 0);
  EXPECT_THAT(project_.ran(), IsEmpty());
  EXPECT_EQ(project_.osiris({"run", "p.yaml", "--resume", "7"}).exit, 2);
  project_.write("q.yaml", oml("other", {read_step("read", "in/a.csv")}));
  EXPECT_THAT(project_.osiris({"run", "q.yaml", "--resume", "sums/1"}).err, HasSubstr("is of pipeline 'sums'"));
}

TEST_F(Resume, TheCacheIsClearedOnRequest) {
  write_pipeline();
  run({"--keep-outputs"});
  EXPECT_THAT(project_.osiris({"cache", "show"}).out, HasSubstr("total"));
  EXPECT_THAT(project_.osiris({"cache", "clear"}).out, HasSubstr("Removed 1 kept output"));
  EXPECT_THAT(project_.osiris({"cache", "show"}).out, HasSubstr("No outputs"));
  EXPECT_THAT(why("total"), Not(HasSubstr("would not")));
}

}  // namespace
}  // namespace osiris::e2e

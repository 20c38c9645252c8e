// What is shown of steps that were not run again, and what of their rows: by reports, by show; with shards, and in a
// run of which no step runs.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/e2e/project.h"
#include "tests/e2e/pseudo_terminal.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class NotRunAgain : public testing::Test {
 protected:
  NotRunAgain() { project_.write("in.csv", "k,v\na,1\nb,2\na,3\n"); }

  void write_pipeline(const std::string& type) {
    project_.write(
        "p.yaml",
        oml("sums",
            {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
             "  - {id: total, component: duckdb.processor, mode: transform, needs: [read], config: {query: \"SELECT k, "
             "sum(v) AS v FROM input_df GROUP BY k ORDER BY k\"}}\n",
             "  - {id: cast, component: duckdb.processor, mode: transform, needs: [total], config: {query: \"SELECT "
             "CAST(k AS " +
                 type + ") AS k, v FROM input_df\"}}\n",
             "  - {id: save, component: filesystem.csv_writer, mode: write, needs: [cast], config: {path: "
             "out.csv}}\n"}));
  }
  // Two files, each read, filtered and written by itself, and their sum.
  void write_sharded_pipeline(const std::string& type) {
    project_.write(
        "p.yaml",
        oml("calls",
            {"  - {id: read, component: filesystem.csv_extractor, mode: read, foreach: {files: \"in/*.csv\"}, config: "
             "{path: \"${shard.value}\"}}\n",
             "  - {id: clean, component: duckdb.processor, mode: transform, needs: [read], per_shard: true, config: "
             "{query: \"SELECT *, $shard AS source FROM df_read WHERE v > 1\"}}\n",
             "  - {id: cast, component: duckdb.processor, mode: transform, needs: [clean], per_shard: true, config: "
             "{query: \"SELECT CAST(k AS " +
                 type + ") AS k, v, source || ' ' || $shard AS source FROM df_clean\"}}\n",
             "  - {id: each, component: filesystem.csv_writer, mode: write, needs: [cast], per_shard: true, config: "
             "{path: \"out/${shard.stem}.csv\", column_order: query}}\n",
             "  - {id: all, component: filesystem.csv_writer, mode: write, needs: [clean], config: {path: "
             "out/all.csv, column_order: query}}\n"}));
    project_.write("in/x.csv", "k,v\na,1\nb,2\n");
    project_.write("in/y.csv", "k,v\nc,3\nd,4\ne,0\n");
  }
  Outcome run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"run", "p.yaml"});
    return project_.osiris(std::move(arguments));
  }
  // One run that fails behind `total`, and another that does not.
  Outcome resume(std::vector<std::string> arguments = {}) {
    write_pipeline("INTEGER");
    EXPECT_EQ(run({"--keep-outputs"}).exit, 1);
    write_pipeline("VARCHAR");
    arguments.insert(arguments.begin(), "--resume");
    const Outcome resumed = run(std::move(arguments));
    EXPECT_EQ(resumed.exit, 0) << resumed.err;
    return resumed;
  }

  mutable Project project_;
};

TEST_F(NotRunAgain, IsSaidByEveryReport) {
  project_.set("GITHUB_STEP_SUMMARY", (project_.dir() / "card.md").string());
  project_.set("GITHUB_ACTIONS", "true");
  const Outcome outcome = resume({"--report", "junit=run.xml"});
  EXPECT_THAT(outcome.out, HasSubstr("4 steps, 2 not run again, "));
  const std::string of = "of run-000001_";
  EXPECT_THAT(project_.read("run.xml"),
              AllOf(HasSubstr("skipped=\"2\""), HasSubstr("name=\"total\" time=\"0.000\"><skipped message=\"not run "
                                                          "again (rows: 2, " +
                                                          of)));
  EXPECT_THAT(project_.read("card.md"), AllOf(HasSubstr("| total | duckdb.processor | not run again (" + of),
                                              HasSubstr("| cast | duckdb.processor "
                                                        "| complete |")));
  EXPECT_THAT(project_.osiris({"logs", "last"}).out, HasSubstr("✓ total: not run again (rows: 2, " + of));
  const Json steps = project_.osiris({"logs", "last", "--json"}).json()["steps"];
  EXPECT_THAT(steps.dump(), HasSubstr("\"reused_from\":\"run-000001_"));
  EXPECT_EQ(project_.osiris({"report", "-o", "run.html"}).exit, 0);
  const std::string page = project_.read("run.html");
  EXPECT_THAT(page, AllOf(HasSubstr("4 of 4, 2 of them not run again"), HasSubstr("</span>not run again</span>"),
                          HasSubstr("<td>" + of)));
}

TEST_F(NotRunAgain, IsSaidByTheTableOfATerminal) {
  resume();
  PseudoTerminal terminal(project_, {"run", "p.yaml", "--resume"});
  EXPECT_EQ(terminal.end(), 0);
  EXPECT_THAT(terminal.text(), AllOf(HasSubstr("not run again"), HasSubstr("4 not run again"),
                                     Not(HasSubstr("duckdb.processor  complete"))));
}

// Its outputs are proved by their bytes, and nothing is started for it: not even a worker that is not there.
TEST_F(NotRunAgain, ARunOfNothingStartsNothing) {
  resume();
  const fs::path first = project_.session();
  const std::string proved = (*parse_json(project_.read(first / "artifacts.json")))["outputs"].dump();
  const Outcome again = run({"--resume", "--json"});
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_THAT(project_.ran(), IsEmpty());
  for (const char* event : {"worker_started", "adapter_create_start", "adapter_execute_start"})
    EXPECT_THAT(Project::events(project_.session(), event), IsEmpty()) << event;
  EXPECT_FALSE(fs::exists(project_.session() / "adapter"));
  EXPECT_EQ(project_.status()["steps_completed"].as_int(), 4);
  EXPECT_EQ((*parse_json(project_.read(project_.session() / "artifacts.json")))["outputs"].dump(), proved);
  EXPECT_EQ(again.json()["steps"].items().at(3)["rows_written"].as_int(), 2);
  project_.write("out.csv", "k,v\nz,9\n");
  EXPECT_EQ(run({"--resume"}).exit, 0);
  EXPECT_THAT(project_.ran(), ElementsAre("save"));
  EXPECT_EQ(project_.read("out.csv"), "k,v\na,4\nb,2\n");
}

TEST_F(NotRunAgain, ShowReadsWhatTheRunKept) {
  resume();
  fs::remove(project_.dir() / "in.csv");
  const Outcome shown = project_.osiris({"show", "total"});
  EXPECT_EQ(shown.exit, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("total  duckdb.processor: 2 rows, 2 columns  (kept of run-000002_"));
  const Json document = project_.osiris({"show", "total", "--json"}).json();
  EXPECT_EQ(document["taken"].dump(), R"(["total"])");
  EXPECT_EQ(document["run_again"].dump(), "[]");
  // Only what is not kept is run, on what is.
  project_.osiris({"cache", "clear"});
  project_.write("in.csv", "k,v\na,1\nb,2\na,3\n");
  EXPECT_EQ(run({"--until", "total", "--keep-outputs"}).exit, 0);
  fs::remove(project_.dir() / "in.csv");
  const Json cast = project_.osiris({"show", "cast", "--json"}).json();
  EXPECT_EQ(cast["run_again"].dump(), R"(["cast"])");
  EXPECT_EQ(cast["taken"].dump(), R"(["total"])");
  EXPECT_EQ(cast["shown"].dump(), R"([["a","4"],["b","2"]])");
}

TEST_F(NotRunAgain, ShowMakesRowsThatAreDamaged) {
  resume();
  const std::string file =
      project_.osiris({"cache", "show", "--json"}).json()["entries"].items().at(0)["path"].as_string();
  fs::resize_file(file, 1);
  const Json document = project_.osiris({"show", "cast", "--json"}).json();
  EXPECT_EQ(document["shown"].dump(), R"([["a","4"],["b","2"]])");
  EXPECT_THAT(document["notes"].dump(), HasSubstr("kept rows are not used"));
}

TEST_F(NotRunAgain, StepsWithShardsAreKeptShardByShard) {
  write_sharded_pipeline("INTEGER");
  EXPECT_EQ(run({"--keep-outputs"}).exit, 1);
  write_sharded_pipeline("VARCHAR");
  const Outcome resumed = run({"--resume"});
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_THAT(project_.ran(), testing::IsSupersetOf({"cast", "each"}));
  EXPECT_THAT(project_.ran(), Not(testing::Contains("clean")));
  EXPECT_EQ(project_.read("out/x.csv"), "k,v,source\nb,2,in/x.csv in/x.csv\n");
  EXPECT_EQ(project_.read("out/y.csv"), "k,v,source\nc,3,in/y.csv in/y.csv\nd,4,in/y.csv in/y.csv\n");
  EXPECT_EQ(project_.read("out/all.csv"), "k,v,source\nb,2,in/x.csv\nc,3,in/y.csv\nd,4,in/y.csv\n");
  // Another list of shards is another step, whose every output is made again.
  project_.write("in/z.csv", "k,v\nf,9\n");
  EXPECT_EQ(run({"--resume"}).exit, 0);
  EXPECT_THAT(project_.ran(), ElementsAre("all", "cast", "clean", "each", "read"));
  EXPECT_EQ(project_.read("out/z.csv"), "k,v,source\nf,9,in/z.csv in/z.csv\n");
  EXPECT_EQ(run({"--resume"}).exit, 0);
  EXPECT_THAT(project_.ran(), IsEmpty());
}

TEST_F(NotRunAgain, ShowKnowsStepsWithShards) {
  write_sharded_pipeline("VARCHAR");
  EXPECT_EQ(run({}).exit, 0);
  const Json again = project_.osiris({"show", "cast", "--json"}).json();
  EXPECT_EQ(again["rows"].as_int(), 3);
  EXPECT_EQ(again["run_again"].dump(), R"(["read","clean","cast"])");
  EXPECT_EQ(run({"--keep-outputs"}).exit, 0);
  fs::remove_all(project_.dir() / "in");
  project_.write("in/x.csv", "k,v\nnew,5\n");
  const Json kept = project_.osiris({"show", "cast", "--json"}).json();
  EXPECT_EQ(kept["shown"], again["shown"]);
  EXPECT_EQ(kept["run_again"].dump(), "[]");
}

}  // namespace
}  // namespace osiris::e2e

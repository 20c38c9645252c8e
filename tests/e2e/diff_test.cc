// osiris diff: two runs held against each other.
#include <gmock/gmock.h>

#include "protocol/base/file.h"
#include "tests/e2e/project.h"
#include "tests/support/small_disk.h"

namespace osiris::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;

namespace fs = std::filesystem;

class Diff : public testing::Test {
 protected:
  Diff() {
    project_.write("in.csv", "id,name\n1,one\n2,two\n");
    write_pipeline("SELECT * FROM df_read");
  }
  // Each run writes to a file of its own.
  void write_pipeline(const std::string& query) {
    project_.write(
        "p.yaml",
        oml("shop", {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
                     "  - {id: pick, component: duckdb.processor, mode: transform, needs: [read], config: {query: \"" +
                         query + "\"}}\n",
                     "  - {id: save, component: filesystem.csv_writer, mode: write, needs: [pick], config: {path: "
                     "out.csv}}\n"}));
  }
  void run() {
    const Outcome outcome = project_.osiris({"run", "p.yaml"});
    ASSERT_EQ(outcome.exit, 0) << outcome.err;
  }
  Json compared(const std::vector<std::string>& arguments) const {
    return project_.osiris(arguments).json()["comparisons"].items().at(0);
  }

  Project project_;
};

TEST_F(Diff, OfTwoRunsOfTheSameIsNone) {
  run();
  run();
  const Outcome outcome = project_.osiris({"diff", "shop/1", "shop/2"});
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("Plan: the same"), HasSubstr("Steps: the same"), HasSubstr("Events: the same"),
                    HasSubstr("Outputs: the same bytes in 1 file"), HasSubstr("✓ The runs are the same")));
  EXPECT_EQ(project_.osiris({"diff", "1", "2", "--json"}).json()["same"], Json(true));
}

TEST_F(Diff, NamesWhatDiffersAndThatAnOverwrittenFileIsNotLookedInto) {
  run();
  write_pipeline("SELECT * FROM df_read WHERE id = 1");
  run();
  const Outcome outcome = project_.osiris({"diff", "1", "2"});
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("step pick: query"), HasSubstr("WHERE id = 1"), HasSubstr("step pick: rows"),
                                 HasSubstr("Outputs: 1 of 1 file differ"), HasSubstr("✗ The runs differ"),
                                 HasSubstr("rows are not compared: of the first run, the file has changed")));
  const Json seen = compared({"diff", "1", "2", "--json"});
  EXPECT_EQ(seen["plan"].items().at(0)["what"].as_string(), "step pick: query");
  EXPECT_EQ(seen["outputs"].items().at(0)["same"], Json(false));
}

TEST_F(Diff, ThroughAdaptersKeepsTheOutputsOfEachAndShowsRowsThatDiffer) {
  // What it writes depends on when it runs.
  write_pipeline("SELECT id, CASE WHEN id = 2 THEN uuid()::VARCHAR ELSE name END AS name FROM df_read");
  const Outcome outcome = project_.osiris({"diff", "p.yaml", "--adapter", "local,local"});
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("Plan: the same"), HasSubstr("Steps: the same"), HasSubstr("<  2"), HasSubstr(">  2")));
  EXPECT_EQ(project_.runs().size(), 2u);
  const Json rows = compared({"diff", "p.yaml", "--adapter", "local,local", "--json"})["outputs"].items().at(0)["rows"];
  EXPECT_EQ(rows["left"]["rows_only"].as_int(), 1);
  EXPECT_EQ(rows["left"]["rows"].as_int(), 2);
  const Json without =
      compared({"diff", "p.yaml", "--adapter", "local,local", "--no-rows", "--json"})["outputs"].items().at(0);
  EXPECT_TRUE(without["rows"].is_null());
}

TEST_F(Diff, ThroughAdaptersOfAPipelineThatIsTheSame) {
  const Outcome outcome = project_.osiris({"diff", "p.yaml", "--adapter", "local,local,local"});
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("✓ The runs are the same"));
}

TEST_F(Diff, WithoutRoomForTheCopiesOfOutputsSaysSo) {
  write_pipeline("SELECT range AS n, sha256(range::VARCHAR) AS hash FROM range(30000)");
  const test::SmallDisk disk(project_.dir() / "tmp", "1m");
  OSIRIS_NEEDS_DISK(disk);
  project_.set("TMPDIR", disk.path().string());
  const Outcome outcome = project_.osiris({"diff", "p.yaml", "--adapter", "local,local"});
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("out.csv"), HasSubstr("No space left on device")));
}

TEST_F(Diff, OfTheSameRowsInAnotherOrder) {
  write_pipeline("SELECT * FROM df_read ORDER BY hash(id || uuid()::VARCHAR)");
  std::string rows = "id,name\n";
  for (int i = 0; i < 200; ++i) rows += std::to_string(i) + ",x\n";
  project_.write("in.csv", rows);
  const Outcome outcome = project_.osiris({"diff", "p.yaml", "--adapter", "local,local"});
  EXPECT_EQ(outcome.exit, 1);
  EXPECT_THAT(outcome.out, HasSubstr("the same rows, in another order or another form"));
}

TEST_F(Diff, OfRunsThatFailAlikeIsNone) {
  write_pipeline("SELECT CAST(name AS INTEGER) AS n FROM df_read");
  const Outcome outcome = project_.osiris({"diff", "p.yaml", "--adapter", "local,local"});
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("failed"));
}

TEST_F(Diff, RefusesWhatCannotBeCompared) {
  EXPECT_EQ(project_.osiris({"diff", "1"}).exit, 2);
  EXPECT_THAT(project_.osiris({"diff", "1", "2"}).err, HasSubstr("there is no run"));
  EXPECT_EQ(project_.osiris({"diff", "p.yaml", "--adapter", "local"}).exit, 2);
  EXPECT_EQ(project_.osiris({"diff", "p.yaml", "--adapter", "local,"}).exit, 2);
  EXPECT_EQ(project_.osiris({"diff", "p.yaml", "x", "--adapter", "local,local"}).exit, 2);
  EXPECT_EQ(project_.osiris({"diff", "none.yaml", "--adapter", "local,local"}).exit, 2);
  const Outcome unknown = project_.osiris({"diff", "p.yaml", "--adapter", "local,nowhere", "--json"});
  EXPECT_EQ(unknown.exit, 2);
  EXPECT_THAT(unknown.err, HasSubstr("nowhere"));
  EXPECT_THAT(unknown.json()["message"].as_string(), HasSubstr("nowhere"));
  EXPECT_TRUE(project_.sessions().empty()) << "nothing runs before all adapters are looked at";
  EXPECT_FALSE(fs::exists(project_.dir() / "out.csv"));
  run();
  run();
  EXPECT_EQ(project_.osiris({"diff", "shop/1", "shop/3", "--profile", "prod"}).exit, 2);
  fs::remove_all(project_.sessions().front());
  EXPECT_THAT(project_.osiris({"diff", "shop/1", "shop/2"}).err, HasSubstr("osiris clean"));
}

TEST_F(Diff, RefusesAPipelineThatKeepsAState) {
  project_.write("sqlite.yaml", oml("s", {"  - {id: read, component: sqlite.extractor, mode: read, config: {path: "
                                          "a.db, table: t, incremental: {column: id}}}\n"}));
  const Outcome outcome = project_.osiris({"diff", "sqlite.yaml", "--adapter", "local,local"});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_THAT(outcome.err, HasSubstr("keeps a state"));
}

}  // namespace
}  // namespace osiris::e2e

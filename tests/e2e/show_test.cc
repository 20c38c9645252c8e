// osiris show: the rows of a step, run again as far as they need it.
#include <gmock/gmock.h>

#include "protocol/base/file.h"
#include "tests/e2e/project.h"
#include "tests/support/small_disk.h"

namespace osiris::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace fs = std::filesystem;

class Show : public testing::Test {
 protected:
  Show() {
    project_.write("in.csv", "id,name,price\n1,one,1.50\n2,,2.25\n3,three,\n");
    project_.write(
        "p.yaml",
        oml("shop",
            {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
             "  - {id: dear, component: duckdb.processor, mode: transform, needs: [read], config: {query: \"SELECT * "
             "FROM df_read WHERE price > 2 OR price IS NULL\"}, checks: [{row_count: {max: 2}}]}\n",
             "  - {id: save, component: filesystem.csv_writer, mode: write, needs: [dear], config: {path: out.csv, "
             "delimiter: ';'}}\n"}));
  }
  void run() {
    const Outcome outcome = project_.osiris({"run", "p.yaml"});
    ASSERT_EQ(outcome.exit, 0) << outcome.err;
  }
  Outcome show(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "show");
    return project_.osiris(std::move(arguments));
  }

  Project project_;
};

TEST_F(Show, TellsColumnsAndRowsOfAStepOfTheLastRun) {
  run();
  const Outcome outcome = show({"read"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("read  filesystem.csv_extractor: 3 rows, 3 columns"), HasSubstr("DOUBLE"),
                                 HasSubstr("2.25"), HasSubstr("three"), HasSubstr("NULL")));
  const Json seen = show({"read", "--json"}).json();
  EXPECT_EQ(seen["rows"].as_int(), 3);
  EXPECT_EQ(seen["columns"].items().at(1).dump(),
            R"({"name":"name","type":"VARCHAR","nulls":1,"min":"one","max":"three"})");
  EXPECT_EQ(seen["shown"].size(), 3u);
  EXPECT_FALSE(seen["run_id"].as_string().empty());
}

TEST_F(Show, LeavesNoRecordAndRunsNoWriter) {
  run();
  project_.write("out.csv", "mine\n");
  fs::create_directories(project_.dir() / ".osiris/sessions");  // where sessions are until they are gone
  const auto before = project_.tree();
  EXPECT_EQ(show({"dear"}).exit, 0);
  EXPECT_EQ(project_.runs().size(), 1u);
  EXPECT_EQ(project_.tree(), before);
}

TEST_F(Show, AnswersAQueryOfTheRows) {
  run();
  const Json seen = show({"dear", "--sql", "SELECT count(*) AS n, max(id) AS last FROM df_dear", "--json"}).json();
  EXPECT_EQ(seen["shown"].dump(), R"([["2","3"]])");
  EXPECT_EQ(show({"dear", "--sql", "FROM input_df", "--limit", "1", "--json"}).json()["shown"].size(), 1u);
  const Outcome wrong = show({"dear", "--sql", "SELECT nothing FROM df_dear"});
  EXPECT_EQ(wrong.exit, 2);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("--sql"), HasSubstr("nothing")));
}

TEST_F(Show, AQueryReachesNoFile) {
  run();
  const Outcome outcome = show({"dear", "--sql", "SELECT * FROM read_csv('in.csv')"});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_EQ(show({"dear", "--sql", "COPY (SELECT 1) TO 'stolen.csv'"}).exit, 2);
  EXPECT_FALSE(fs::exists(project_.dir() / "stolen.csv"));
}

TEST_F(Show, WritesCsvJsonAndParquet) {
  run();
  EXPECT_EQ(show({"read", "--format", "csv"}).out, "id,name,price\n1,one,1.5\n2,,2.25\n3,three,\n");
  EXPECT_EQ(show({"read", "--format", "csv", "--limit", "1"}).out, "id,name,price\n1,one,1.5\n");
  const auto rows = parse_json(show({"read", "--format", "json", "--limit", "0"}).out);
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(rows->size(), 3u);
  const Outcome made = show({"read", "--format", "parquet", "-o", "made/rows.parquet", "--json"});
  EXPECT_EQ(made.exit, 0) << made.err;
  EXPECT_EQ(made.json()["size_bytes"].as_uint(), fs::file_size(project_.dir() / "made/rows.parquet"));
  EXPECT_THAT(project_.read("made/rows.parquet"), testing::StartsWith("PAR1"));
  EXPECT_THAT(show({"read", "--format", "parquet"}).out, testing::EndsWith("PAR1"));
}

TEST_F(Show, ReadsTheFileOfAWriterWhileItIsAsTheRunLeftIt) {
  run();
  project_.write("in.csv", "id,name,price\n9,nine,9\n");
  const Json read = show({"save", "--json"}).json();
  EXPECT_EQ(read["rows"].as_int(), 2);
  EXPECT_THAT(read["read_from"].as_string(), HasSubstr("out.csv"));
  project_.write("out.csv", "id\n1\n");
  const Json again = show({"save", "--json"}).json();
  EXPECT_EQ(again["rows"].as_int(), 1);
  EXPECT_TRUE(again["read_from"].is_null());
  EXPECT_THAT(again["notes"].dump(), AllOf(HasSubstr("has changed since this run"), HasSubstr("'dear' gives it")));
}

TEST_F(Show, OfARunThatFailedAndOfAPipelineThatNeverRan) {
  project_.write("in.csv", "id,name,price\n1,,3\n2,,3\n3,,3\n");
  EXPECT_EQ(project_.osiris({"run", "p.yaml"}).exit, 1);  // its check
  EXPECT_EQ(show({"dear", "--json"}).json()["rows"].as_int(), 3);
  project_.write("new.yaml", oml("new", {"  - {id: only, component: filesystem.csv_extractor, mode: read, config: "
                                         "{path: in.csv}}\n"}));
  const Outcome outcome = show({"only", "--file", "new.yaml", "--json"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_TRUE(outcome.json()["run_id"].is_null());
}

TEST_F(Show, SaysWhenAWriterBeforeTheStepIsNotRun) {
  project_.write(
      "after.yaml",
      oml("after", {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
                    "  - {id: copy, component: filesystem.csv_writer, mode: write, needs: [read], config: {path: "
                    "copy.csv}}\n",
                    "  - {id: again, component: filesystem.csv_extractor, mode: read, needs: [copy], config: {path: "
                    "in.csv}}\n"}));
  const Outcome outcome = show({"again", "--file", "after.yaml"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("'copy', which is not run again"));
  EXPECT_FALSE(fs::exists(project_.dir() / "copy.csv"));
}

TEST_F(Show, EscapesWhatActsOnATerminal) {
  project_.write("in.csv", "id,na\x1b]0;pwn\x07me,price\n1,\x1b[31mred\xE2\x80\xAE,1\n");
  project_.write("p.yaml", oml("shop", {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: "
                                        "{path: in.csv}}\n"}));
  run();
  const Outcome outcome = show({"read"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\x07")), HasSubstr("?[31mred?")));
  EXPECT_THAT(show({"read", "--json"}).out, AllOf(Not(HasSubstr("\x1b")), HasSubstr("\\u001b[31mred")));
}

TEST_F(Show, IsBoundedInWidth) {
  std::string names = "c0", values = "0";
  for (int i = 1; i < 300; ++i) {
    names += ",c" + std::to_string(i);
    values += ",a value of some length";
  }
  project_.write("in.csv", names + "\n" + values + "\n");
  project_.write("p.yaml", oml("wide", {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: "
                                        "{path: in.csv}}\n"}));
  run();
  const Outcome outcome = show({"read"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("and 200 columns more"), HasSubstr("--json has them")));
  EXPECT_EQ(show({"read", "--json"}).json()["columns"].size(), 300u);
}

TEST_F(Show, NamesWhatIsWrong) {
  EXPECT_THAT(show({"read"}).err, HasSubstr("nothing has run"));
  run();
  const Outcome unknown = show({"raed"});
  EXPECT_EQ(unknown.exit, 2);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("no step 'raed'"), HasSubstr("'read'")));
  EXPECT_EQ(show({"read", "--format", "xml"}).exit, 2);
  EXPECT_EQ(show({"read", "-o", "x.csv"}).exit, 2);
  EXPECT_EQ(show({"read", "--format", "csv", "--json"}).exit, 2);
  EXPECT_EQ(show({"read", "--run", "1", "--file", "p.yaml"}).exit, 2);
  EXPECT_EQ(show({"read", "--limit", "20000"}).exit, 2);
  EXPECT_THAT(show({"read", "--run", "7"}).err, HasSubstr("there is no run"));
  fs::remove(project_.dir() / "in.csv");
  const Outcome gone = show({"read"});
  EXPECT_EQ(gone.exit, 1);
  EXPECT_THAT(gone.err, HasSubstr("in.csv"));
  EXPECT_THAT(gone.err, Not(HasSubstr("look-")));
  fs::remove_all(project_.dir() / "build");
  const Outcome unbuilt = show({"read"});
  EXPECT_EQ(unbuilt.exit, 2);
  EXPECT_THAT(unbuilt.err, HasSubstr("--file FILE"));
}

TEST_F(Show, AFileOnAFullDiskIsNotHalfThere) {
  run();
  const test::SmallDisk disk(project_.dir() / "disk", "64k");
  OSIRIS_NEEDS_DISK(disk);
  project_.write("disk/rows.csv", "old\n");
  const Outcome outcome = show({"read", "--sql", "SELECT range AS n FROM range(100000)", "--format", "csv", "--limit",
                                "0", "-o", "disk/rows.csv"});
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("No space left on device"));
  EXPECT_EQ(project_.read("disk/rows.csv"), "old\n");
  EXPECT_EQ(std::distance(fs::directory_iterator(disk.path()), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace osiris::e2e

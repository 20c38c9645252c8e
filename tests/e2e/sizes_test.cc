// Ten thousand columns, and a cell of a hundred megabytes: kept, taken, asked, shown, compared, reported.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr int kColumns = 10'000;
constexpr size_t kPageBytesMax = 3u << 20, kTerminalBytesMax = 64u << 10;

class Sizes : public testing::Test {
 protected:
  void write_pipeline(const std::string& query, const std::string& last) {
    project_.write(
        "p.yaml",
        oml("made",
            {"  - {id: made, component: duckdb.processor, mode: transform, config: {query: \"" + query + "\"}}\n",
             "  - {id: last, component: duckdb.processor, mode: transform, needs: [made], config: {query: \"" + last +
                 "\"}}\n",
             "  - {id: save, component: filesystem.parquet_writer, mode: write, needs: [last], config: {path: "
             "out.parquet}}\n"}));
  }
  void run(const std::string& how) const {
    const Outcome outcome = project_.osiris({"run", "p.yaml", how});
    ASSERT_EQ(outcome.exit, 0) << outcome.err;
  }
  std::string asked(const std::string& query) const {
    const Outcome outcome = project_.osiris({"sql", "-c", query, "--format", "csv"});
    EXPECT_EQ(outcome.exit, 0) << outcome.err;
    return outcome.out;
  }
  Json shown(const std::string& step) const { return project_.osiris({"show", step, "--json"}).json(); }
  void expect_a_small_page() const {
    ASSERT_EQ(project_.osiris({"report", "-o", "page.html"}).exit, 0);
    EXPECT_LT(fs::file_size(project_.dir() / "page.html"), kPageBytesMax);
    EXPECT_THAT(project_.read("page.html"), HasSubstr("made"));
  }

  Project project_;
};

class Wide : public Sizes {
 protected:
  // c0 is 0, or 1 in the second of two rows; of the others each row has the number.
  static std::string query(int last) {
    std::string list = "i AS c0";
    for (int i = 1; i < kColumns; ++i)
      list += ", " + std::to_string(i + 1 == kColumns ? last : i) + " AS c" + std::to_string(i);
    return "SELECT " + list + " FROM range(2) r(i)";
  }
};

TEST_F(Wide, RowsAreTakenAskedAndShown) {
  write_pipeline(query(7), "FROM df_made");
  run("--keep-outputs");
  const Json seen = shown("made");
  EXPECT_EQ(seen["taken"].dump(), R"(["made"])");
  ASSERT_EQ(seen["columns"].size(), size_t{kColumns});
  EXPECT_EQ(seen["columns"].items().front().dump(), R"({"name":"c0","type":"BIGINT","nulls":0,"min":"0","max":"1"})");
  EXPECT_EQ(seen["columns"].items().back().dump(),
            R"({"name":"c9999","type":"INTEGER","nulls":0,"min":"7","max":"7"})");
  ASSERT_EQ(seen["shown"].size(), 2u);
  for (const Json& row : seen["shown"].items()) {
    ASSERT_EQ(row.size(), size_t{kColumns});
    EXPECT_EQ(row.items()[5000].as_string(), "5000");
  }
  EXPECT_EQ(asked("SELECT c0, c9998 FROM df_made ORDER BY c0"), "c0,c9998\n0,9998\n1,9998\n");
  EXPECT_THAT(project_.osiris({"cache", "show", "--json"}).json()["entries"].items(), SizeIs(2));
  const Outcome outcome = project_.osiris({"show", "made"});
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("2 rows, 10,000 columns"), HasSubstr("and 9,900 columns more")));
  EXPECT_LT(outcome.out.size(), kTerminalBytesMax);
  write_pipeline(query(7), "SELECT c9999 AS n FROM df_made");
  run("--resume");
  EXPECT_THAT(project_.ran(), ElementsAre("last", "save"));
}

// What differs in one column of them is found by the rows.
TEST_F(Wide, RunsAreComparedAndReported) {
  write_pipeline(query(7), "SELECT * REPLACE (uuid()::VARCHAR AS c9999) FROM df_made");
  const Json difference = project_.osiris({"diff", "p.yaml", "--adapter", "local,local", "--json"}).json();
  const Json& rows = difference["comparisons"].items().at(0)["outputs"].items().at(0)["rows"];
  EXPECT_EQ(rows["left"]["rows_only"].as_int(), 2);
  EXPECT_EQ(rows["columns"].size(), size_t{kColumns});
  const Outcome outcome = project_.osiris({"diff", "made/1", "made/2"});
  EXPECT_EQ(outcome.exit, 1) << outcome.err;
  EXPECT_LT(outcome.out.size(), kTerminalBytesMax);
  expect_a_small_page();
}

class Large : public Sizes {
 protected:
  Large() {
    write_pipeline("SELECT repeat('<b>', 33333334) AS big", "SELECT big, length(big) AS n FROM df_made");
    run("--keep-outputs");
  }
};

TEST_F(Large, CellsAreTakenAndAsked) {
  EXPECT_EQ(asked("SELECT length(big) AS n FROM df_made"), "n\n100000002\n");
  write_pipeline("SELECT repeat('<b>', 33333334) AS big", "SELECT length(big) AS n FROM df_made");
  run("--resume");
  EXPECT_THAT(project_.ran(), ElementsAre("last", "save"));
  EXPECT_LT(project_.osiris({"sql", "-c", "FROM df_made", "--json"}).out.size(), kTerminalBytesMax);
}

TEST_F(Large, CellsAreShownShort) {
  EXPECT_LT(project_.osiris({"show", "made"}).out.size(), kTerminalBytesMax);
  const Json seen = shown("last");
  EXPECT_EQ(seen["shown"].items().at(0).items().at(1).as_string(), "100000002");
  EXPECT_LT(seen["shown"].items().at(0).items().at(0).as_string().size(), 2000u);
}

TEST_F(Large, CellsAreComparedAndReported) {
  const Outcome outcome = project_.osiris({"diff", "p.yaml", "--adapter", "local,local"});
  EXPECT_EQ(outcome.exit, 0) << outcome.out.substr(0, 5000) << outcome.err.substr(0, 5000);
  EXPECT_LT(outcome.out.size(), kTerminalBytesMax);
  expect_a_small_page();
}

}  // namespace
}  // namespace osiris::e2e

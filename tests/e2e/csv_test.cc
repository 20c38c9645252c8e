// CSV files through a whole run: what the reader knows of a column and the writer needs, and a day without rows.
#include <gtest/gtest.h>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

std::string reader(const std::string& config) {
  return "  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv" + config + "}}\n";
}
std::string sql(const std::string& id, const std::string& needs, const std::string& query) {
  return "  - {id: " + id + ", component: duckdb.processor, mode: transform, needs: [" + needs +
         "], config: {query: \"" + query + "\"}}\n";
}
std::string writer(const std::string& needs, const std::string& config = "") {
  return "  - {id: save-" + needs + ", component: filesystem.csv_writer, mode: write, needs: [" + needs +
         "], config: {path: " + needs + ".csv, column_order: query" + config + "}}\n";
}

class Csv : public testing::Test {
 protected:
  void run(const std::vector<std::string>& steps) {
    project_.write("pipeline.yaml", oml("csv", steps));
    const Outcome run = project_.osiris({"run", "pipeline.yaml"});
    ASSERT_EQ(run.exit, 0) << run.out << run.err;
  }
  Project project_;
};

TEST_F(Csv, TimestampsAreWrittenBackWithTheirOffset) {
  project_.write("in.csv", "z,seen\n1,2025-03-01T10:00:00.5+05:30\n2,2025-03-01T00:00+05:30\n");
  run({reader(", parse_dates: [seen]"), writer("read"),
       sql("days", "read", "SELECT seen, seen::DATE AS day FROM df_read"), writer("days")});
  EXPECT_EQ(project_.read("read.csv"), "z,seen\n1,2025-03-01 10:00:00.500000+05:30\n2,2025-03-01 00:00:00+05:30\n");
  EXPECT_EQ(project_.read("days.csv"),
            "seen,day\n2025-03-01 04:30:00.500000+00:00,2025-03-01\n2025-02-28 18:30:00+00:00,2025-02-28\n");
}

TEST_F(Csv, ADayWithoutRowsRunsThroughTheSqlOfTheOtherDays) {
  const std::vector<std::string> steps = {
      reader(", parse_dates: [day]"),
      sql("adults", "read", "SELECT * FROM df_read WHERE age >= 18 AND name LIKE '%n%' ORDER BY id"),
      sql("totals", "adults",
          "SELECT date_trunc('month', day) AS month, upper(name) AS name, sum(age * 2) AS total FROM df_adults "
          "GROUP BY ALL"),
      writer("totals")};
  project_.write("in.csv", "id,name,age,day\n");
  run(steps);
  EXPECT_EQ(project_.read("totals.csv"), "month,name,total\n");
  project_.write("in.csv", "id,name,age,day\n1,Ann,30,3/1/25\n");
  run(steps);
  EXPECT_EQ(project_.read("totals.csv"), "month,name,total\n2025-03-01,ANN,60\n");
}

}  // namespace
}  // namespace osiris::e2e

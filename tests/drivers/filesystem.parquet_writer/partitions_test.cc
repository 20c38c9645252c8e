// partition_by: a directory that appears whole.
#include "tests/drivers/filesystem.parquet_writer/write.h"
#include "worker/drivers/filesystem.parquet_extractor/driver.h"

namespace osiris::worker::test {
namespace {

Json partitioned(std::initializer_list<const char*> by, const char* path = "out") {
  Json columns = Json::array();
  for (const char* name : by) columns.push_back(name);
  return Json::object({{"path", path}, {"partition_by", std::move(columns)}});
}

// What the extractor makes of the directory, in an order of its own.
std::string round_trip(StepHarness& out, const std::string& pattern = "out/**/*.parquet") {
  out.set_config({{"path", pattern}});
  const auto read = out.run(filesystem_parquet_extractor());
  EXPECT_TRUE(read.ok()) << read.error().message;
  return read.ok() ? out.output_columns() + "\n" + out.query("SELECT * FROM {out} ORDER BY ALL") : "";
}

TEST(ParquetPartitions, ValuesBecomeDirectoriesAndComeBack) {
  StepHarness step;
  step.add_input(
      "rows",
      "SELECT * FROM (VALUES (1, 2024, 'a'), (2, 2024, 'b/c d'), (3, 2025, 'a'), (4, NULL, '')) t(id, year, k)");
  EXPECT_EQ(write(step, partitioned({"year", "k"})), "");
  EXPECT_EQ(step.files_in("out"),
            (std::vector<std::string>{"year=2024", "year=2025", "year=__HIVE_DEFAULT_PARTITION__"}));
  EXPECT_EQ(round_trip(step), "id INTEGER, year BIGINT, k VARCHAR\n1|2024|a\n2|2024|b/c d\n3|2025|a\n4|NULL|\n");
}

TEST(ParquetPartitions, EachFileIsAnOutputOfTheStepWithItsRows) {
  StepHarness step;
  step.add_input("rows", "SELECT i AS id, i % 2 AS odd FROM range(5) t(i)");
  EXPECT_EQ(write(step, partitioned({"odd"}, "out/")), "");
  ASSERT_EQ(step.outputs().size(), 2u);
  EXPECT_EQ(step.outputs()[0].file.path, "out/odd=0/data_0.parquet");
  EXPECT_EQ(step.outputs()[0].rows, 3u);
  EXPECT_EQ(step.outputs()[1].file.path, "out/odd=1/data_0.parquet");
  EXPECT_EQ(step.outputs()[1].file.target, step.work_dir() / "out/odd=1/data_0.parquet");
}

TEST(ParquetPartitions, TypesThatAreKeptOtherwiseComeBackToo) {
  StepHarness step;
  step.add_input("rows", "SELECT 170::HUGEINT AS wide, TIMETZ '12:00:00+02' AS t, DATE '2025-02-03' AS day");
  EXPECT_EQ(write(step, partitioned({"day"})), "");
  round_trip(step);
  EXPECT_EQ(step.output_columns(), "wide HUGEINT, t TIME WITH TIME ZONE, day DATE");
  EXPECT_EQ(step.query("SELECT wide, t::VARCHAR, day FROM {out}"), "170|12:00:00+02|2025-02-03\n");
}

TEST(ParquetPartitions, WithoutRowsThereIsOneFileWithTheColumns) {
  StepHarness step;
  step.add_input("rows", "SELECT 1::BIGINT AS id, 'x' AS k LIMIT 0");
  EXPECT_EQ(write(step, partitioned({"k"})), "");
  EXPECT_EQ(step.outputs().size(), 1u);
  EXPECT_EQ(round_trip(step), "id BIGINT, k VARCHAR\n");
}

TEST(ParquetPartitions, AnOldSetIsReplacedAndAnotherDirectoryIsNot) {
  StepHarness step;
  step.write_file("out/k=old/data_0.parquet", "old");
  step.add_input("rows", "SELECT 1 AS id, 'new' AS k");
  EXPECT_EQ(write(step, partitioned({"k"})), "");
  EXPECT_EQ(step.files_in("out"), std::vector<std::string>{"k=new"});
  step.write_file("out/readme.txt", "mine");
  EXPECT_NE(write(step, partitioned({"k"})).find("it holds readme.txt"), std::string::npos);
  EXPECT_EQ(step.read_file("out/readme.txt"), "mine");
  EXPECT_EQ(step.files_in("."), std::vector<std::string>{"out"});
}

TEST(ParquetPartitions, WhatCannotBeADirectoryIsRefusedBeforeAnythingIsWritten) {
  const std::pair<const char*, const char*> rows[] = {
      {"SELECT 1 AS id, 'NULL' AS k", "column 'k' holds 'NULL'"},
      {"SELECT 1 AS id, '__HIVE_DEFAULT_PARTITION__' AS k", "column 'k' holds '__HIVE"},
      {"SELECT 1 AS id, repeat('x', 300) AS k", "it is too long"},
      {"SELECT 1 AS id, 1.5 AS k", "column 'k' is DECIMAL(2,1): partition_by takes"},
      {"SELECT 1 AS id, i AS k FROM range(10001) t(i)", "would make 10001 directories"},
      {"SELECT 1 AS k", "names all columns"},
      {"SELECT 1 AS id, 2 AS kk", "'partition_by' names column 'k', which is not there"}};
  for (const auto& [select, error] : rows) {
    StepHarness step;
    step.add_input("rows", select);
    const std::string got = write(step, partitioned({"k"}));
    EXPECT_NE(got.find(error), std::string::npos) << got;
    EXPECT_TRUE(step.files_in(".").empty()) << error;
  }
}

TEST(ParquetPartitions, AFailureInTheMiddleLeavesTheOldSet) {
  StepHarness step;
  step.write_file("out/k=old/data_0.parquet", "old");
  step.add_input("rows",
                 "SELECT i % 3 AS k, CASE WHEN i = 400000 THEN 170141183460469231731687303715884105727 ELSE i "
                 "END::HUGEINT AS wide FROM range(500000) t(i)");
  EXPECT_NE(write(step, partitioned({"k"})).find("column 'wide'"), std::string::npos);
  EXPECT_EQ(step.files_in("out"), std::vector<std::string>{"k=old"});
  EXPECT_EQ(step.files_in("."), std::vector<std::string>{"out"});
}

}  // namespace
}  // namespace osiris::worker::test

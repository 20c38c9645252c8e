// partition_by: a directory of JSON files that appears whole.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/drivers/harness.h"
#include "worker/drivers/filesystem.json_extractor/driver.h"
#include "worker/drivers/filesystem.json_writer/driver.h"

namespace osiris::worker::test {
namespace {

constexpr char kRows[] =
    "SELECT * FROM (VALUES (1, 2024, 'a'), (2, 2025, 'b/c d'), (3, 2024, 'a'), (4, NULL, '')) t(id, year, k)";

Json partitioned(std::initializer_list<const char*> by, std::initializer_list<Json::Member> more = {}) {
  Json columns = Json::array();
  for (const char* name : by) columns.push_back(name);
  Json config = Json::object({{"path", "out"}, {"partition_by", std::move(columns)}});
  for (const auto& [key, value] : more) config.set(key, value);
  return config;
}

// "" or the error.
std::string write(StepHarness& step, Json config) {
  step.set_config(std::move(config));
  const auto outcome = step.run(filesystem_json_writer());
  return outcome.ok() ? "" : outcome.error().message;
}

TEST(JsonPartitions, ValuesBecomeDirectoriesAndRowsKeepTheirOrder) {
  StepHarness step;
  step.add_input("rows", kRows);
  EXPECT_EQ(write(step, partitioned({"year", "k"})), "");
  EXPECT_EQ(step.read_file("out/year=2024/k=a/data_0.ndjson"), "{\"id\":1}\n{\"id\":3}\n");
  EXPECT_EQ(step.read_file("out/year=2025/k=b%2Fc%20d/data_0.ndjson"), "{\"id\":2}\n");
  EXPECT_EQ(step.read_file("out/year=__HIVE_DEFAULT_PARTITION__/k=/data_0.ndjson"), "{\"id\":4}\n");
  ASSERT_EQ(step.outputs().size(), 3u);
  EXPECT_EQ(step.outputs()[0].file.path, "out/year=2024/k=a/data_0.ndjson");
  EXPECT_EQ(step.outputs()[0].rows, 2u);
  ASSERT_TRUE(step.outputs()[0].digest);
  EXPECT_EQ(step.outputs()[0].digest->sha256, sha256_hex("{\"id\":1}\n{\"id\":3}\n"));
  EXPECT_TRUE(std::filesystem::is_empty(step.scratch_dir()));
}

TEST(JsonPartitions, MayBeArraysAndCompressed) {
  StepHarness step;
  step.add_input("rows", kRows);
  EXPECT_EQ(write(step, partitioned({"year", "k"}, {{"format", "json"}})), "");
  EXPECT_EQ(step.read_file("out/year=2024/k=a/data_0.json"), "[\n{\"id\":1},\n{\"id\":3}\n]\n");
  EXPECT_EQ(write(step, partitioned({"year", "k"}, {{"compression", "gzip"}})), "");
  EXPECT_EQ(step.files_in("out/year=2024/k=a"), std::vector<std::string>{"data_0.ndjson.gz"});
  const std::string file = (step.work_dir() / "out/year=2024/k=a/data_0.ndjson.gz").string();
  EXPECT_EQ(std::system(("gzip -d '" + file + "'").c_str()), 0);
  EXPECT_EQ(step.read_file("out/year=2024/k=a/data_0.ndjson"), "{\"id\":1}\n{\"id\":3}\n");
}

TEST(JsonPartitions, TheExtractorReadsThemWithTheirKeys) {
  for (const char* format : {"json", "ndjson"}) {
    StepHarness step;
    // More than is held at once, over several batches, in an order that no directory follows.
    step.add_input("rows",
                   "SELECT i AS id, i % 7 AS k, repeat('x', 100) || i AS t FROM range(900000) t(i) ORDER BY hash(i)");
    EXPECT_EQ(write(step, partitioned({"k"}, {{"format", format}})), "");
    step.set_config({{"path", std::string("out/*/*.") + format}});
    const auto read = step.run(filesystem_json_extractor());
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(step.output_columns(), "id BIGINT, t VARCHAR, k BIGINT");
    EXPECT_EQ(step.query("SELECT count(*) FROM (SELECT id, k, t FROM {out} EXCEPT ALL SELECT * FROM \"in rows\".t)"),
              "0\n");
    EXPECT_EQ(step.query("SELECT count(*) FROM {out}"), "900000\n");
  }
}

TEST(JsonPartitions, WithoutRowsThereIsOneEmptyFile) {
  for (const auto& [format, bytes] : {std::pair{"json", "[]\n"}, {"ndjson", ""}}) {
    StepHarness step;
    step.add_input("rows", "SELECT 1::BIGINT AS id, 'x' AS k LIMIT 0");
    EXPECT_EQ(write(step, partitioned({"k"}, {{"format", format}})), "");
    EXPECT_EQ(step.read_file(std::string("out/k=__HIVE_DEFAULT_PARTITION__/data_0.") + format), bytes);
    EXPECT_EQ(step.outputs().size(), 1u);
  }
}

TEST(JsonPartitions, AnOldSetIsReplacedAndAnotherDirectoryIsNot) {
  StepHarness step;
  step.write_file("out/k=old/data_0.json.gz", "old");
  step.add_input("rows", "SELECT 1 AS id, 'new' AS k");
  EXPECT_EQ(write(step, partitioned({"k"})), "");
  EXPECT_EQ(step.files_in("out"), std::vector<std::string>{"k=new"});
  for (const char* other : {"readme.txt", "k=prod/settings.json", "k=1/data_x.json", "k=1/data_0.json.txt"}) {
    StepHarness mine;
    mine.write_file(std::string("out/") + other, "mine");
    mine.add_input("rows", "SELECT 1 AS id, 'new' AS k");
    EXPECT_NE(write(mine, partitioned({"k"})).find(std::string("it holds ") + other), std::string::npos) << other;
    EXPECT_EQ(mine.read_file(std::string("out/") + other), "mine");
    EXPECT_EQ(mine.files_in("."), std::vector<std::string>{"out"});
  }
}

TEST(JsonPartitions, WhatFailsLeavesTheOldSet) {
  const std::pair<const char*, const char*> rows[] = {
      {"SELECT 1 AS id, 'NULL' AS k", "column 'k' holds 'NULL'"},
      {"SELECT 1 AS id, 1.5 AS k", "column 'k' is DECIMAL(2,1): partition_by takes"},
      {"SELECT 1 AS k", "names all columns"},
      {"SELECT 'inf'::DOUBLE AS odd, 1 AS k", "column 'odd'"}};
  for (const auto& [select, error] : rows) {
    StepHarness step;
    step.write_file("out/k=old/data_0.ndjson", "old");
    step.add_input("rows", select);
    EXPECT_NE(write(step, partitioned({"k"})).find(error), std::string::npos) << error;
    EXPECT_EQ(step.files_in("out"), std::vector<std::string>{"k=old"});
    EXPECT_EQ(step.files_in("."), std::vector<std::string>{"out"});
  }
}

TEST(JsonPartitions, ACancelLeavesTheOldSet) {
  StepHarness step;
  step.write_file("out/k=old/data_0.ndjson", "old");
  step.add_input("rows", "SELECT i AS id, i % 3 AS k FROM range(2000000) t(i)");
  step.cancel_at_progress(1);
  step.set_config(partitioned({"k"}));
  const auto outcome = step.run(filesystem_json_writer());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, Code::kCancelled);
  EXPECT_EQ(step.files_in("out"), std::vector<std::string>{"k=old"});
  EXPECT_EQ(step.files_in("."), std::vector<std::string>{"out"});
}

}  // namespace
}  // namespace osiris::worker::test

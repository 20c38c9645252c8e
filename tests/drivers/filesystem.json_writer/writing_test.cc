// The bytes of the file, one test per config key, and what comes back.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/drivers/harness.h"
#include "worker/drivers/filesystem.json_extractor/driver.h"
#include "worker/drivers/filesystem.json_writer/driver.h"

namespace osiris::worker::test {
namespace {

constexpr char kRows[] = "SELECT * FROM (VALUES (1, 'a\"b', NULL), (2, NULL, [1.50, 2.25])) t(id, name, list)";

// "" or the error.
std::string write(StepHarness& step, Json config) {
  step.set_config(std::move(config));
  const auto outcome = step.run(filesystem_json_writer());
  return outcome.ok() ? "" : outcome.error().message;
}

std::string bytes_of(const std::string& select, Json config, const std::string& path) {
  StepHarness step;
  step.add_input("rows", select);
  config.set("path", path);
  EXPECT_EQ(write(step, std::move(config)), "");
  return step.read_file(path);
}

TEST(JsonWriter, AnArrayHasARecordALine) {
  EXPECT_EQ(bytes_of(kRows, Json::object(), "out.json"),
            "[\n{\"id\":1,\"name\":\"a\\\"b\",\"list\":null},\n{\"id\":2,\"name\":null,\"list\":[1.5,2.25]}\n]\n");
  EXPECT_EQ(bytes_of("SELECT 1 AS x LIMIT 0", Json::object(), "out.json"), "[]\n");
}

TEST(JsonWriter, LinesAreRecordsWithoutAnythingAround) {
  EXPECT_EQ(bytes_of(kRows, Json::object(), "out.ndjson"),
            "{\"id\":1,\"name\":\"a\\\"b\",\"list\":null}\n{\"id\":2,\"name\":null,\"list\":[1.5,2.25]}\n");
  EXPECT_EQ(bytes_of("SELECT 1 AS x LIMIT 0", Json::object(), "out.jsonl"), "");
  EXPECT_EQ(bytes_of("SELECT 1 AS x", Json::object({{"format", "ndjson"}}), "out.txt"), "{\"x\":1}\n");
}

TEST(JsonWriter, ColumnsAreTheseInThisOrder) {
  EXPECT_EQ(bytes_of(kRows, Json::object({{"columns", Json::array({"name", "id"})}}), "out.ndjson"),
            "{\"name\":\"a\\\"b\",\"id\":1}\n{\"name\":null,\"id\":2}\n");
  StepHarness step;
  step.add_input("rows", kRows);
  EXPECT_EQ(write(step, Json::object({{"path", "o.json"}, {"columns", Json::array({"nmae"})}})),
            "'columns' names column 'nmae', which is not there");
}

TEST(JsonWriter, NumbersKeepAllDigits) {
  EXPECT_EQ(bytes_of("SELECT 99999999999999999999999999999999999999::HUGEINT AS h, "
                     "0.10000000000000000001::DECIMAL(38,20) AS d, [1234567890123456789.01::DECIMAL(30,2)] AS l, "
                     "18446744073709551615::UBIGINT AS u",
                     Json::object(), "out.ndjson"),
            "{\"h\":99999999999999999999999999999999999999,\"d\":0.10000000000000000001,\"l\":[1234567890123456789.01],"
            "\"u\":18446744073709551615}\n");
}

TEST(JsonWriter, WhatJsonDoesNotHaveIsRefusedByName) {
  for (const char* value : {"'NaN'::DOUBLE", "'inf'::FLOAT", "['-inf'::DOUBLE]"}) {
    StepHarness step;
    step.write_file("out.json", "old");
    step.add_input("rows", std::string("SELECT ") + value + " AS odd");
    EXPECT_NE(write(step, Json::object({{"path", "out.json"}})).find("column 'odd'"), std::string::npos) << value;
    EXPECT_EQ(step.read_file("out.json"), "old");
    EXPECT_EQ(step.files_in("."), std::vector<std::string>{"out.json"});
  }
}

TEST(JsonWriter, CompressesAsTheNameSays) {
  for (const auto& [suffix, program] : {std::pair{".gz", "gzip"}, {".bz2", "bzip2"}, {".xz", "xz"}}) {
    StepHarness step;
    step.add_input("rows", "SELECT i AS id FROM range(1000) t(i)");
    const std::string path = std::string("out.ndjson") + suffix;
    EXPECT_EQ(write(step, Json::object({{"path", path}})), "");
    EXPECT_EQ(std::system((std::string(program) + " -t " + (step.work_dir() / path).string()).c_str()), 0) << program;
  }
}

TEST(JsonWriter, ASuffixOfAnotherKindAndAnUnknownOneAreRefused) {
  StepHarness step;
  step.add_input("rows", kRows);
  EXPECT_NE(write(step, Json::object({{"path", "out.csv"}})).find("'path' ends in .csv"), std::string::npos);
  EXPECT_NE(write(step, Json::object({{"path", "out.txt"}})).find("ends in neither .json"), std::string::npos);
  EXPECT_NE(write(step, Json::object({{"path", "a/out.json"}, {"create_dirs", false}})), "");
  EXPECT_TRUE(step.files_in(".").empty());
}

TEST(JsonWriter, WhatItWritesTheExtractorReads) {
  for (const char* path : {"out.json", "out.ndjson.gz"}) {
    StepHarness step;
    step.add_input("rows",
                   "SELECT i AS id, 'n' || i AS name, {'a': i, 'b': [i::VARCHAR]} AS s, i % 2 = 0 AS even FROM "
                   "range(5000) t(i)");
    EXPECT_EQ(write(step, Json::object({{"path", path}})), "");
    step.set_config({{"path", path}});
    const auto read = step.run(filesystem_json_extractor());
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(step.output_columns(), "id BIGINT, name VARCHAR, s STRUCT(a BIGINT, b VARCHAR[]), even BOOLEAN");
    EXPECT_EQ(step.query("SELECT count(*) FROM (SELECT * FROM {out} EXCEPT ALL SELECT * FROM \"in rows\".t)"), "0\n");
  }
}

TEST(JsonWriter, TheDigestIsOfTheFile) {
  StepHarness step;
  step.add_input("rows", kRows);
  EXPECT_EQ(write(step, Json::object({{"path", "out.json"}})), "");
  ASSERT_EQ(step.outputs().size(), 1u);
  ASSERT_TRUE(step.outputs()[0].digest);
  EXPECT_EQ(step.outputs()[0].digest->sha256, sha256_hex(step.read_file("out.json")));
}

}  // namespace
}  // namespace osiris::worker::test

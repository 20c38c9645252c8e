// hive_partitioning: keys that the directories of a file's path tell.
#include "tests/drivers/filesystem.json_extractor/extract.h"

namespace osiris::worker::test {
namespace {

Extracted read(std::initializer_list<std::pair<const char*, const char*>> files, Json more = Json::object(),
               const char* path = "in/**/*.*json") {
  StepHarness step("read");
  for (const auto& [file, bytes] : files) step.write_file(std::string("in/") + file, bytes);
  more.set("path", path);
  step.set_config(std::move(more));
  return run_extract(step);
}

TEST(JsonPathKeys, StandBehindTheRecordsOwn) {
  const Extracted got = read({{"year=2024/k=a%2Fb/x.ndjson", "{\"id\": 1}\n{}\n"},
                              {"year=2025/k=__HIVE_DEFAULT_PARTITION__/x.json", "[\n{\"id\": 2, \"o\": {}}\n,{ }]"}});
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.columns.substr(0, 36), "id BIGINT, year BIGINT, k VARCHAR, o");
  EXPECT_EQ(got.rows, "1|2024|a/b|NULL\nNULL|2024|a/b|NULL\n2|2025|NULL|{}\nNULL|2025|NULL|NULL\n");
}

TEST(JsonPathKeys, AreTextWhereOneValueIsNoNumber) {
  const Extracted got = read({{"month=01/x.ndjson", "{\"id\":1}\n"}, {"month=12/x.ndjson", "{\"id\":2}\n"}});
  EXPECT_EQ(got.columns, "id BIGINT, month VARCHAR") << got.error;
  EXPECT_EQ(got.rows, "1|01\n2|12\n");
}

TEST(JsonPathKeys, MayBeDeclared) {
  const Json columns = Json::object({{"day", "DATE"}, {"id", "INTEGER"}});
  const Extracted got = read({{"day=2025-01-31/x.ndjson", "{\"id\":1}\n"}}, Json::object({{"columns", columns}}));
  EXPECT_EQ(got.columns, "day DATE, id INTEGER") << got.error;
  EXPECT_EQ(got.rows, "2025-01-31|1\n");
}

TEST(JsonPathKeys, CanBeTurnedOffAndAskedFor) {
  const Json off = Json::object({{"hive_partitioning", false}}), on = Json::object({{"hive_partitioning", true}});
  EXPECT_EQ(read({{"k=1/x.ndjson", "{\"id\":1}\n"}}, off).columns, "id BIGINT");
  EXPECT_EQ(read({{"x.ndjson", "{\"id\":1}\n"}}).columns, "id BIGINT");
  EXPECT_EQ(read({{"k=1/x.ndjson", "{\"id\":1}\n"}, {"j=1/x.ndjson", "{\"id\":1}\n"}}).columns, "id BIGINT");
  EXPECT_NE(read({{"x.ndjson", "{\"id\":1}\n"}}, on).error.find("is called key=value"), std::string::npos);
  EXPECT_NE(read({{"k=1/x.ndjson", "{\"id\":1}\n"}, {"j=1/x.ndjson", "{\"id\":1}\n"}}, on).error.find("different keys"),
            std::string::npos);
}

TEST(JsonPathKeys, AKeyOfTheRecordAsWellIsAnError) {
  StepHarness step("read");
  step.write_file("k=1/x.ndjson", "{\"id\":1}\n{\"k\":1}\n");
  step.set_config({{"path", "k=1/x.ndjson"}});
  const auto read = step.run(filesystem_json_extractor());
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().message, "k=1/x.ndjson, line 2: the key 'k' stands twice in one object");
  EXPECT_NE(read.error().hint.find("hive_partitioning: false"), std::string::npos);
}

TEST(JsonPathKeys, MendNoRecordThatIsWrong) {
  for (const char* record : {"{\"id\":1,}", "{\"id\":{}", "{\"id\":1}}", "}", "{", "[1}", "{\"id\":1}{\"id\":2}"})
    EXPECT_NE(read({{"k=1/x.ndjson", record}}).error, "") << record;
}

}  // namespace
}  // namespace osiris::worker::test

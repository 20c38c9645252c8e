// What is no JSON is named with its file and line.
#include "tests/drivers/filesystem.json_extractor/extract.h"

namespace osiris::worker::test {
namespace {

struct BadCase {
  const char* bytes;
  const char* error;
};

TEST(BadJson, AnArrayIsNamedWithItsLine) {
  for (const BadCase& each : {
           BadCase{"", "in.json, line 1: the file is empty"},
           {"  \n ", "line 2: the file is neither an array"},
           {"hello", "line 1: the file is neither an array of records"},
           {"[{\"a\": 1},\n {\"a\": }]", "line 2: a value is no JSON"},
           {"[{\"a\": 1},\n\n {\"a\":\n 01}]", "line 4: a number begins with 0"},
           {"[{\"a\": 1}", "the array is not closed: the file is cut short"},
           {"[{\"a\": 1", "line 1: the record is not closed: the file is cut short"},
           {"[{\"a\": 1} {\"a\": 2}]", "',' or ']' is missing after a record"},
           {"[{\"a\": 1},]", "a ',' stands before ']'"},
           {"[{\"a\": 1}] x", "something follows the array"},
           {"[1, 2]", "line 1: a record is an object"},
           {"[{\"a\": 1}, null]", "a record is an object"},
           {"{\"a\": 1}\n{\"a\": 2}", "line 2: another record follows the first"},
           {"[{\"a\": NaN}]", "a value is no JSON"},
           {"[{'a': 1}]", "a key in quotes is missing"},
           {"[{\"a\": 1,}]", "a key in quotes is missing"},
           {"[{\"a\" 1}]", "':' is missing after a key"},
           {"[{\"a\": \"x\ny\"}]", "a string holds a line end"},
           {"[{\"a\": \"\\x\"}]", "'\\' is followed by what is no escape"},
           {"[{\"a\": \"\\ud800\"}]", "\\u names half a character"},
           {"[{\"a\": \"\\u12g4\"}]", "\\u wants four hex digits"},
           {"[{\"a\": 1.}]", "a digit is missing after the point"},
           {"[{\"a\": 1, \"b\": 2, \"a\": 3}]", "the key 'a' stands twice in one object"},
           {"[{\"x\": {\"a\": 1, \"\\u0061\": 2}}]", "the key 'a' stands twice in one object"},
           {"[{\"a\": \"\xff\"}]", "line 1: the record is not UTF-8"},
       }) {
    const Extracted got = extract(each.bytes);
    EXPECT_NE(got.error.find(each.error), std::string::npos) << each.bytes << ": " << got.error;
    EXPECT_EQ(got.error.find("in.json, line "), 0u) << got.error;
  }
}

TEST(BadJson, ALineIsNamed) {
  for (const BadCase& each :
       {BadCase{"{\"a\": 1}\n\n{\"a\": 2\n{\"a\": 3}\n", "in.ndjson, line 3: ',' or '}' is missing"},
        {"{\"a\": 1}\n[{\"a\": 2}]\n", "line 2: a record is an object"},
        {"{\"a\": 1} {\"a\": 2}\n", "line 1: something follows the record"},
        {"{\"a\": 1}\n{\"a\": 2", "line 2: ',' or '}' is missing"}}) {
    const Extracted got = extract(each.bytes, Json::object(), "in.ndjson");
    EXPECT_NE(got.error.find(each.error), std::string::npos) << each.bytes << ": " << got.error;
  }
}

TEST(BadJson, NestingHasABound) {
  const std::string deep = std::string(100'000, '[');
  EXPECT_NE(extract("[{\"a\": " + deep + std::string(100'000, ']') + "}]").error.find("nested deeper than 500 levels"),
            std::string::npos);
  EXPECT_EQ(extract("[{\"a\": " + std::string(400, '[') + std::string(400, ']') + "}]").columns, "a JSON");
}

TEST(BadJson, ManyKeysAreComparedToo) {
  std::string record;
  for (int i = 0; i < 100; ++i) record += "\"k" + std::to_string(i) + "\": 1, ";
  EXPECT_NE(extract("[{" + record + "\"k55\": 2}]").error.find("the key 'k55' stands twice"), std::string::npos);
  EXPECT_EQ(extract("[{" + record + "\"k100\": 2}]").error, "");
}

TEST(BadJson, KeysThatCannotBeColumnsAreAnError) {
  EXPECT_NE(extract("[{\"a\": 1}, {\"A\": 2}]").error.find("the keys 'a' and 'A'"), std::string::npos);
  EXPECT_NE(extract("[{\"\": 1}]").error.find("an empty key"), std::string::npos);
  EXPECT_EQ(extract("[{\"a\": 1}, {\"A\": 2}]", Json::object({{"columns", Json::object({{"A", "BIGINT"}})}})).rows,
            "NULL\n2\n");
}

TEST(BadJson, UtfSixteenAndGzipAreNamed) {
  EXPECT_NE(extract(std::string("\xff\xfe[\0", 4)).error.find("UTF-16"), std::string::npos);
  EXPECT_NE(extract("\x1f\x8b\x08").error.find("begins like gzip"), std::string::npos);
}

}  // namespace
}  // namespace osiris::worker::test

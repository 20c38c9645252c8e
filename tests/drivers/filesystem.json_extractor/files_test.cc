// Which files, in which form, compressed how.
#include <cstdlib>

#include "tests/drivers/filesystem.json_extractor/extract.h"

namespace osiris::worker::test {
namespace {

TEST(JsonFiles, TheFormComesFromTheSuffixOrTheKey) {
  EXPECT_EQ(extract("{\"a\": 1}\n{\"a\": 2}\n", Json::object(), "in.JSONL").rows, "1\n2\n");
  EXPECT_EQ(extract("{\"a\": 1}\n{\"a\": 2}", Json::object({{"format", "ndjson"}}), "in.txt").rows, "1\n2\n");
  EXPECT_EQ(extract("[{\"a\": 1}]", Json::object({{"format", "json"}}), "in.ndjson").rows, "1\n");
  EXPECT_EQ(extract("\n{\"a\":\n 1}\n").rows, "1\n") << "one record";
  EXPECT_NE(extract("[]", Json::object(), "in.txt").error.find("ends in neither .json"), std::string::npos);
}

TEST(JsonFiles, AByteOrderMarkIsDropped) {
  EXPECT_EQ(extract("\xef\xbb\xbf[{\"a\": 1}]").columns, "a BIGINT");
  EXPECT_EQ(extract("\xef\xbb\xbf{\"a\": 1}\n", Json::object(), "in.ndjson").columns, "a BIGINT");
}

TEST(JsonFiles, WithoutRecordsTheColumnsMustBeNamed) {
  for (const char* file : {"in.json", "in.ndjson"}) {
    const std::string bytes = file == std::string("in.json") ? "[]" : "";
    EXPECT_NE(extract(bytes, Json::object(), file).error.find("there are no records with keys"), std::string::npos);
    const Extracted got = extract(bytes, Json::object({{"columns", Json::object({{"a", "BIGINT"}})}}), file);
    EXPECT_EQ(got.error, "");
    EXPECT_EQ(got.columns, "a BIGINT");
  }
}

TEST(JsonFiles, APatternsFilesAreOneRelation) {
  StepHarness step("read");
  step.write_file("in/b.json", "[{\"y\": \"b\"}]");
  step.write_file("in/a.ndjson", "{\"x\": 1}\n{\"x\": 2}\n");
  step.write_file("in/empty.json", "[]");
  step.set_config({{"path", "in/*.*json"}});
  const Extracted got = run_extract(step);
  EXPECT_EQ(got.columns, "x BIGINT, y VARCHAR") << got.error;
  EXPECT_EQ(got.rows, "1|NULL\n2|NULL\nNULL|b\n");
}

TEST(JsonFiles, LimitEndsTheReading) {
  EXPECT_EQ(extract("{\"a\": 1}\n{\"a\": 2}\nno json", Json::object({{"limit", 2}}), "in.ndjson").rows, "1\n2\n");
}

TEST(JsonFiles, CompressedFilesAreReadAndChecked) {
  for (const auto& [program, suffix] : {std::pair{"gzip", ".gz"}, {"bzip2", ".bz2"}, {"xz", ".xz"}}) {
    StepHarness step("read");
    const auto file = step.write_file("in.ndjson", "{\"a\": 1}\n{\"a\": 2}\n");
    if (std::system((std::string(program) + " " + file.string() + " 2>/dev/null").c_str()) != 0) continue;
    step.set_config({{"path", std::string("in.ndjson") + suffix}});
    EXPECT_EQ(run_extract(step).rows, "1\n2\n") << program;
    const std::string bytes = step.read_file(std::string("in.ndjson") + suffix);
    step.write_file(std::string("cut.ndjson") + suffix, bytes.substr(0, bytes.size() - 5));
    StepHarness cut("read");
    cut.write_file(std::string("cut.ndjson") + suffix, bytes.substr(0, bytes.size() - 5));
    cut.set_config({{"path", std::string("cut.ndjson") + suffix}});
    EXPECT_NE(run_extract(cut).error, "") << program;
  }
}

TEST(JsonFiles, ARecordMayBeLargerThanTheReadersBlocks) {
  const std::string large(20'000'000, 'x');
  StepHarness step("read");
  step.write_file("in.json", "[{\"a\": 1},\n {\"a\": 2, \"t\": \"" + large + "\"}]");
  step.set_config({{"path", "in.json"}});
  ASSERT_EQ(run_extract(step).error, "");
  EXPECT_EQ(step.query("SELECT max(length(t)) FROM {out}"), "20000000\n");
}

TEST(JsonFiles, NoFileIsAnError) {
  StepHarness step("read");
  step.set_config({{"path", "in/*.json"}});
  EXPECT_EQ(run_extract(step).error, "Step read: no JSON file matches 'in/*.json'");
  step.set_config({{"path", "gone.json"}});
  EXPECT_NE(run_extract(step).error.find("JSON file not found"), std::string::npos);
}

}  // namespace
}  // namespace osiris::worker::test

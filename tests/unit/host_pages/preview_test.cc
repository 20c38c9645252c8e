// The first rows of what a run wrote, and when there are none to show.
#include "host/pages/preview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "protocol/base/sha256.h"
#include "tests/unit/host_pages/session_files.h"

namespace osiris {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Previews : public testing::Test {
 protected:
  Preview of(const std::string& file, const std::string& text, const Json& config = Json::object()) {
    files_.write(file, text);
    return preview_of(artifact(file, text), config, 1u << 30);
  }
  Artifact artifact(const std::string& file, const std::string& text) const {
    return {file, files_.directory() / file, text.size(), sha256_hex(text), "s"};
  }
  SessionFiles files_;
};

TEST_F(Previews, ReadCsvAsItsStepWroteIt) {
  const Preview preview = of("a.csv", "id;name\r\n1;\"semi;colon\"\r\n2;\"two\nlines, \"\"quoted\"\"\"\r\n",
                             Json::object({{"delimiter", ";"}}));
  EXPECT_THAT(preview.columns, ElementsAre("id", "name"));
  ASSERT_EQ(preview.rows.size(), 2u);
  EXPECT_THAT(preview.rows[0], ElementsAre("1", "semi;colon"));
  EXPECT_THAT(preview.rows[1], ElementsAre("2", "two\nlines, \"quoted\""));
}

TEST_F(Previews, NameTheColumnsOfAFileWithoutAHeader) {
  const Preview preview = of("a.csv", "1,x\n2,y\n", Json::object({{"header", false}}));
  EXPECT_THAT(preview.columns, ElementsAre("column 1", "column 2"));
  EXPECT_EQ(preview.rows.size(), 2u);
}

TEST_F(Previews, ReadJsonLinesAndArraysOfRecords) {
  for (const char* text :
       {"{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":null}\n", "[{\"a\":1,\"b\":\"x\"},\n{\"a\":2,\"b\":null}]\n"}) {
    const Preview preview = of("a.json", text);
    EXPECT_THAT(preview.columns, ElementsAre("a", "b")) << text;
    ASSERT_EQ(preview.rows.size(), 2u) << text;
    EXPECT_THAT(preview.rows[1], ElementsAre("2", ""));
  }
}

TEST_F(Previews, AreSmallWhateverTheFileIs) {
  std::string header, row;
  for (int i = 0; i < 10'000; ++i) {
    header += (i ? "," : "") + std::string("c") + std::to_string(i);
    row += (i ? "," : "") + std::to_string(i);
  }
  const Preview wide = of("wide.csv", header + "\n" + row + "\n");
  EXPECT_EQ(wide.columns.size() + wide.columns_left_out, 10'000u);
  EXPECT_LE(wide.columns.size(), 12u);
  std::string rows = "a\n";
  for (int i = 0; i < 10'000; ++i) rows += "1\n";
  EXPECT_EQ(of("long.csv", rows).rows.size(), 10u);
  const Preview cut = of("cell.csv", "a\n" + std::string(50'000, 'x') + "\n");
  EXPECT_LT(cut.rows.at(0).at(0).size(), 200u);
  EXPECT_THAT(cut.rows.at(0).at(0), HasSubstr("…"));
  EXPECT_THAT(of("huge.csv", "a\n" + std::string(5'000'000, 'x') + "\n").rows, IsEmpty());
}

TEST_F(Previews, MaskWhatLooksLikeASecret) {
  const Preview preview = of("a.csv", "url\nmysql://root:hunter2secret@db/x\n");
  EXPECT_THAT(preview.rows.at(0).at(0), Not(HasSubstr("hunter2secret")));
}

TEST_F(Previews, AreNoneOfAFileThatIsNotTheRunsAnyMore) {
  files_.write("a.csv", "a\n1\n");
  const Artifact file = artifact("a.csv", "a\n1\n");
  files_.write("a.csv", "a\n2\n");
  EXPECT_THAT(preview_of(file, Json(), 1000).none_because, HasSubstr("changed"));
  files_.write("a.csv", "a\n22\n");
  EXPECT_THAT(preview_of(file, Json(), 0).none_because, HasSubstr("changed"));
  std::filesystem::remove(files_.directory() / "a.csv");
  EXPECT_THAT(preview_of(file, Json(), 1000).none_because, HasSubstr("not there"));
  ASSERT_EQ(mkfifo((files_.directory() / "a.csv").c_str(), 0600), 0);
  EXPECT_THAT(preview_of(file, Json(), 1000).none_because, HasSubstr("no regular file"));
}

TEST_F(Previews, SayWhyThereIsNothingToShow) {
  EXPECT_THAT(of("a.parquet", "PAR1").none_because, HasSubstr("only CSV and JSON"));
  EXPECT_THAT(of("a.csv.gz", "x").none_because, HasSubstr("only CSV and JSON"));
  EXPECT_THAT(of("empty.csv", "").none_because, HasSubstr("no whole record"));
  EXPECT_THAT(of("header.csv", "a,b\n").none_because, HasSubstr("no rows"));
  EXPECT_THAT(of("binary.csv", std::string("\0\xff\n\0\n", 5)).none_because, IsEmpty());
}

}  // namespace
}  // namespace osiris

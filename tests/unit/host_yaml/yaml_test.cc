// Reading and writing YAML as PyYAML does. Expected values come from PyYAML 6.0.
#include <gtest/gtest.h>

#include "host/compat/pyyaml_emitter.h"
#include "host/yaml/node.h"

namespace osiris {
namespace {

// The document as canonical JSON, or "error: ...".
std::string read(const std::string& text, const YamlLimits& limits = {}) {
  Diagnostics diagnostics("f.yaml");
  const YamlNode root = parse_yaml(text, diagnostics, limits);
  return diagnostics.ok() ? root.to_json().dump_canonical() : diagnostics.errors()[0].to_text();
}

struct Scalar {
  const char* text;
  const char* json;
};
class PlainScalars : public ::testing::TestWithParam<Scalar> {};
TEST_P(PlainScalars, MeanWhatYaml11Says) {
  EXPECT_EQ(read(std::string("v: ") + GetParam().text), std::string("{\"v\":") + GetParam().json + "}");
}
INSTANTIATE_TEST_SUITE_P(
    Table, PlainScalars,
    ::testing::Values(Scalar{"yes", "true"}, Scalar{"No", "false"}, Scalar{"ON", "true"}, Scalar{"off", "false"},
                      Scalar{"y", "\"y\""}, Scalar{"yEs", "\"yEs\""}, Scalar{"", "null"}, Scalar{"~", "null"},
                      Scalar{"Null", "null"}, Scalar{"nULL", "\"nULL\""}, Scalar{"010", "8"}, Scalar{"08", "\"08\""},
                      Scalar{"0o10", "\"0o10\""}, Scalar{"0x1F", "31"}, Scalar{"0b101", "5"}, Scalar{"1_000", "1000"},
                      Scalar{"-12", "-12"}, Scalar{"+5", "5"}, Scalar{"12:30:45", "45045"},
                      Scalar{"12:60", "\"12:60\""}, Scalar{"1.5", "1.5"}, Scalar{"1.", "1.0"}, Scalar{".5", "0.5"},
                      Scalar{"1e3", "\"1e3\""}, Scalar{"1.0e3", "\"1.0e3\""}, Scalar{"1.0e+3", "1000.0"},
                      Scalar{"-.5", "\"-.5\""}, Scalar{"1:30.5", "90.5"}, Scalar{"0.1.0", "\"0.1.0\""},
                      Scalar{"2025-01-01", "\"2025-01-01\""}, Scalar{"2025-1-1", "\"2025-1-1\""},
                      Scalar{"2025-01-01 10:00:00", "\"2025-01-01 10:00:00\""},
                      Scalar{"2025-01-01T10:00:00Z", "\"2025-01-01 10:00:00+00:00\""},
                      Scalar{"2025-01-T10:00:00", "\"2025-01-T10:00:00\""},
                      Scalar{"2025-01-01 10:00:00.1234567", "\"2025-01-01 10:00:00.123456\""},
                      Scalar{"2025-01-01 10:00:00.12", "\"2025-01-01 10:00:00.120000\""},
                      Scalar{"2025-01-01 10:00:00.", "\"2025-01-01 10:00:00\""},
                      Scalar{"2025-01-01T23:59:59+23:59", "\"2025-01-01 23:59:59+23:59\""},
                      Scalar{"2025-01-01 10:00:00 +5", "\"2025-01-01 10:00:00+05:00\""},
                      Scalar{"2025-01-01 10:00:00 Z", "\"2025-01-01 10:00:00+00:00\""},
                      Scalar{"2025-01-01 10:0:00", "\"2025-01-01 10:0:00\""},
                      Scalar{"2025-01-01T10:00:00z", "\"2025-01-01T10:00:00z\""},
                      Scalar{"2024-02-29", "\"2024-02-29\""}, Scalar{"2000-02-29", "\"2000-02-29\""},
                      Scalar{"0001-01-01", "\"0001-01-01\""}, Scalar{"2025-01-011", "\"2025-01-011\""},
                      Scalar{"2025-01-01t1:02:03.5 -5:30", "\"2025-01-01 01:02:03.500000-05:30\""},
                      Scalar{"\"yes\"", "\"yes\""}, Scalar{"'010'", "\"010\""}, Scalar{"!!str 5", "\"5\""},
                      Scalar{"!!int '7'", "7"}, Scalar{"!!float 3", "3.0"},
                      Scalar{"18446744073709551615", "18446744073709551615"},
                      Scalar{"-9223372036854775808", "-9223372036854775808"}, Scalar{"=", "\"=\""}));

class RefusedScalars : public ::testing::TestWithParam<const char*> {};
TEST_P(RefusedScalars, HaveNoPlaceInJson) {
  EXPECT_NE(read(std::string("v: ") + GetParam()).find("f.yaml:1:4: error"), std::string::npos);
}
INSTANTIATE_TEST_SUITE_P(Table, RefusedScalars,
                         ::testing::Values("18446744073709551616", "-9223372036854775809", ".inf", "-.INF", ".nan",
                                           "1.0e+400", "2025-13-01", "2025-02-29", "2025-01-01 25:00:00",
                                           "!!python/object:os.system x", "!custom x", "!!int abc", "0b_"));

TEST(YamlTree, DatesKnowTheirType) {
  Diagnostics diagnostics;
  const YamlNode root = parse_yaml("[2025-01-01, 2025-01-01 10:00:00, 1, 1.5, yes, null, a, [], {}]", diagnostics);
  std::vector<std::string_view> types;
  for (const YamlNode& item : root.items) types.push_back(item.python_type());
  EXPECT_EQ(types, (std::vector<std::string_view>{"date", "datetime", "int", "float", "bool", "NoneType", "str", "list",
                                                  "dict"}));
}

TEST(YamlTree, EveryValueRemembersItsPlaceInCharacters) {
  Diagnostics diagnostics;
  const YamlNode root = parse_yaml("a: 1\nřek: [x, {k: v}]\n", diagnostics);
  EXPECT_EQ(root.find_member("řek")->key_mark.line, 2);
  const YamlNode& inner = root.find("řek")->items[1];
  EXPECT_EQ(inner.find("k")->mark.line, 2);
  EXPECT_EQ(inner.find("k")->mark.column, 14);
}

TEST(YamlTree, OfADuplicateKeyTheLastCountsAndAWarningSaysSo) {
  Diagnostics diagnostics("f");
  EXPECT_EQ(parse_yaml("a: 1\nb: 2\na: 3\n", diagnostics).to_json().dump_canonical(), "{\"a\":3,\"b\":2}");
  ASSERT_EQ(diagnostics.warnings().size(), 1u);
  EXPECT_EQ(diagnostics.warnings()[0].type, "duplicate_key");
  EXPECT_EQ(diagnostics.warnings()[0].mark.line, 3);
}

TEST(YamlTree, AliasesAndMergeKeysAreFollowed) {
  EXPECT_EQ(read("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nlist: [*b]\n"),
            "{\"base\":{\"x\":1,\"y\":2},\"list\":[{\"x\":1,\"y\":2}],\"use\":{\"x\":1,\"y\":3}}");
  EXPECT_EQ(read("a: &a {x: 1}\nb: &b {x: 2, z: 3}\nc: {<<: [*a, *b]}\n"),
            "{\"a\":{\"x\":1},\"b\":{\"x\":2,\"z\":3},\"c\":{\"x\":1,\"z\":3}}");
}

TEST(YamlTree, AWrongMergeOrASelfAliasIsAnError) {
  EXPECT_NE(read("a: {<<: 5}").find("must name a mapping"), std::string::npos);
  EXPECT_NE(read("a: &a [*a]").find("inside the node it names"), std::string::npos);
}

TEST(YamlTree, KeysThatAreNoTextBecomeTheTextJsonGivesThem) {
  EXPECT_EQ(read("on: 1\n5: a\n~: b\n"), "{\"5\":\"a\",\"null\":\"b\",\"true\":1}");
}

TEST(YamlTree, BillionLaughsEndAsAnError) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string previous = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + previous;
    for (int k = 0; k < 9; ++k) text += ", " + previous;
    text += "]\n";
  }
  EXPECT_NE(read(text).find("aliases expand to more than"), std::string::npos);
}

TEST(YamlTree, DepthIsBoundedForBothStyles) {
  EXPECT_NE(read(std::string(5000, '[')).find("error"), std::string::npos);
  std::string nested;
  for (int i = 0; i < 150; ++i) nested += std::string(static_cast<size_t>(i), ' ') + "a:\n";
  EXPECT_NE(read(nested).find("nested deeper than 100 levels"), std::string::npos);
  EXPECT_EQ(read("[[[[x]]]]"), "[[[[\"x\"]]]]");
}

TEST(YamlTree, TextThatIsNoYamlNamesTheLine) {
  EXPECT_NE(read("a: 1\nb: \xff\xfe\n").find("f.yaml:2:1: error: YAML: the text is not UTF-8"), std::string::npos);
  EXPECT_NE(read(std::string("a: \0b", 5)).find("control character"), std::string::npos);
  EXPECT_NE(read("a: b: c").find("f.yaml:1:"), std::string::npos);
  EXPECT_NE(read("a: 1\n---\nb: 2\n").find("more than one document"), std::string::npos);
  EXPECT_EQ(read(""), "null");
  EXPECT_EQ(read("\xef\xbb\xbf"
                 "a: 1"),
            "{\"a\":1}");
}

std::string emit(const Json& value) {
  const std::string text = emit_yaml(Json::object({{"k", value}}));
  return text.substr(4, text.size() - 8);  // between "---" and "..."
}

TEST(YamlEmitter, QuotesWhatWouldReadAsSomethingElse) {
  EXPECT_EQ(emit("plain"), "k: plain\n");
  for (const char* text : {"yes", "null", "~", "010", "1.5", "2025-01-01", "12:30", "", "- a", "a: b", "a #b", "*x",
                           "@x", " x", "x ", "'", "<<", "=", ".inf"})
    EXPECT_EQ(emit(text).find("k: '"), 0u) << emit(text);
  for (const char* text : {"0.1.0", "sha256:ab", "a:b", "a#b", "${run_id}", "Řeka", "1e3", "x-y_z", "-a"})
    EXPECT_EQ(emit(text), std::string("k: ") + text + "\n");
  EXPECT_EQ(emit("a'b: c"), "k: 'a''b: c'\n");
}

TEST(YamlEmitter, DoubleQuotesControlCharactersAndFoldsLongText) {
  EXPECT_EQ(emit("a\tb"), "k: \"a\\tb\"\n");
  EXPECT_EQ(emit("a\nb"), "k: 'a\n\n  b'\n");
  std::string words;
  for (int i = 0; i < 40; ++i) words += "word" + std::to_string(i) + " ";
  const std::string folded = emit(words + "end");
  EXPECT_EQ(folded.find('\n'), 125u) << folded;
  EXPECT_EQ(folded.substr(126, 2), "  ");
}

TEST(YamlEmitter, WritesBlocksAsPyYamlDoes) {
  const Json document = Json::object(
      {{"b", Json::array({Json::object({{"y", 1}, {"x", Json::array()}}), Json::array({1, Json::array({2.5, true})})})},
       {"a", Json::object()},
       {"c", nullptr},
       {"f", 1e20}});
  EXPECT_EQ(emit_yaml(document),
            "---\na: {}\nb:\n- x: []\n  y: 1\n- - 1\n  - - 2.5\n    - true\nc: null\nf: 1.0e+20\n...\n");
}

TEST(YamlEmitter, WhatItWritesReadsBackEqual) {
  const Json document = Json::object({{"text", "a\n b: 'c' \"d\" \x07 é 😀 \xe2\x80\xa8"},
                                      {"list", Json::array({"", " ", "yes", 1, 1.5, nullptr})},
                                      {"", "empty key"}});
  Diagnostics diagnostics;
  EXPECT_EQ(parse_yaml(emit_yaml(document), diagnostics).to_json(), document);
  EXPECT_TRUE(diagnostics.ok());
}

}  // namespace
}  // namespace osiris

// What YAML 1.1 reads otherwise than it looks is said, with line and remedy.
#include "tests/unit/host_compiler/compile_fixture.h"

namespace osiris {
namespace {

class YamlTraps : public CompileTest {
 protected:
  static std::vector<Diagnostic> traps(const CompileResult& result) {
    std::vector<Diagnostic> found;
    for (const Diagnostic& warning : result.diagnostics.warnings())
      if (warning.type == "yaml_trap") found.push_back(warning);
    return found;
  }
  CompileResult with(const std::string& config, const std::string& params = "{}") {
    return compile_text("oml_version: \"0.1.0\"\nname: p\nparams: " + params +
                        "\nsteps:\n  - {id: s, component: filesystem.csv_extractor, mode: read, config: " + config +
                        "}\n");
  }
};

TEST_F(YamlTraps, InPipelinesGetALineAndARemedy) {
  const CompileResult result = with("{path: x}", "{country: NO, zip: 00501, at: 1:30, list: [on, 010]}");
  const auto found = traps(result);
  ASSERT_EQ(found.size(), 5u) << all_text(result);
  EXPECT_EQ(found[0].message, "'NO' is read as false (YAML 1.1)");
  EXPECT_EQ(found[0].hint, "write \"NO\" if text is meant, false if not");
  EXPECT_EQ(found[0].mark.line, 3);
  EXPECT_EQ(found[0].location, "params.country");
  EXPECT_EQ(found[1].message, "'00501' is read as 321 (YAML 1.1)");
  EXPECT_EQ(found[2].message, "'1:30' is read as 90 (YAML 1.1)");
  EXPECT_EQ(found[3].location, "params.list[0]");
}

TEST_F(YamlTraps, AreNoneInQuotesOrWhereABooleanIsWanted) {
  const CompileResult result =
      with("{path: x, header: no}",
           "{country: \"NO\", f: {type: boolean, default: off}, t: true, z: 0, n: -0.5, d: 2025-01-01}");
  EXPECT_TRUE(traps(result).empty()) << all_text(result);
}

TEST_F(YamlTraps, OfAWrongTypeAreSaidOnceWithTheError) {
  const CompileResult result = with("{path: x}", "{country: {type: string, default: NO}}");
  EXPECT_TRUE(traps(result).empty()) << all_text(result);
  const Diagnostic* error = find(result.diagnostics.errors(), "invalid_param");
  ASSERT_TRUE(error) << all_text(result);
  EXPECT_NE(error->message.find("must be of type string, got false: 'NO' is read as false"), std::string::npos)
      << error->message;
  EXPECT_EQ(error->hint, "write \"NO\" if text is meant, false if not");
}

TEST_F(YamlTraps, AsKeysAreSaid) {
  const auto result = with("{path: x}", "{m: {default: {NO: Norway}}}");
  ASSERT_EQ(traps(result).size(), 1u) << all_text(result);
  EXPECT_EQ(traps(result)[0].message, "'NO' is read as false (YAML 1.1)");
}

TEST_F(YamlTraps, FoldedSqlWithACommentIsSaid) {
  const auto sql = [this](const std::string& style, const std::string& text) {
    return traps(
        compile_text("oml_version: \"0.1.0\"\nname: p\nsteps:\n  - id: s\n    component: duckdb.processor\n"
                     "    mode: transform\n    config:\n      query: " +
                     style + text + "\n"));
  };
  const auto folded = sql(">\n", "        SELECT 1 -- one\n        AS a");
  ASSERT_EQ(folded.size(), 1u);
  EXPECT_EQ(folded[0].mark.line, 9);
  EXPECT_EQ(folded[0].mark.column, 18);
  EXPECT_NE(folded[0].hint.find("begin the text with '|'"), std::string::npos);
  EXPECT_EQ(sql("", "SELECT 1 -- one\n        AS a").size(), 1u) << "a plain text of two lines";
  EXPECT_EQ(sql("|\n", "        SELECT 1 -- one\n        AS a").size(), 0u);
  EXPECT_EQ(sql(">\n", "        SELECT 1\n        AS a -- at the end").size(), 0u);
  EXPECT_EQ(sql(">\n", "        SELECT '--\n        ' AS a").size(), 0u) << "in quotes";
}

}  // namespace
}  // namespace osiris

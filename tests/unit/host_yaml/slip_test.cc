// Common slips: each is named at its own place, not where the parser gave up, and with what to write instead.
#include "host/yaml/slip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/yaml/node.h"

namespace osiris {
namespace {

constexpr const char* kPipeline =
    "oml_version: \"0.1.0\"\n"
    "name: shop\n"
    "steps:\n"
    "  - id: read\n"
    "    component: mysql.extractor\n"
    "    mode: read\n"
    "    config:\n"
    "      connection: \"@mysql.shop\"\n"
    "      query: SELECT 1\n"
    "  - id: save\n"
    "    component: filesystem.csv_writer\n"
    "    config:\n"
    "      path: out.csv\n";

struct Case {
  const char* name;
  const char* right;  // in kPipeline
  const char* wrong;  // in its place
  int line, column;
  const char* message;
  const char* hint;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class YamlSlips : public testing::TestWithParam<Case> {};

TEST_P(YamlSlips, AreNamedWhereTheyAre) {
  const Case& c = GetParam();
  std::string text = kPipeline;
  const size_t at = text.find(c.right);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, std::string_view(c.right).size(), c.wrong);
  Diagnostics findings("p.yaml");
  parse_yaml(text, findings);
  ASSERT_EQ(findings.errors().size(), 1u);
  const Diagnostic& error = findings.errors().front();
  EXPECT_EQ(error.mark.line, c.line) << error.to_text();
  EXPECT_EQ(error.mark.column, c.column) << error.to_text();
  EXPECT_THAT(error.message, testing::HasSubstr(c.message));
  EXPECT_THAT(error.hint, testing::HasSubstr(c.hint));
}

constexpr Case kCases[] = {
    {"At", "\"@mysql.shop\"", "@mysql.shop", 8, 19, "'@' cannot begin a value", "'@mysql.shop'"},
    {"Backtick", "SELECT 1", "`SELECT 1`", 9, 14, "'`' cannot begin a value", "'`SELECT 1`'"},
    {"Percent", "out.csv", "%TEMP%/x", 13, 13, "'%' cannot begin a value", "'%TEMP%/x'"},
    {"Star", "SELECT 1", "*", 9, 14, "'*' begins an alias", "'*'"},
    {"StarInAList", "shop", "[a, *]", 2, 11, "'*' begins an alias", "quotes"},
    {"Ampersand", "SELECT 1", "& more", 9, 14, "'&' begins an anchor", "'& more'"},
    {"UnknownAlias", "out.csv", "*nope", 13, 13, "not defined", "quotes"},
    {"Tag", "SELECT 1", "!important", 9, 14, "'!important' is read as a tag", "quotes"},
    {"TagOfAnotherType", "SELECT 1", "!!int abc", 9, 14, "no value of the tag", "quotes"},
    {"ParameterInAMapping", "config:\n      path: out.csv", "config: {path: ${params.out}}", 12, 20,
     "must be in quotes", "'${params.out}'"},
    {"ParameterInAList", "out.csv", "[a, dir/${params.out}.csv, b]", 13, 17, "must be in quotes",
     "'dir/${params.out}.csv'"},
    {"Jinja", "out.csv", "{{ out }}", 13, 13, "template's syntax", "${params.name}"},
    {"JinjaStatement", "out.csv", "{% if a %}", 13, 13, "template's syntax", "${params.name}"},
    {"ColonInAValue", "SELECT 1", "SELECT * FROM t WHERE n = 'a: b'", 9, 42, "holds ':' and a space",
     "\"SELECT * FROM t WHERE n = 'a: b'\""},
    {"TwoKeysOnALine", "read\n    component", "read, mode: read\n    component", 4, 19, "holds ':' and a space",
     "quotes"},
    {"OpenDoubleQuote", "shop", "\"shop", 2, 7, "never closed", "close it with \""},
    {"OpenSingleQuote", "name: shop", "name: 'shop", 2, 7, "never closed", "close it with '"},
    {"OpenQuoteOfTheLastValue", "out.csv", "'out.csv", 13, 13, "never closed", "close it with '"},
    {"OpenQuoteInAList", "shop", "[a, \"b]", 2, 11, "never closed", "close it with \""},
    {"TextBehindAQuote", "out.csv", "\"out\".csv", 13, 18, "behind the closing quotation mark", "single quotes"},
    {"QuoteInsideOfQuotes", "SELECT 1", "'it's'", 9, 18, "behind the closing quotation mark", "''"},
    {"UnknownEscape", "out.csv", "\"C:\\data\"", 13, 16, "'\\d' is no escape", "single quotes"},
    {"NoColon", "mode: read", "mode read", 6, 5, "'mode read' stands where a key", "'mode: read'"},
    {"EqualsSign", "mode: read", "mode = read", 6, 5, "stands where a key", "'mode: read'"},
    {"KeyWithoutColon", "config:\n      conn", "config\n      conn", 7, 5, "'config' stands where a key", "'config:'"},
    {"NoSpaceBehindTheColon", "mode: read", "mode:read", 6, 9, "a space is missing", "'mode: read'"},
    {"NoSpaceBehindTheDash", "- id: save", "-id: save", 10, 3, "a space is missing", "'- id: save'"},
    {"LessIndented", "    mode: read", "   mode: read", 6, 4, "indented by 3 spaces", "by 4 spaces, as line 5"},
    {"MoreIndented", "    mode: read", "     mode: read", 6, 6, "indented by 5 spaces", "by 4 spaces, as line 5"},
    {"KeyOfAConfigMoreIndented", "      query", "        query", 9, 9, "indented by 8 spaces",
     "by 6 spaces, as line 8"},
    {"DashLessIndented", "  - id: save", " - id: save", 10, 2, "indented by 1 space,", "by 2 spaces, as line 4"},
    {"DashAmongKeys", "    mode: read", "    - mode: read", 6, 5, "among the keys of line 5", "remove the '-'"},
    {"WordInAList", "out.csv\n", "out.csv\n  done\n", 14, 3, "where an entry of a list must be", "'- '"},
    {"ListOnTheLineOfItsKey", "mode: read", "needs: - read", 6, 12, "cannot begin on the line of its key", "[a, b]"},
    {"Tab", "    mode: read", "\tmode: read", 6, 1, "a tab indents", "spaces"},
    {"TabBehindSpaces", "    mode: read", "  \tmode: read", 6, 3, "a tab indents", "spaces"},
    {"NoBreakSpace", "    mode: read", "\xc2\xa0   mode: read", 6, 1, "a no-break space indents", "spaces"},
    {"MarkdownFence", "oml_version", "```yaml\noml_version", 1, 1, "Markdown", "remove"},
    {"OpenList", "shop", "[a, b", 2, 7, "'[' is never closed", "']'"},
    {"OpenMapping", "config:\n      path: out.csv", "config: {path: out.csv", 12, 13, "'{' is never closed", "'}'"},
    {"WrongBracket", "shop", "[a, b}", 2, 12, "'}' closes what '[' has opened", "']'"},
    {"NoComma", "shop", "[\"a\" \"b\"]", 2, 12, "',' is missing", "','"},
    {"BlockTextNotIndented", "SELECT 1", "|\n    SELECT 1", 10, 5, "text that line 9 begins", "8 spaces"},
    {"TextBehindABlockSign", "SELECT 1", "> SELECT 1", 9, 16, "behind '>'", "next line"},
    {"ListAsAKey", "path: out.csv", "[a, b]: c", 13, 7, "cannot be a key", "quotes"},
};
INSTANTIATE_TEST_SUITE_P(All, YamlSlips, testing::ValuesIn(kCases),
                         [](const testing::TestParamInfo<Case>& c) { return c.param.name; });

TEST(YamlSlip, QuotesAndBracketsThatGoOnForLinesAreNone) {
  Diagnostics findings("p.yaml");
  const YamlNode root = parse_yaml(
      "a: \"one\n  two\"\nb: [1,\n  2]\nc: {x: 1,\n  y: 'it''s'}\nd: |\n  e: f\n  - g: \"\nh: 'i\n\n  j'\n", findings);
  EXPECT_TRUE(findings.ok()) << findings.errors().front().to_text();
  EXPECT_EQ(root.find("h")->text(), "i\nj");
}

TEST(YamlSlip, ColumnsCountCharacters) {
  Diagnostics findings("p.yaml");
  parse_yaml("jméno: [žluť, @x]\n", findings);
  ASSERT_FALSE(findings.ok());
  EXPECT_EQ(findings.errors().front().mark.column, 15);
}

TEST(YamlSlip, WhatIsUnknownIsExplainedInWordsOfTheField) {
  const YamlSlip slip = explain_yaml_error("end of map not found", {3, 4});
  EXPECT_EQ(slip.mark.line, 3);
  EXPECT_THAT(slip.message, testing::HasSubstr("does not fit the keys above"));
  EXPECT_THAT(explain_yaml_error("something new", {1, 1}).message, testing::HasSubstr("something new"));
}

TEST(Excerpts, ShowTheLineAndACaretUnderTheColumn) {
  Diagnostics findings("p.yaml");
  parse_yaml("name: x\nsteps: @y\n", findings);
  const auto as_it_is = [](std::string_view line) { return std::string(line); };
  ASSERT_FALSE(findings.ok());
  EXPECT_EQ(findings.errors().front().excerpt(as_it_is), "  2 | steps: @y\n    |        ^\n");
}

TEST(Excerpts, OfALongLineAreAPartAroundTheColumn) {
  Diagnostics findings("p.yaml");
  parse_yaml("a: [" + std::string(400, 'x') + ", @y, " + std::string(400, 'z') + "]\n", findings);
  ASSERT_FALSE(findings.ok());
  const std::string text = findings.errors().front().excerpt([](std::string_view line) { return std::string(line); });
  EXPECT_LT(text.size(), 300u);
  const size_t caret = text.rfind('^') - text.find('\n') - 1;
  EXPECT_EQ(text[caret], '@') << text;
}

TEST(Excerpts, HaveNoCaretBehindAMaskedValue) {
  Diagnostics findings("p.yaml");
  parse_yaml("a: [secret, @y]\n", findings);
  ASSERT_FALSE(findings.ok());
  EXPECT_EQ(findings.errors().front().excerpt([](std::string_view) { return std::string("a: [***, @y]"); }),
            "  1 | a: [***, @y]\n");
}

}  // namespace
}  // namespace osiris

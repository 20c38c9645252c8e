// A byte of a value is found again in the file it was read from.
#include "host/yaml/scalar_place.h"

#include <gtest/gtest.h>

#include "host/yaml/node.h"

namespace osiris {
namespace {

// "line:column" of the byte `offset` of the value of `key`; "" when it cannot be told.
std::string place(const std::string& text, const std::string& key, size_t offset) {
  Diagnostics findings("p.yaml");
  const YamlNode root = parse_yaml(text, findings);
  EXPECT_TRUE(findings.ok());
  const YamlNode* value = root.find(key);
  const auto mark = place_in_scalar(text, value->mark, value->text(), offset);
  return mark ? std::to_string(mark->line) + ":" + std::to_string(mark->column) : "";
}

TEST(ScalarPlace, IsExactForPlainAndQuotedValues) {
  EXPECT_EQ(place("a: 1\nq: SELECT x\n", "q", 7), "2:11");
  EXPECT_EQ(place("a: 1\nq: 'SELECT x'\n", "q", 7), "2:12");
  EXPECT_EQ(place("q: \"SELECT x\"\n", "q", 0), "1:5");
}

TEST(ScalarPlace, CountsCharacters) { EXPECT_EQ(place("q: SELECT žluť, x\n", "q", 7 + 8), "1:17"); }

TEST(ScalarPlace, FollowsTheLinesOfBlockText) {
  const std::string text = "q: |\n    SELECT id,\n      name\n    FROM x\nb: 1\n";
  EXPECT_EQ(place(text, "q", 0), "2:5");
  EXPECT_EQ(place(text, "q", 13), "3:7");  // "name", indented by two more
  EXPECT_EQ(place("q: |\n\n  a\n  b\n", "q", 3), "4:3") << "an empty line before the text is one of its lines";
}

TEST(ScalarPlace, IsUnknownWhereBytesMoved) {
  EXPECT_EQ(place("q: 'it''s x'\n", "q", 5), "");
  EXPECT_EQ(place("q: one\n  two\n", "q", 5), "");
  EXPECT_EQ(place("q: >\n  one\n  two\n", "q", 5), "");
}

}  // namespace
}  // namespace osiris

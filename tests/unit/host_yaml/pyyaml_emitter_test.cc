// Long and odd texts as PyYAML 6.0 writes them: safe_dump(..., width=120, allow_unicode=True), whose output stands
// here.
#include "host/compat/pyyaml_emitter.h"

#include <gtest/gtest.h>

namespace osiris {
namespace {

std::string body(const Json& document) {
  const std::string text = emit_yaml(document);
  return text.substr(4, text.size() - 8);  // between "---" and "..."
}

struct Written {
  std::string text, yaml;
};
void PrintTo(const Written& row, std::ostream* out) { *out << Json(row.text).dump(); }

const std::string kWide(118, 'w');
std::string words(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += "a ";
  return text;
}
std::string trimmed(std::string text) {
  text.pop_back();
  return text;
}

class Texts : public ::testing::TestWithParam<Written> {};
TEST_P(Texts, AreWrittenAsPyYamlWritesThem) {
  EXPECT_EQ(body(Json::object({{"k", GetParam().text}})), "k: " + GetParam().yaml + "\n");
}

INSTANTIATE_TEST_SUITE_P(Characters, Texts,
                         ::testing::Values(Written{"a\u00a0b", "a\u00a0b"}, Written{"\u00a0", "\u00a0"},
                                           Written{"\ud7ff", "\ud7ff"}, Written{"\ue000", "\ue000"},
                                           Written{"\ufffd", "\ufffd"}, Written{"\U00010000", "\U00010000"},
                                           Written{"\U0010fffe", "\U0010fffe"},
                                           Written{"\U0010ffff", R"("\U0010FFFF")"}, Written{"\ufeff", R"("\uFEFF")"},
                                           Written{"a\x7f", R"("a\x7F")"}, Written{std::string(1, '\0'), R"("\0")"},
                                           Written{"~x", "~x"}, Written{"a~", "a~"}, Written{"\u0085x", "'\u0085  x'"},
                                           Written{"a\u2028b", "'a\u2028  b'"}));

INSTANTIATE_TEST_SUITE_P(
    Indicators, Texts,
    ::testing::Values(Written{"---a", "'---a'"}, Written{"...", "'...'"}, Written{"? x", "'? x'"}, Written{"?x", "?x"},
                      Written{": x", "': x'"}, Written{":x", ":x"}, Written{"-", "'-'"}, Written{"%a", "'%a'"},
                      Written{"!a", "'!a'"}, Written{"&a", "'&a'"}, Written{"a,b", "a,b"}, Written{"[a", "'[a'"},
                      Written{"a]", "a]"}, Written{"#a", "'#a'"}, Written{"a #b", "'a #b'"}, Written{"a# b", "a# b"},
                      Written{"a:", "'a:'"}, Written{"a :b", "a :b"}, Written{"1_000", "'1_000'"},
                      Written{"0o7", "0o7"}, Written{"1.e+5", "'1.e+5'"},
                      Written{"2025-01-T10:00:00", "2025-01-T10:00:00"},
                      Written{"2025-01-02 03:04:05", "'2025-01-02 03:04:05'"}, Written{"0x", "0x"}));

INSTANTIATE_TEST_SUITE_P(Breaks, Texts,
                         ::testing::Values(Written{"a\n", "'a\n\n  '"}, Written{"\na", "'\n\n  a'"},
                                           Written{"a\n\nb", "'a\n\n\n  b'"}, Written{"a\n b", R"("a\n b")"},
                                           Written{"a \nb", R"("a \nb")"}, Written{"a\u2028\nb", "'a\u2028\n  b'"},
                                           Written{"it's\nso", "'it''s\n\n  so'"}));

// Past the width a text folds at a single blank, but not at its edges.
INSTANTIATE_TEST_SUITE_P(
    LongOnes, Texts,
    ::testing::Values(Written{kWide + " x y", kWide + "\n  x y"}, Written{kWide + "  x", kWide + "  x"},
                      Written{"'" + kWide + " x y", "'''" + kWide + "\n  x y'"},
                      Written{"'" + kWide + " ", "'''" + kWide + " '"},
                      Written{"'" + kWide + "  x", "'''" + kWide + "  x'"},
                      Written{"' " + kWide + " x", "''' " + kWide + "\n  x'"},
                      Written{" " + words(70) + "z", "' " + trimmed(words(59)) + "\n  " + words(11) + "z'"},
                      Written{"x: " + words(70), "'x: " + trimmed(words(58)) + "\n  " + trimmed(words(12)) + " '"},
                      Written{words(70) + "z", trimmed(words(60)) + "\n  " + words(10) + "z"},
                      Written{"\t" + kWide + " x", "\"\\t" + kWide + "\\\n  \\ x\""},
                      Written{"\t" + kWide + "  x", "\"\\t" + kWide + "\\\n  \\  x\""},
                      Written{"\t" + kWide + " ", "\"\\t" + kWide + " \""}));

TEST(YamlKeys, AreSimpleUnlessTheyAreEmptyLongOrBroken) {
  const auto key = [](const std::string& name) { return body(Json::object({{name, 1}})); };
  EXPECT_EQ(key(""), "? ''\n: 1\n");
  EXPECT_EQ(key("a\nb"), "? 'a\n\n  b'\n: 1\n");
  EXPECT_EQ(key("yes"), "'yes': 1\n");
  EXPECT_EQ(key("a: b"), "'a: b': 1\n");
  EXPECT_EQ(key(kWide + " x y"), kWide + " x y: 1\n") << "a key does not fold";
  for (const char* letter : {"a", "é"}) {
    std::string name;
    for (int i = 0; i < 122; ++i) name += letter;
    EXPECT_EQ(key(name), name + ": 1\n");
    name += letter;
    EXPECT_EQ(key(name), "? " + name + "\n: 1\n");
  }
}

}  // namespace
}  // namespace osiris

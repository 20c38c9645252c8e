// Parameters given as text, by --param or the environment: decimal, and as declared.
#include "host/compiler/param_text.h"

#include "tests/unit/host_compiler/compile_fixture.h"

namespace osiris {
namespace {

std::string read(const std::string& text, std::string_view type) {
  return read_param_text(text, type, {}).to_json().dump();
}

TEST(ParamText, IsReadInDecimal) {
  for (const auto& [text, value] : std::map<std::string, std::string>{{"08", "8"},
                                                                      {"010", "10"},
                                                                      {"-5", "-5"},
                                                                      {"+4", "4"},
                                                                      {" 7 ", "7"},
                                                                      {"00501", "501"},
                                                                      {"18446744073709551615", "18446744073709551615"},
                                                                      {"-9223372036854775808", "-9223372036854775808"}})
    EXPECT_EQ(read(text, "integer"), value) << text;
  for (const auto& [text, value] : std::map<std::string, std::string>{{"1e3", "1000.0"},
                                                                      {"1.5", "1.5"},
                                                                      {".5", "0.5"},
                                                                      {"5.", "5.0"},
                                                                      {"-2.5E-1", "-0.25"},
                                                                      {"08", "8"},
                                                                      {"+1.5", "1.5"}})
    EXPECT_EQ(read(text, "number"), value) << text;
}

TEST(ParamText, ThatSpellsNoNumberStaysText) {
  for (const char* text : {"1:30", "1_000", "0x10", "0b1", "", "-", ".", "1e", "1.2.3", "--5", "1 2", "inf", "nan",
                           ".inf", "99999999999999999999"})
    EXPECT_EQ(read(text, "integer"), Json(text).dump()) << text;
  for (const char* text : {"1:30", "1_000", "e3", "inf", "1e999"})
    EXPECT_EQ(read(text, "number"), Json(text).dump()) << text;
}

TEST(ParamText, OfAStringIsTheTextItself) {
  for (const char* text : {"00501", "NO", "1:30", "2025-01-01", " a ", "null", "[1]"})
    EXPECT_EQ(read(text, "string"), Json(text).dump()) << text;
}

TEST(ParamText, OfABooleanIsAWord) {
  for (const char* text : {"true", "TRUE", "yes", "On"}) EXPECT_EQ(read(text, "boolean"), "true") << text;
  for (const char* text : {"false", "No", "off"}) EXPECT_EQ(read(text, "boolean"), "false") << text;
  for (const char* text : {"1", "y", "nope"}) EXPECT_EQ(read(text, "boolean"), Json(text).dump()) << text;
}

TEST(ParamText, ListsAndMappingsHoldPlainNumbersAndText) {
  EXPECT_EQ(read("[a, 08, NO, 1:30, 12, -1.5, \"5\", null, true]", "list"),
            "[\"a\",\"08\",\"NO\",\"1:30\",12,-1.5,\"5\",null,true]");
  EXPECT_EQ(read("{\"k\": [1, 2], NO: yes}", "object"), "{\"k\":[1,2],\"NO\":\"yes\"}");
  EXPECT_EQ(read("a, b", "list"), "\"a, b\"");
  EXPECT_EQ(read("[1", "list"), "\"[1\"");
}

class TextParams : public CompileTest {
 protected:
  Json limit(const std::string& declared, const std::string& given) {
    options_.params = {{"n", given}};
    const CompileResult result = compile_text(
        "oml_version: \"0.1.0\"\nname: p\nparams: {n: " + declared +
        "}\nsteps:\n  - {id: s, component: filesystem.csv_extractor, mode: read, config: {path: \"x${params.n}\"}}\n");
    return result.ok() ? result.pipeline->steps[0].cfg["path"] : Json(all_text(result));
  }
};

TEST_F(TextParams, TakeTheDeclaredTypeElseThatOfTheDefault) {
  EXPECT_EQ(limit("{type: integer}", "08"), Json("x8"));
  EXPECT_EQ(limit("10", "08"), Json("x8"));
  EXPECT_EQ(limit("{type: string}", "00501"), Json("x00501"));
  EXPECT_EQ(limit("\"\"", "00501"), Json("x00501"));
  EXPECT_EQ(limit("[]", "[a, 'b c']"), Json("x['a', 'b c']"));
  EXPECT_NE(limit("{type: integer}", "1:30").as_string().find("must be of type integer, got '1:30'"),
            std::string::npos);
}

TEST_F(TextParams, OfTheEnvironmentAreReadTheSameWay) {
  environment_.set("OSIRIS_PARAM_N", "010");
  const CompileResult result = compile_text(
      "oml_version: \"0.1.0\"\nname: p\nparams: {n: {type: integer}}\nsteps:\n"
      "  - {id: s, component: filesystem.csv_extractor, mode: read, config: {path: x, limit: \"${params.n}\"}}\n");
  ASSERT_TRUE(result.ok()) << all_text(result);
  EXPECT_EQ(result.pipeline->steps[0].cfg["limit"], Json(10));
}

}  // namespace
}  // namespace osiris

#include "protocol/base/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace osiris {
namespace {

Json parsed(std::string_view text) {
  const auto json = parse_json(text);
  EXPECT_TRUE(json.ok()) << text << ": " << (json ? "" : json.error().message);
  return json ? *json : Json();
}

std::string refused(std::string_view text) {
  const auto json = parse_json(text);
  EXPECT_FALSE(json.ok()) << text << " was taken for " << (json ? json->dump() : "");
  if (json) return "";
  EXPECT_EQ(json.error().code, Code::kInvalidArgument);
  return json.error().message;
}

TEST(ParseJson, ReadsEveryKindOfValue) {
  const Json json = parsed(" { \"a\" : [ 1 , -2.5 , \"x\" , true , false , null , { } , [ ] ] }\r\n\t");
  const Json& a = json["a"];
  ASSERT_EQ(a.size(), 8u);
  EXPECT_EQ(a.items()[0], Json(1));
  EXPECT_EQ(a.items()[1], Json(-2.5));
  EXPECT_EQ(a.items()[2], Json("x"));
  EXPECT_EQ(a.items()[3], Json(true));
  EXPECT_EQ(a.items()[4], Json(false));
  EXPECT_TRUE(a.items()[5].is_null());
  EXPECT_TRUE(a.items()[6].is_object() && a.items()[7].is_array());
  EXPECT_EQ(parsed("\xef\xbb\xbf[7]").items()[0], Json(7));
}

TEST(ParseJson, RefusesWhatIsNoJsonAndSaysWhere) {
  const std::pair<std::string, int> cases[] = {{"", 0},
                                               {"  ", 2},
                                               {"tru", 3},
                                               {"nul", 3},
                                               {"True", 0},
                                               {"NaN", 0},
                                               {"-Infinity", 1},
                                               {"[1,]", 3},
                                               {"[,1]", 1},
                                               {"[1 2]", 3},
                                               {"[1", 2},
                                               {"[1,", 3},
                                               {"]", 0},
                                               {"{\"a\":1,}", 7},
                                               {"{\"a\" 1}", 5},
                                               {"{\"a\":}", 5},
                                               {"{a:1}", 1},
                                               {"{\"a\":1", 6},
                                               {"{\"a\"", 4},
                                               {"{", 1},
                                               {"{1:2}", 1},
                                               {"[1}", 2},
                                               {"{\"a\":1]", 6},
                                               {"1 2", 2},
                                               {"{}x", 2},
                                               {"'a'", 0},
                                               {"\"a", 2},
                                               {"\"a\\", 3},
                                               {"\"\\x\"", 2},
                                               {"\"\\u12\"", 5},
                                               {"\"\\u12g4\"", 5},
                                               {"\"a\nb\"", 2},
                                               {"[1]/**/", 3},
                                               {"01", 1},
                                               {"+1", 0},
                                               {"-", 1},
                                               {"1.", 2},
                                               {".5", 0},
                                               {"1e", 2},
                                               {"1e+", 3},
                                               {"-a", 1},
                                               {"0x10", 1},
                                               {"1e309", 4},
                                               {"[-1e400]", 6},
                                               {std::string("{}\0", 3), 2},
                                               {std::string("\0", 1), 0}};
  for (const auto& [text, at] : cases)
    EXPECT_NE(refused(text).find("not valid JSON at byte " + std::to_string(at) + ": "), std::string::npos)
        << text << ": " << refused(text);
}

// What could not be parsed may hold a secret, and errors are printed and logged.
TEST(ParseJson, ItsErrorsDoNotQuoteTheText) {
  for (const char* text : {R"({"password": "hunter2)", R"(["hunter2\x"])", "[hunter2]", "\"hunter2\x01\"",
                           R"({"hunter2" 1})", "{\"a\":1} hunter2", "{\"hunter2\xff\":1}", "8888e8888"}) {
    const std::string message = refused(text);
    EXPECT_EQ(message.find("hunter2"), std::string::npos) << message;
    EXPECT_EQ(message.find("8888"), std::string::npos) << message;
  }
}

TEST(ParseJson, ReadsEscapes) {
  EXPECT_EQ(parsed(R"("\"\\\/\b\f\n\r\t")").as_string(), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(parsed(R"("\u0041\u00e9\u20AC\ud83d\ude00")").as_string(), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(parsed(R"("a\u0000b")").as_string(), std::string("a\0b", 3));
  EXPECT_EQ(parsed(R"({"k\u0065y":1})")["key"], Json(1));
}

TEST(ParseJson, RefusesHalfASurrogatePair) {
  for (const char* text : {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"("\ud83d\n")", R"("\ud83d\ud83d")",
                           R"(["\ud83d\u0041"])", R"({"\udc00":1})"})
    EXPECT_NE(refused(text).find("surrogate"), std::string::npos) << text;
}

TEST(ParseJson, TakesUtf8) {
  for (const char* text :
       {"\xc3\xa9", "\xe2\x82\xac", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\x7f"})
    EXPECT_EQ(parsed("\"" + std::string(text) + "\"").as_string(), text);
}

TEST(ParseJson, RefusesBytesThatAreNotUtf8) {
  for (const char* text : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                           "\xf5\x80\x80\x80", "\xff", "a\xe2\x82"})
    EXPECT_NE(refused("[\"" + std::string(text) + "\"]").find("UTF-8"), std::string::npos);
  refused("\xc3\xa9");
}

TEST(ParseJson, KeepsEveryBitOfAnInteger) {
  EXPECT_EQ(parsed("9223372036854775807").as_int(), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(parsed("-9223372036854775808").as_int(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(parsed("18446744073709551615").as_uint(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(parsed("-0"), Json(0));
  EXPECT_EQ(parsed("18446744073709551616"), Json(18446744073709551616.0));
  EXPECT_EQ(parsed("-9223372036854775809"), Json(-9223372036854775808.0));
}

TEST(ParseJson, RoundsADoubleToTheNearest) {
  EXPECT_EQ(parsed("0.1"), Json(0.1));
  EXPECT_EQ(parsed("1E+2"), Json(100.0));
  EXPECT_EQ(parsed("1.7976931348623157e308").as_double(), std::numeric_limits<double>::max());
  EXPECT_EQ(parsed("2.2250738585072011e-308").as_double(), 2.2250738585072011e-308);
  EXPECT_EQ(parsed("5e-324").as_double(), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(parsed("9007199254740993").as_int(), 9007199254740993);
  EXPECT_EQ(parsed("9007199254740993.0"), Json(9007199254740992.0));
}

// Undefined behaviour in RapidJSON, which was the parser before.
TEST(ParseJson, AZeroWithAnExponentIsZero) {
  for (const char* text : {"0e-74", "0e74", "0E+999999999", "0.0e-999999999", "-0e-74", "0.000e1"}) {
    const Json json = parsed(text);
    EXPECT_TRUE(json.is_double()) << text;
    EXPECT_EQ(json.as_double(), 0.0) << text;
    EXPECT_EQ(std::signbit(json.as_double()), text[0] == '-') << text;
  }
}

TEST(ParseJson, ANumberTooSmallForADoubleIsZeroAndOneTooBigIsRefused) {
  EXPECT_EQ(parsed("1e-400"), Json(0.0));
  EXPECT_EQ(parsed("-1e-99999999999999999999").as_double(), 0.0);
  EXPECT_EQ(parsed("0." + std::string(400, '0') + "1e401"), Json(1.0));
  EXPECT_EQ(parsed("1" + std::string(400, '0') + "e-400"), Json(1.0));
  for (const std::string text : {"1.8e308", "-1e309", "1e99999999999999999999"})
    EXPECT_NE(refused(text).find("too big"), std::string::npos);
  EXPECT_NE(refused("1" + std::string(400, '0')).find("too big"), std::string::npos);
}

TEST(ParseJson, TheLastOfSeveralEqualKeysCounts) {
  EXPECT_EQ(parsed(R"({"a":1,"b":2,"a":3})").dump(), R"({"b":2,"a":3})");
  std::string many = "{";
  for (int i = 0; i < 40; ++i) many += "\"k" + std::to_string(i % 20) + "\":" + std::to_string(i) + ",";
  const Json json = parsed(many + "\"z\":0}");
  EXPECT_EQ(json.size(), 21u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(json["k" + std::to_string(i)], Json(20 + i));
}

TEST(ParseJson, NestsTwoHundredLevelsDeep) {
  const std::string open(kJsonDepthMax, '['), end(kJsonDepthMax, ']');
  EXPECT_EQ(parsed(open + end).dump(), open + end);
  const std::string keys = [] {
    std::string text;
    for (int i = 0; i < kJsonDepthMax; ++i) text += "{\"a\":";
    return text;
  }();
  EXPECT_EQ(parsed(keys + "1" + std::string(kJsonDepthMax, '}')).dump(), keys + "1" + std::string(kJsonDepthMax, '}'));
}

TEST(ParseJson, RefusesToNestDeeper) {
  EXPECT_NE(refused(std::string(kJsonDepthMax + 1, '[') + std::string(kJsonDepthMax + 1, ']'))
                .find("nested deeper than 200 levels"),
            std::string::npos);
  refused(std::string(10'000'000, '['));
}

// Two dumps of one value, in every form, say the same value.
TEST(ParseJson, ReadsWhatTheWritersWrite) {
  const Json json = Json::object({{"text", "\x01\x7f\"\\/\xc3\xa9\xf0\x9f\x98\x80\n"},
                                  {"max", std::numeric_limits<uint64_t>::max()},
                                  {"min", std::numeric_limits<int64_t>::min()},
                                  {"tiny", std::numeric_limits<double>::denorm_min()},
                                  {"huge", -std::numeric_limits<double>::max()},
                                  {"third", 1.0 / 3},
                                  {"none", nullptr},
                                  {"list", Json::array({Json::array(), Json::object(), 0.0, -0.0, 1e16, 1e-5})}});
  for (const std::string& text : {json.dump(), json.dump_pretty(), json.dump_canonical(), json.dump_canonical(true)})
    EXPECT_EQ(parsed(text), json) << text;
}

// As Python's json.dumps(..., ensure_ascii=True).
TEST(JsonDump, InAsciiEveryOtherCharacterIsEscaped) {
  const std::pair<const char*, const char*> rows[] = {{"~", "\"~\""},
                                                      {"\x7f", R"("\u007f")"},
                                                      {"\u00e9", R"("\u00e9")"},
                                                      {"\uffff", R"("\uffff")"},
                                                      {"\U00010000", R"("\ud800\udc00")"},
                                                      {"\U0010ffff", R"("\udbff\udfff")"},
                                                      {"a\U0001f600b", R"("a\ud83d\ude00b")"}};
  for (const auto& [text, escaped] : rows) EXPECT_EQ(Json(text).dump_canonical(true), escaped);
}

}  // namespace
}  // namespace osiris

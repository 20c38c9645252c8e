// The documents themselves; tests/telemetry/ holds both encodings against OpenTelemetry's own reader.
#include "host/telemetry/otlp.h"

#include <gtest/gtest.h>

#include "host/telemetry/otlp_protobuf.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

TEST(Otlp, AttributesHaveTheTypesOfTheirValues) {
  const Json attributes = otlp_attributes(Json::object(
      {{"text", "x"}, {"whole", -3}, {"real", 0.5}, {"truth", false}, {"none", Json()}, {"list", Json::array({1})}}));
  EXPECT_EQ(attributes.dump(),
            R"([{"key":"text","value":{"stringValue":"x"}},{"key":"whole","value":{"intValue":"-3"}},)"
            R"({"key":"real","value":{"doubleValue":0.5}},{"key":"truth","value":{"boolValue":false}},)"
            R"({"key":"list","value":{"arrayValue":{"values":[{"intValue":"1"}]}}}])");
}

TEST(Otlp, TextsAreUtf8AndOfALimitedSize) {
  const std::string broken = otlp_value(std::string("a\xff\xc3"))["stringValue"].as_string();
  EXPECT_TRUE(is_valid_utf8(broken));
  const std::string euros = otlp_value(std::string(30'000, 'x') + "€")["stringValue"].as_string();
  EXPECT_LT(euros.size(), 9'000u);
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "€";
  EXPECT_TRUE(is_valid_utf8(otlp_value(many)["stringValue"].as_string()));
}

TEST(Otlp, WhatIsNestedTooDeepBecomesText) {
  Json deep = 1;
  for (int i = 0; i < 200; ++i) deep = Json::array({deep});
  EXPECT_NE(otlp_value(deep).dump().find("[[[["), std::string::npos);
}

// Bytes by hand: a resource without attributes, a scope, one span of a name and two times.
TEST(OtlpProtobuf, HasTheBytesOfTheEncoding) {
  const Json span = Json::object({{"traceId", "0102030405060708090a0b0c0d0e0f10"},
                                  {"name", "s"},
                                  {"startTimeUnixNano", "1"},
                                  {"attributes", otlp_attributes(Json::object({{"n", -1}}))}});
  const std::string bytes = otlp_protobuf(otlp_document(Signal::kTraces, Json::object(), "9", Json::array({span})));
  EXPECT_EQ(to_hex(bytes),
            "0a430a00123f0a0b0a066f7369726973120139"
            "12300a100102030405060708090a0b0c0d0e0f102a017339010000000000"
            "00004a100a016e120b18ffffffffffffffffff01");
}

TEST(OtlpProtobuf, ReadsWhatACollectorDidNotTake) {
  const auto partial = partial_success(std::string("\x0a\x08\x08\x03\x12\x04ouch", 10), false);
  ASSERT_TRUE(partial);
  EXPECT_EQ(partial->rejected, 3u);
  EXPECT_EQ(partial->message, "ouch");
  EXPECT_EQ(partial_success(R"({"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}})", true)->rejected, 2u);
  for (const char* body : {"", "\x0a", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x0a\x7f", "{}", "\x0b"}) {
    EXPECT_FALSE(partial_success(body, false)) << body;
    EXPECT_FALSE(partial_success(body, true)) << body;
  }
}

}  // namespace
}  // namespace osiris

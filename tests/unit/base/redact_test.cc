#include "protocol/base/redact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "protocol/base/text.h"

namespace osiris {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Redactor knowing(std::initializer_list<std::string_view> secrets) {
  Redactor redactor;
  for (const std::string_view secret : secrets) redactor.add(secret);
  return redactor;
}

TEST(Redactor, HidesASecretWhereverItStands) {
  const Redactor redactor = knowing({"hunter22"});
  EXPECT_EQ(redactor.redact("password hunter22, again:hunter22"), "password ***MASKED***, again:***MASKED***");
  EXPECT_EQ(redactor.redact("hunter22"), "***MASKED***");
}

TEST(Redactor, LeavesTextWithoutASecretAlone) {
  EXPECT_EQ(knowing({"hunter22"}).redact("hunter2 hunter 22"), "hunter2 hunter 22");
  EXPECT_EQ(knowing({}).redact("hunter22"), "hunter22");
}

TEST(Redactor, LeavesSecretsUnderSixBytesAlone) {
  EXPECT_EQ(knowing({"abcde"}).redact("abcde"), "abcde");
  EXPECT_EQ(knowing({"abcdef"}).redact("abcdef"), "***MASKED***");
}

TEST(Redactor, HidesEverySpelling) {
  const std::string secret = "p@ss'w\"rd/ü ?>";
  const Redactor redactor = knowing({secret});
  for (const std::string& spelling : secret_spellings(secret)) {
    const std::string hidden = redactor.redact("before " + spelling + " after");
    EXPECT_EQ(hidden, "before ***MASKED*** after") << spelling;
  }
}

TEST(Redactor, HidesTheUrlBase64HexAndJsonForms) {
  const std::string secret = "s3cr3t/\"value\"+x";
  const Redactor redactor = knowing({secret});
  for (const std::string& text : {percent_encode(secret), base64(secret), to_hex(secret), Json(secret).dump()})
    EXPECT_THAT(redactor.redact(text), HasSubstr("***MASKED***")) << text;
}

TEST(Redactor, HidesASecretInsideALongerBase64Text) {
  const std::string secret = "correct horse battery";
  const Redactor redactor = knowing({secret});
  for (const std::string prefix : {"", "a", "ab", "user:"}) {
    const std::string hidden = redactor.redact("Authorization: Basic " + base64(prefix + secret + ":tail"));
    EXPECT_THAT(hidden, HasSubstr("***MASKED***")) << prefix;
    EXPECT_THAT(hidden, Not(HasSubstr(base64(secret).substr(4, 8)))) << prefix;
  }
}

TEST(Redactor, HidesOverlappingSecretsWithoutLeavingARest) {
  const Redactor redactor = knowing({"abcdefgh", "efghijkl", "cdefgh"});
  EXPECT_EQ(redactor.redact("_abcdefghijkl_"), "_***MASKED***_");
}

TEST(Redactor, HidesTheLongerOfTwoSecretsThatBeginAlike) {
  const Redactor redactor = knowing({"secret", "secret-longer"});
  EXPECT_EQ(redactor.redact("secret-longer"), "***MASKED***");
  EXPECT_EQ(redactor.redact("secret-long"), "***MASKED***-long");
}

TEST(Redactor, HidesInJsonButNotInStructuralMembers) {
  const Redactor redactor = knowing({"extract"});
  Json event = Json::object(
      {{"step_id", "extract"}, {"text", "cannot extract"}, {"list", Json::array({"extract"})}, {"extract", 1}});
  constexpr std::array<std::string_view, 1> structural = {"step_id"};
  redactor.redact(event, structural);
  EXPECT_EQ(event.dump(),
            R"({"step_id":"extract","text":"cannot ***MASKED***","list":["***MASKED***"],"***MASKED***":1})");
}

TEST(Redactor, AgreesWithASearchForEachSecretOnRandomText) {
  std::mt19937 random(7);
  const auto letters = [&](size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += static_cast<char>('a' + random() % 3);
    return text;
  };
  for (int round = 0; round < 300; ++round) {
    Redactor redactor;
    std::vector<std::string> secrets;
    for (int i = 0; i < 4; ++i) redactor.add(secrets.emplace_back(letters(6 + random() % 4)));
    const std::string text = letters(200);
    const std::string hidden = redactor.redact(text);
    std::string expected = text;
    for (const std::string& secret : secrets) {
      for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 1))
        expected.replace(at, secret.size(), secret.size(), '#');
    }
    // Only the letters outside of every occurrence stay.
    std::string stays, kept;
    for (const char c : expected) stays += c == '#' ? "" : std::string(1, c);
    for (size_t at = 0; at < hidden.size();) {
      if (hidden.compare(at, kMasked.size(), kMasked) == 0) {
        at += kMasked.size();
      } else {
        kept += hidden[at++];
      }
    }
    ASSERT_EQ(kept, stays) << text;
  }
}

}  // namespace
}  // namespace osiris

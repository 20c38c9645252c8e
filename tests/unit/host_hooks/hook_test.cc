#include "host/project/hook.h"

#include <gmock/gmock.h>

namespace osiris {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

Hooks read(const std::string& text, Diagnostics& findings) {
  const YamlNode root = parse_yaml(text, findings);
  return read_hooks(root, findings, "invalid_hook");
}

TEST(Hook, OneOrAListOfThem) {
  Diagnostics findings("p.yaml");
  const Hooks hooks = read(
      "on_failure: {command: [./tell.sh, --loud]}\n"
      "on_success:\n"
      "  - {webhook: 'https://example.org/x', headers: {X-Key: '${KEY}', X-N: 3}, timeout: 500ms}\n"
      "  - {command: 'tee log | wc -c', shell: true}\n",
      findings);
  EXPECT_TRUE(findings.ok());
  ASSERT_EQ(hooks.on_failure.size(), 1u);
  EXPECT_THAT(hooks.on_failure[0].command, testing::ElementsAre("./tell.sh", "--loud"));
  EXPECT_EQ(hooks.on_failure[0].timeout_s, 10);
  ASSERT_EQ(hooks.on_success.size(), 2u);
  EXPECT_EQ(hooks.on_success[0].headers.at("X-N"), "3");
  EXPECT_EQ(hooks.on_success[0].timeout_s, 0.5);
  EXPECT_TRUE(hooks.on_success[1].shell);
}

TEST(Hook, SurvivesTheManifest) {
  Diagnostics findings("p.yaml");
  const char* text =
      R"({"on_success":[{"command":["a b"],"shell":true}],"on_failure":[{"webhook":"${HOOK}","headers":{"k":"v"},"timeout":2.5}]})";
  const Hooks hooks = read(text, findings);
  EXPECT_EQ(to_json(hooks).dump(), text);
  EXPECT_TRUE(to_json(Hooks()).is_null());
}

TEST(Hook, WhatIsWrongIsSaidAtItsPlace) {
  const auto finding = [](const std::string& text) {
    Diagnostics findings("p.yaml");
    EXPECT_TRUE(read(text, findings).empty()) << text;
    EXPECT_EQ(findings.errors().size(), 1u) << text;
    return findings.errors().empty() ? std::string() : findings.errors()[0].to_text();
  };
  EXPECT_THAT(finding("on_failure: mail me"), HasSubstr("on_failure must be a mapping"));
  EXPECT_THAT(finding("on_failure: {}"), HasSubstr("needs a command or a webhook"));
  EXPECT_THAT(finding("on_failure: [{command: a, webhook: 'http://x'}]"),
              HasSubstr("on_failure[0] needs a command or"));
  EXPECT_THAT(finding("on_failure: {command: 'tell me'}"), HasSubstr("shell: true"));
  EXPECT_THAT(finding("on_failure: {command: [a, b], shell: true}"), HasSubstr("one text where shell"));
  EXPECT_THAT(finding("on_failure: {command: ['']}"), HasSubstr("names no program"));
  EXPECT_THAT(finding("on_failure: {command: [1]}"), HasSubstr("a list of strings"));
  EXPECT_THAT(finding("on_failure: {command: a, headers: {a: b}}"), HasSubstr("for a webhook"));
  EXPECT_THAT(finding("on_failure: {webhook: 'ftp://x'}"), HasSubstr("must be an address"));
  EXPECT_THAT(finding("on_failure: {webhook: 'http://x', timeout: 10m}"), HasSubstr("at most 300 seconds"));
  EXPECT_THAT(finding("on_failure: {webhook: 'http://x', timeout: soon}"), HasSubstr("timeout"));
}

}  // namespace
}  // namespace osiris

#include "worker/drivers/program/output_lines.h"

#include <gmock/gmock.h>

#include "protocol/base/text.h"
#include "worker/drivers/python/pip.h"
#include "worker/drivers/python/virtual_environment.h"

namespace osiris::worker::python {
namespace {

using program::kLineBytesMax;
using program::LastLines;
using program::LineSplitter;
using program::RateLimiter;

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

std::vector<std::string> cut(std::vector<std::string> blocks) {
  std::vector<std::string> lines;
  LineSplitter splitter([&](std::string_view line) { lines.emplace_back(line); });
  for (const std::string& block : blocks) splitter.feed(block);
  splitter.finish();
  return lines;
}

TEST(LineSplitter, HoldsAPartialLineUntilItsEndComes) {
  EXPECT_THAT(cut({"a", "b\nc\r", "\n\nd"}), ElementsAre("ab", "c", "", "d"));
  EXPECT_THAT(cut({}), ElementsAre());
}

TEST(LineSplitter, CutsALongLineAtABlankAndDropsTheRest) {
  const auto lines =
      cut({std::string(kLineBytesMax - 10, 'x') + " half-a-secr", "et" + std::string(100'000, 'y') + "\nnext\n"});
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0], EndsWith("x ... (cut)"));
  EXPECT_EQ(lines[1], "next");
}

TEST(LineSplitter, ALineMayHaveEightKibibytes) {
  EXPECT_THAT(cut({std::string(8192, 'x') + "\n"}), ElementsAre(std::string(8192, 'x')));
  EXPECT_THAT(cut({std::string(8193, 'x') + "\n"}), ElementsAre(EndsWith("(cut)")));
}

TEST(RateLimiter, SaysNothingOfALimitThatWasNotReached) {
  std::vector<std::string> out;
  RateLimiter limiter([&](std::string_view line) { out.emplace_back(line); }, 2, 100);
  limiter.line("one");
  limiter.line("two");
  limiter.finish();
  EXPECT_THAT(out, ElementsAre("one", "two"));
}

TEST(LastLines, KeepsTheLastLinesWithinItsBytes) {
  LastLines tail(3, 20);
  for (const char* line : {"one", "two", "three", "four"}) tail.add(line);
  EXPECT_EQ(tail.text(), "\n    two\n    three\n    four");
  tail.add(std::string(100, 'x'));
  EXPECT_THAT(tail.last(), EndsWith("(cut)"));
  EXPECT_EQ(LastLines().last(), "");
}

TEST(RateLimiter, ClosesAfterItsLinesAndSaysHowManyItKept) {
  std::vector<std::string> out;
  RateLimiter faucet([&](std::string_view line) { out.emplace_back(line); }, 2, 100);
  for (int i = 0; i < 5; ++i) faucet.line(std::to_string(i));
  faucet.finish();
  ASSERT_EQ(out.size(), 4u);
  EXPECT_THAT(out[2], HasSubstr("too much output"));
  EXPECT_THAT(out[3], HasSubstr("3 lines"));
}

TEST(WheelName, IsReadFromTheFilesName) {
  EXPECT_EQ(wheel_name("python_dateutil-2.9.0.post0-py2.py3-none-any.whl").distribution, "python-dateutil");
  EXPECT_EQ(wheel_name("numpy-2.1.0-1build-cp311-cp311-manylinux_2_17_x86_64.whl").version, "2.1.0");
  EXPECT_EQ(wheel_name("notes.txt").distribution, "");
  EXPECT_EQ(wheel_name("half-1.0.whl").distribution, "");
}

TEST(EnvironmentKey, DiffersWithInterpreterAndRequirements) {
  Interpreter python{"/usr/bin/python3", "3.11.2", Json::object({{"version", "3.11.2"}})};
  const std::string key = environment_key(python, {"a", "b"});
  EXPECT_EQ(key.size(), 32u);
  EXPECT_EQ(environment_key(python, {"a", "b"}), key);
  EXPECT_NE(environment_key(python, {"a"}), key);
  EXPECT_NE(environment_key(python, {"ab"}), key);
  python.identity.set("version", "3.12.0");
  EXPECT_NE(environment_key(python, {"a", "b"}), key);
}

TEST(PipEnvironment, IsWhatPipReadsAndNoSecretOfTheSteps) {
  const Json passed =
      Json::object({{"PIP_INDEX_URL", "http://i"}, {"DB_PASSWORD", "x"}, {"HTTPS_PROXY", "http://p"}, {"PATH", "/x"}});
  EXPECT_EQ(pip_environment(passed), (Variables{{"PIP_INDEX_URL", "http://i"}, {"HTTPS_PROXY", "http://p"}}));
}

}  // namespace
}  // namespace osiris::worker::python

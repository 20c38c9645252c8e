#include "plugins/sdk/run/lent_variables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "protocol/base/file.h"
#include "tests/unit/sdk/recording_host.h"

namespace osiris::sdk {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

std::string write_temporary(const std::string& text) {
  const std::string path = testing::TempDir() + "/variables_" + std::to_string(::getpid());
  EXPECT_TRUE(write_file_atomically(path, text).ok());
  return path;
}

TEST(Variables, AreReadFromLines) {
  const auto variables = parse_variables(
      "# a comment\n\nA=1\nexport B = two words \r\nC='it''s'\nC2='a # \\n b'  # why\nD=\"x\\n\\\"y\\\"\"\nE=\nF=a#b # "
      "c\n",
      "f");
  ASSERT_FALSE(variables.ok()) << "'it''s' is two quoted texts";
  EXPECT_THAT(variables.error().message, HasSubstr("f:5"));
  const auto good =
      parse_variables("A=1\nexport B = two words \r\nC='a # \\n b'  # why\nD=\"x\\n\\\"y\\\"\"\nE=\nF=a#b # c", "f");
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_THAT(*good, ElementsAre(Pair("A", "1"), Pair("B", "two words"), Pair("C", "a # \\n b"), Pair("D", "x\n\"y\""),
                                 Pair("E", ""), Pair("F", "a#b")));
}

TEST(Variables, BadLinesAreNamedWithoutTheirValue) {
  for (const char* text : {"A=1\nno equals secret\n", "A=1\n1X=secret\n", "A=1\nX=\"secret\n",
                           "A=1\nX='secret' secret\n", "A=1\nX Y=secret\n", "A=1\n=secret\n", "A=1\nX=secret\xff\n"}) {
    const auto variables = parse_variables(text, "file.env");
    ASSERT_FALSE(variables.ok()) << text;
    EXPECT_THAT(variables.error().message, HasSubstr("file.env:2"));
    EXPECT_THAT(variables.error().message, Not(HasSubstr("secret")));
  }
}

TEST(Environment, APairWinsOverAFileAndAFileOverAPassedVariable) {
  test::RecordingHost recording;
  recording.secrets = {{"env/A", "passed"}, {"env/B", "passed"}, {"env/C", "passed"}};
  EnvironmentOptions options{{"A", "B", "C"}, {write_temporary("B=file\nC=file\n")}, {"C=pair=with=equals"}};
  const auto environment = assemble_environment(options, Host(recording.table()));
  ASSERT_TRUE(environment.ok());
  EXPECT_EQ(environment->dump(), R"({"A":"passed","B":"file","C":"pair=with=equals"})");
  EXPECT_THAT(*environment_names(options), ElementsAre("A", "B", "C"));
}

TEST(Environment, APassedVariableThatIsNotSetIsLeftOutWithAWarning) {
  test::RecordingHost recording;
  const auto environment = assemble_environment({{"MISSING"}, {}, {}}, Host(recording.table()));
  ASSERT_TRUE(environment.ok());
  EXPECT_EQ(environment->size(), 0u);
  EXPECT_TRUE(recording.logged("MISSING is not set"));
}

TEST(Environment, AMissingFileOrABadPairIsTheUsersError) {
  EXPECT_EQ(environment_names({{}, {"/nonexistent.env"}, {}}).error().code, Code::kNotFound);
  EXPECT_EQ(environment_names({{}, {}, {"no equals"}}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(environment_names({{"A-B"}, {}, {}}).error().code, Code::kInvalidArgument);
}

TEST(Environment, ABadPairIsNotQuotedWithItsValue) {
  EXPECT_THAT(environment_names({{}, {}, {"1A=secret"}}).error().message, Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace osiris::sdk

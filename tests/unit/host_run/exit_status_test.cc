// From errors to exit statuses, and the page that lists them.
#include "host/run/exit_status.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>
#include <set>

#include "protocol/base/file.h"

namespace osiris {
namespace {

ExitCode status(Code code, ErrorSource source) { return exit_code_for(Error(code, "x"), source); }

TEST(ExitStatus, OfWrongInputIsTheUsersOnlyWhereTheirInputIsLookedAt) {
  for (const Code code : {Code::kInvalidArgument, Code::kNotFound}) {
    EXPECT_EQ(status(code, ErrorSource::kInput), ExitCode::kInput);
    EXPECT_EQ(status(code, ErrorSource::kRun), ExitCode::kAdapterFailed);
    EXPECT_EQ(status(code, ErrorSource::kService), ExitCode::kAdapterFailed);
  }
  EXPECT_EQ(status(Code::kNotFound, ErrorSource::kLoading), ExitCode::kInput)
      << "an adapter of that name does not exist";
  EXPECT_EQ(status(Code::kInvalidArgument, ErrorSource::kLoading), ExitCode::kAdapterFailed)
      << "it exists and is no adapter";
}

TEST(ExitStatus, OfAStepACancelAndADeadlineIsTheSameInEveryStage) {
  for (const ErrorSource source : {ErrorSource::kInput, ErrorSource::kRun}) {
    EXPECT_EQ(status(Code::kStepFailed, source), ExitCode::kStepFailed);
    EXPECT_EQ(status(Code::kCancelled, source), ExitCode::kCancelled);
    EXPECT_EQ(status(Code::kDeadline, source), ExitCode::kDeadline);
  }
  EXPECT_EQ(status(Code::kStepFailed, ErrorSource::kService), ExitCode::kAdapterFailed);
}

TEST(ExitStatus, OfEverythingElseIsTheMachinerys) {
  for (const Code code : {Code::kInvalidState, Code::kUnsupported, Code::kUnauthenticated, Code::kUnavailable,
                          Code::kExhausted, Code::kInternal})
    for (const ErrorSource source :
         {ErrorSource::kInput, ErrorSource::kLoading, ErrorSource::kRun, ErrorSource::kService})
      EXPECT_EQ(status(code, source), ExitCode::kAdapterFailed) << code_name(code);
}

TEST(ExitStatus, TheManualListsThemAll) {
  const auto manual = read_file(std::string(std::getenv("OSIRIS_SOURCE_DIR")) + "/docs/exit-codes.md");
  ASSERT_TRUE(manual.ok());
  static const std::regex row(R"(\n\| (\d+) \|)");
  std::set<int> listed;
  for (std::sregex_iterator it(manual->begin(), manual->end(), row), end; it != end; ++it)
    listed.insert(std::stoi((*it)[1]));
  std::set<int> known;
  for (const ExitCode code : {ExitCode::kOk, ExitCode::kStepFailed, ExitCode::kInput, ExitCode::kAdapterFailed,
                              ExitCode::kDeadline, ExitCode::kCancelled})
    known.insert(to_int(code));
  EXPECT_EQ(listed, known);
}

}  // namespace
}  // namespace osiris

// The command line: what is listed, run, written and said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "protocol/base/file.h"
#include "protocol/base/temporary_directory.h"
#include "protocol/base/text.h"
#include "tests/adapter_check/support.h"

namespace osiris::check_tests {
namespace {

using testing::HasSubstr;
using testing::Not;

class Result : public testing::Test {
 protected:
  std::filesystem::path file(const std::string& name) const { return directory_.path() / name; }
  std::string written(const std::string& name, const std::string& text) const {
    EXPECT_TRUE(write_file_atomically(file(name), text).ok());
    return file(name).string();
  }
  const TemporaryDirectory directory_ = *TemporaryDirectory::make();
};

TEST_F(Result, ListsEveryCaseWithItsPromise) {
  const CommandOutput output = run_check({"--list"});
  EXPECT_EQ(output.exit.value, 0);
  std::set<std::string> ids;
  size_t lines = 0;
  for (const std::string& line : split(output.standard_output, '\n')) {
    if (line.empty()) continue;
    ++lines;
    ids.insert(line.substr(0, line.find(' ')));
    EXPECT_TRUE(line.ends_with(".")) << line << ": a promise is a sentence";
    EXPECT_NE(line.find('.'), std::string::npos) << line;
  }
  EXPECT_GE(lines, 150u);
  EXPECT_EQ(ids.size(), lines) << "two cases have one id";
}

TEST_F(Result, RunsOnlyWhatIsAskedFor) {
  const Checked checked = check({adapter("local").string(), "--only", "manifest.*", "--only", "load.exit-?"});
  EXPECT_EQ(checked.exit, 0) << checked.failures;
  EXPECT_EQ(checked.outcomes.count("load.exit-7"), 1u);
  for (const auto& [id, outcome] : checked.outcomes)
    EXPECT_TRUE(id.starts_with("manifest.") || id.starts_with("load.exit-")) << id;
}

TEST_F(Result, SaysWhatIsWrongWithTheCommand) {
  EXPECT_EQ(run_check({}).exit.value, 2);
  EXPECT_EQ(run_check({"/no/such/library.so"}).exit.value, 2);
  EXPECT_EQ(run_check({adapter("local").string(), "--only", "no-such-case"}).exit.value, 2);
  EXPECT_EQ(run_check({adapter("local").string(), "--no-such-flag"}).exit.value, 2);
  EXPECT_EQ(run_check({adapter("local").string(), "--worker", "/no/such/worker"}).exit.value, 2);
  EXPECT_EQ(run_check({"--help"}).exit.value, 0);
}

TEST_F(Result, FailsForWhatIsNoLibrary) {
  const Checked checked = check({written("text.so", "no library\n"), "--only", "file.*", "--only", "life.*"});
  EXPECT_EQ(checked.exit, 1);
  EXPECT_EQ(checked.outcomes.at("file.is-a-library"), "failed");
  EXPECT_EQ(checked.outcomes.at("life.whole"), "skipped");
}

TEST_F(Result, SkipsWhatTheAnswersSay) {
  const std::string answers = written("answers.yaml", "skip: {\"load.exit-*\": not here}\n");
  const Checked checked = check({adapter("local").string(), "--only", "load.exit-*", "--answers", answers});
  EXPECT_EQ(checked.count("skipped"), 2);
  EXPECT_THAT(checked.document["cases"].dump(), HasSubstr("the answers file says: not here"));
}

TEST_F(Result, RefusesAnswersThatItDoesNotKnow) {
  for (const char* text : {"optiones: {}\n", "options: 3\n", "secrets: {A: [1]}\n",
                           "secrets: {A: {env: NOT_SET_HERE}}\n", "limits: {case_seconds: 0}\n", "a: [\n", "- a\n"}) {
    const CommandOutput output = run_check({adapter("local").string(), "--answers", written("answers.yaml", text)});
    EXPECT_EQ(output.exit.value, 2) << text;
    EXPECT_THAT(output.standard_error, HasSubstr("answers.yaml")) << text;
  }
}

TEST_F(Result, IsWrittenForBuildServersAndForPeople) {
  const CommandOutput output = run_check({adapter("local").string(), "--only", "tables.*", "--junit",
                                          file("junit.xml").string(), "--html", file("result.html").string()});
  EXPECT_EQ(output.exit.value, 0) << output.standard_output;
  EXPECT_THAT(output.standard_output, HasSubstr("0 failed"));
  const std::string junit = *read_file(file("junit.xml")), html = *read_file(file("result.html"));
  EXPECT_THAT(junit, HasSubstr("<testcase classname=\"tables\" name=\"tables.accepted\""));
  EXPECT_THAT(html, HasSubstr("osiris-adapter-check --verify"));
  EXPECT_THAT(html, Not(HasSubstr("http://")));
  EXPECT_THAT(html, Not(HasSubstr("https://")));
}

TEST_F(Result, CanBeVerified) {
  // The whole of it takes as long as a check: of a library that does not load it is short.
  const std::string library = written("text.so", "no library\n");
  const std::string page = file("result.html").string();
  EXPECT_EQ(run_check({library, "--html", page}).exit.value, 1);
  const CommandOutput whole = run_check({"--verify", page});
  EXPECT_EQ(whole.exit.value, 0) << whole.standard_output;
  EXPECT_THAT(whole.standard_output, HasSubstr("the result is whole"));
  EXPECT_EQ(run_check({"--verify", page, library}).exit.value, 0);

  const CommandOutput other = run_check({"--verify", page, written("other.so", "another one\n")});
  EXPECT_EQ(other.exit.value, 1);
  EXPECT_THAT(other.standard_output, HasSubstr("is another library"));

  std::string text = *read_file(page);
  const std::string failed = "\"outcome\":\"failed\"";
  text.replace(text.find(failed), failed.size(), "\"outcome\":\"passed\"");
  const CommandOutput changed = run_check({"--verify", written("changed.html", text)});
  EXPECT_EQ(changed.exit.value, 1);
  EXPECT_THAT(changed.standard_output, HasSubstr("the result was changed"));
  EXPECT_EQ(run_check({"--verify", library}).exit.value, 2);
}

TEST_F(Result, OfAPartIsNotPassedOffAsTheWhole) {
  const Checked checked = check({adapter("local").string(), "--only", "tables.accepted"});
  const CommandOutput output = run_check({"--verify", written("result.json", checked.document.dump())});
  EXPECT_EQ(output.exit.value, 1);
  EXPECT_THAT(output.standard_output, HasSubstr("not all cases were run"));
}

}  // namespace
}  // namespace osiris::check_tests

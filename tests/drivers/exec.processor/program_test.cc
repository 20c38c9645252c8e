// The contract with a program, one test per config key, and how it ends.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>

#include "tests/drivers/exec.processor/exec_step.h"
#include "tests/support/eventually.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ExecStep : public testing::Test {
 protected:
  ExecStep() { prepare(step); }
  void expect_success() {
    const auto outcome = step.run(exec_processor());
    ASSERT_TRUE(outcome.ok()) << outcome.error().message << "\n" << outcome.error().hint;
  }
  std::string failure() {
    const auto outcome = step.run(exec_processor());
    EXPECT_FALSE(outcome.ok());
    EXPECT_FALSE(step.has_output_table());
    return outcome.ok() ? "" : outcome.error().message + "\n" + outcome.error().hint;
  }
  std::string logged() const {
    std::string all;
    for (const std::string& line : step.logs()) all += line + "\n";
    return all;
  }
  StepHarness step;
};

TEST_F(ExecStep, InputsComeAsFilesAndTheOutputGoesAsOne) {
  step.add_input("people", "SELECT 1 AS id, 'Ann' AS name UNION ALL SELECT 2, NULL");
  set_shell(step, "cat \"$OSIRIS_INPUT\" > \"$OSIRIS_OUTPUT\"");
  expect_success();
  EXPECT_EQ(step.query("SELECT * FROM {out}"), "1|Ann\n2|NULL\n");
}

TEST_F(ExecStep, ParquetIsTheDefaultAndKeepsTypes) {
  step.add_input("all", "SELECT 18446744073709551615::UBIGINT AS u, 170::HUGEINT AS h, TIMETZ '12:00:00+02' AS t");
  step.set_config({{"command", Json::array({"sh", "-c", "cp \"$OSIRIS_INPUT\" \"$OSIRIS_OUTPUT\""})}});
  expect_success();
  EXPECT_EQ(step.output_columns(), "u UBIGINT, h HUGEINT, t TIME WITH TIME ZONE");
}

TEST_F(ExecStep, ArgumentsReachTheProgramAsTheyAre) {
  step.set_config({{"command", Json::array({"sh", "-c",
                                            "printf '{\"a\": \"%s\", \"b\": \"%s\", \"n\": %s}\\n' \"$1\" "
                                            "\"$2\" \"$3\" > \"$OSIRIS_OUTPUT\"",
                                            "sh", "x; rm -rf /", "$HOME *", 7})},
                   {"format", "ndjson"}});
  expect_success();
  EXPECT_EQ(step.query("SELECT * FROM {out}"), "x; rm -rf /|$HOME *|7\n");
}

TEST_F(ExecStep, AFileOfTheStepIsTheProgramWhateverItsMode) {
  step.write_file("tools/make.sh", "#!/bin/sh\ncat data/in.txt > \"$OSIRIS_OUTPUT\"\n");
  step.write_file("data/in.txt", "x\n5\n");
  step.set_config({{"command", Json::array({"./tools/make.sh"})},
                   {"files", Json::array({"tools/make.sh", "data/in.txt"})},
                   {"format", "csv"}});
  expect_success();
  EXPECT_EQ(step.query("SELECT * FROM {out}"), "5\n");
}

TEST_F(ExecStep, WhatIsNotAmongTheFilesIsNotThere) {
  step.write_file("other.txt", "x");
  set_shell(step, "ls > \"$OSIRIS_ARTIFACTS_DIR/ls.txt\"; echo '{\"x\": 1}' > \"$OSIRIS_OUTPUT\"");
  expect_success();
  std::ifstream listing(step.artifacts_dir() / "ls.txt");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(listing), {}), "");
}

TEST_F(ExecStep, OnlyTheNamedVariablesArePassed) {
  step.set_environment(Json::object({{"WANTED", "yes"}, {"OTHER", "no"}}));
  set_shell(step,
            "env | cut -d= -f1 | sort | tr '\\n' ' ' >&2; echo \"{\\\"x\\\": \\\"$WANTED\\\"}\" > \"$OSIRIS_OUTPUT\"",
            {{"env", Json::array({"WANTED"})}});
  expect_success();
  EXPECT_EQ(step.query("SELECT * FROM {out}"), "yes\n");
  EXPECT_THAT(logged(), HasSubstr("HOME LC_ALL OSIRIS_ARTIFACTS_DIR OSIRIS_OUTPUT OSIRIS_STEP PATH PWD"));
  EXPECT_THAT(logged(), HasSubstr("WANTED"));
  EXPECT_THAT(logged(), Not(HasSubstr("OTHER")));
}

TEST_F(ExecStep, AVariableThatWasNotPassedIsAnErrorThatSaysHow) {
  set_shell(step, "true", {{"env", Json::array({"TOKEN"})}});
  EXPECT_THAT(failure(),
              HasSubstr("names the variable TOKEN, which the run was not given\nPass it: --local-pass-env TOKEN"));
}

TEST_F(ExecStep, DeclaredColumnsAreKnownBeforeItRuns) {
  set_shell(step, "exit 1", {{"columns", Json::object({{"id", "INTEGER"}, {"the total", "DECIMAL(10,2)"}})}});
  const Status described = exec_processor().describe(step);
  ASSERT_TRUE(described.ok()) << described.error().message;
  EXPECT_EQ(step.output_columns(), "id INTEGER, the total DECIMAL(10,2)");
}

TEST_F(ExecStep, ColumnsThatAreNotDeclaredAreKnownWhenItRuns) {
  set_shell(step, "exit 0");
  const Status described = exec_processor().describe(step);
  ASSERT_FALSE(described.ok());
  EXPECT_EQ(described.error().code, Code::kUnsupported);
}

TEST_F(ExecStep, ColumnsGiveTheOutputItsTypes) {
  set_shell(step, "echo '{\"id\": 1, \"d\": \"1.50\"}' > \"$OSIRIS_OUTPUT\"",
            {{"columns", Json::object({{"id", "INTEGER"}, {"d", "DECIMAL(6,2)"}})}});
  expect_success();
  EXPECT_EQ(step.output_columns(), "id INTEGER, d DECIMAL(6,2)");
  step.sql("DROP TABLE " + step.output_table().quoted());
  set_shell(step, "true", {{"columns", Json::object({{"id", "INT; DROP TABLE x"}})}});
  EXPECT_THAT(failure(), HasSubstr("which is none of SQL's"));
}

TEST_F(ExecStep, ParamsAreInTheDescription) {
  set_shell(step, "grep -q '\"threshold\": 0.5' \"$OSIRIS_STEP\" && echo '{\"x\": 1}' > \"$OSIRIS_OUTPUT\"",
            {{"params", Json::object({{"threshold", 0.5}})}});
  expect_success();
}

TEST_F(ExecStep, LinesOfBothStreamsAreInTheLogAndCommandsAreNot) {
  set_shell(step, "echo out; echo err >&2; echo '::progress 7'; echo '{\"x\": 1}' > \"$OSIRIS_OUTPUT\"");
  expect_success();
  EXPECT_THAT(logged(), HasSubstr("out\n"));
  EXPECT_THAT(logged(), HasSubstr("err\n"));
  EXPECT_THAT(logged(), Not(HasSubstr("::progress")));
  EXPECT_EQ(step.progress_reports().front(), 7u);
}

TEST_F(ExecStep, AFailureNamesTheProgramItsStatusAndItsLastLines) {
  set_shell(step, "echo first >&2; echo 'no such table' >&2; exit 3");
  EXPECT_THAT(failure(), HasSubstr("sh exited with status 3; its last lines:\n    first\n    no such table"));
  set_shell(step, "kill -9 $$");
  EXPECT_THAT(failure(), HasSubstr("a program like that: check its memory use"));
}

TEST_F(ExecStep, AProgramThatIsNotThereIsNamed) {
  step.set_config({{"command", Json::array({"no-such-program-here"})}});
  EXPECT_THAT(failure(), HasSubstr("the program no-such-program-here cannot be run: no directory of PATH"));
  step.set_config({{"command", Json::array({"./make.sh"})}});
  EXPECT_THAT(failure(), HasSubstr("it is none of the step's `files`"));
  step.set_config({{"command", Json::array({"./make.sh"})}, {"files", Json::array({"make.sh"})}});
  EXPECT_THAT(failure(), HasSubstr("make.sh does not exist"));
  step.write_file("garbage",
                  "\x7f"
                  "ELF no program");
  step.set_config({{"command", Json::array({"garbage"})}, {"files", Json::array({"garbage"})}});
  EXPECT_NE(failure(), "");
}

TEST_F(ExecStep, NoOutputAndWrongOutputsAreErrors) {
  set_shell(step, "true");
  EXPECT_THAT(failure(), HasSubstr("sh ended without writing its output"));
  set_shell(step, "echo garbage > \"$OSIRIS_OUTPUT\"");
  EXPECT_THAT(failure(), HasSubstr("left an output that cannot be read as ndjson"));
  set_shell(step, "rm \"$OSIRIS_OUTPUT\"; mkdir \"$OSIRIS_OUTPUT\"");
  EXPECT_THAT(failure(), HasSubstr("left a directory as its output"));
}

TEST_F(ExecStep, StdinIsEmpty) {
  set_shell(step, "test -z \"$(cat)\" && echo '{\"x\": 1}' > \"$OSIRIS_OUTPUT\"");
  expect_success();
}

TEST_F(ExecStep, WhatItStartedEndsWithIt) {
  const std::string file = (step.artifacts_dir() / "pid").string();
  set_shell(step, "setsid sh -c 'echo $$ > " + file + "; exec sleep 1000' >/dev/null 2>&1 & while [ ! -s " + file +
                      " ]; do sleep 0.05; done; echo '{\"x\": 1}' > \"$OSIRIS_OUTPUT\"");
  expect_success();
  pid_t pid = 0;
  std::ifstream(file) >> pid;
  ASSERT_GT(pid, 1);
  EXPECT_TRUE(osiris::test::eventually([&] { return ::kill(pid, 0) != 0; }));
}

TEST_F(ExecStep, ACancelEndsAProgramThatDoesNotListen) {
  set_shell(step, "trap '' TERM; echo '::progress 1'; while true; do sleep 0.1; done");
  step.cancel_at_progress(1);
  const auto outcome = step.run(exec_processor());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(code_name(outcome.error().code), code_name(Code::kCancelled));
}

}  // namespace
}  // namespace osiris::worker::test

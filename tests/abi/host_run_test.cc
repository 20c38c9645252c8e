// The same plugins through the real `osiris`: adapters in C, C++ and Rust run an example pipeline to its expected
// bytes, and a library that breaks a rule ends in a clear sentence and exit code 3, not in a session that claims
// success.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/base/file.h"
#include "protocol/base/sha256.h"
#include "tests/abi/host_run.h"
#include "tests/support/eventually.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class HostRunLanguage : public HostRun, public ::testing::WithParamInterface<std::string> {};

TEST_P(HostRunLanguage, RunsAnExampleToItsExpectedBytes) {
  const Outcome outcome = run(GetParam(), plugins());
  ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_EQ(project_.read("out/harbor_fees_by_vessel.csv"),
            project_.read(fixtures() / "expected/01-csv-duckdb-csv/harbor_fees_by_vessel.csv"));
  EXPECT_EQ(Project::events(project_.session(), "step_complete").size(), 3u);
}

// `foreach` is younger than all of these: `frozen` is of the day of ABI 1.0, with the headers of that day. Its one
// worker runs all shards.
TEST_P(HostRunLanguage, RunsShardsOfWhichItKnowsNothing) {
  project_.write("in/a.csv", "id,n\n1,007\n");
  project_.write("in/b.csv", "id,n\n2,x\n3,\n");
  project_.write(
      "shards.yaml",
      oml("shards", {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    foreach: {files: "
                     "'in/*.csv'}\n    config: {path: \"${shard.value}\"}\n",
                     "  - id: mark\n    component: duckdb.processor\n    mode: transform\n    per_shard: true\n    "
                     "config: {query: \"SELECT *, $shard AS f FROM df_read\"}\n",
                     "  - id: each\n    component: filesystem.csv_writer\n    mode: write\n    per_shard: true\n    "
                     "config: {path: \"out/${shard.index}.csv\", column_order: query}\n",
                     "  - id: all\n    component: filesystem.csv_writer\n    mode: write\n    needs: [mark]\n    "
                     "config: {path: out/all.csv, column_order: query}\n"}));
  const std::vector<std::string> arguments = {"run",      "shards.yaml",   "--adapter",
                                              GetParam(), "--adapter-dir", plugins().string()};
  const Outcome outcome = project_.osiris(arguments);
  ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_EQ(project_.read("out/all.csv"), "id,n,f\n1,007,in/a.csv\n2,x,in/b.csv\n3,,in/b.csv\n");
  EXPECT_EQ(project_.read("out/0.csv"), "id,n,f\n1,007,in/a.csv\n");
  EXPECT_EQ(project_.read("out/1.csv"), "id,n,f\n2,x,in/b.csv\n3,,in/b.csv\n");
  const auto shards = parse_json(project_.read(project_.session() / "shards.json"));
  ASSERT_TRUE(shards.ok());
  const Json& list = (*shards)["lists"].items().at(0);
  EXPECT_EQ(list["steps"], *parse_json(R"(["read","mark","each"])"));
  for (const char* step : {"read", "mark", "each"}) {
    ASSERT_EQ(list["accepted"][step].size(), 2u) << step;
    EXPECT_EQ(list["accepted"][step].items().at(0)["rows"], Json(1)) << step;
    EXPECT_EQ(list["accepted"][step].items().at(1)["rows"], Json(2)) << step;
  }

  project_.write("in/a.csv", "id,n\n1,2,3\n");
  const Outcome failed = project_.osiris(arguments);
  EXPECT_EQ(failed.exit, 1) << failed.out << failed.err;
  EXPECT_THAT(failed.out + failed.err, HasSubstr("shard 0 (in/a.csv)"));
}

INSTANTIATE_TEST_SUITE_P(All, HostRunLanguage, ::testing::Values("cmini", "mine", "rmini", "gmini", "frozen"),
                         [](const auto& row) { return row.param; });

// Which library ran, exactly, is in the session.
TEST_F(HostRun, WritesDownWhichBuildOfAnAdapterRan) {
  ASSERT_EQ(run("cmini", plugins()).exit, 0);
  const std::vector<Json> selected = Project::events(project_.session(), "adapter_selected");
  ASSERT_EQ(selected.size(), 1u);
  EXPECT_EQ(selected[0]["version"].as_string(), "1.0.0");
  EXPECT_EQ(selected[0]["build"].as_string(), "gcc or clang");
  EXPECT_EQ(selected[0]["sha256"].as_string(), sha256_hex(*read_file(plugins() / "cmini.so")));
}

TEST_F(HostRun, RefusesAnAdapterBuiltForANewerAbi) {
  const Outcome outcome = run_defect("needs_newer_host");
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("needs adapter ABI 1.9 or newer; this osiris speaks 1.0"));
}

TEST_F(HostRun, RefusesAnAdapterThatLiesAboutItsSize) {
  const Outcome outcome = run_defect("size_lying");
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("size is 2147483647, which no version has"));
}

TEST_F(HostRun, RefusesAnAdapterWithMissingSymbols) {
  const Outcome outcome = run_defect("undefined_symbol");
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("undefined symbol: osiris_tests_nobody_has_this"));
}

TEST_F(HostRun, RefusesAnAdapterInAWorldWritablePlace) {
  project_.write("adapters/mine.adapter.toml",
                 "manifest_version = 1\nid = \"mine\"\nversion = \"1.0.0\"\n[library]\nlinux_amd64 = \"" +
                     (plugins() / "mine.so").string() + "\"\n");
  fs::permissions(project_.dir() / "adapters", fs::perms(0777));
  const Outcome outcome = run("mine", project_.dir() / "adapters");
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr((project_.dir() / "adapters").string() + " can be written by everybody"));
}

TEST_F(HostRun, SurvivesAnAdapterThatThrows) {
  const Outcome outcome = run_defect("throws_through_c");
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out + outcome.err, HasSubstr("threw an exception across the C interface: the disk is on fire"));
  EXPECT_FALSE(project_.status()["ok"].as_bool(true));
}

TEST_F(HostRun, SurvivesAnAdapterThatClaimsSuccessWithoutAResult) {
  const Outcome outcome = run_defect("deliver_missing");
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out + outcome.err, HasSubstr("without delivering 'result'"));
}

TEST_F(HostRun, BelievesAnAdapterWhoseOutputsAreThere) {
  const Outcome outcome = run_defect("output_good");
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_EQ(project_.read("out/harbor_fees_by_vessel.csv"), "x\n");
  EXPECT_TRUE(project_.status()["ok"].as_bool());
}

// Every step is seen to complete, the adapter says success, and the output is not what was said.
class HostRunOutput : public HostRun, public ::testing::WithParamInterface<std::pair<std::string, std::string>> {};

TEST_P(HostRunOutput, ThatIsNotProvedIsNoSuccess) {
  const auto [sin, reason] = GetParam();
  const Outcome outcome = run_defect(sin);
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("1 output is not what the pipeline says: "));
  EXPECT_THAT(outcome.err, HasSubstr("out/harbor_fees_by_vessel.csv of step"));
  EXPECT_THAT(outcome.err, HasSubstr(reason));
  EXPECT_FALSE(project_.status()["ok"].as_bool(true));
  EXPECT_EQ(project_.status()["reason"].as_string(), "missing_outputs");
  EXPECT_EQ(project_.runs().items().at(0)["status"].as_string(), "failed");
}

INSTANTIATE_TEST_SUITE_P(All, HostRunOutput,
                         ::testing::ValuesIn(std::vector<std::pair<std::string, std::string>>{
                             {"output_missing", "nothing is at "},
                             {"output_wrong_size", "has 4 bytes instead of 2"},
                             {"output_wrong_hash", "has 2 bytes with SHA-256"},
                             {"output_not_declared", "the adapter does not report it"},
                             {"output_never_said", "its step was never seen to write it"},
                             {"output_wrong_place", "harbor_fees_by_vessel.csv.part, the pipeline says"},
                             {"output_reported_otherwise", "the adapter reports 3 bytes"}}),
                         [](const auto& row) { return row.param.first; });

TEST_F(HostRun, TakesNoReportOfAFileThatThePipelineDoesNotWrite) {
  const Outcome outcome = run_defect("output_unknown");
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("2 outputs are not what the pipeline says"));
  EXPECT_THAT(outcome.err, HasSubstr("elsewhere.csv of step"));
  EXPECT_THAT(outcome.err, HasSubstr("the adapter reports it, the pipeline does not write it"));
}

TEST_F(HostRun, KeepsItsDocumentCleanOfWhatAnAdapterPrints) {
  const Outcome outcome = project_.osiris({"run", "01-csv-duckdb-csv.yaml", "--json", "--adapter", "defect",
                                           "--adapter-dir", directory_of("prints").string()});
  EXPECT_EQ(outcome.json()["execution_type"].as_string(), "defect");
  EXPECT_THAT(outcome.err, HasSubstr("a line for my own amusement"));
}

TEST_F(HostRun, TakesNoExitOfAnAdapterForASuccess) {
  const Outcome outcome = run_defect("exits");
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("adapter misbehaving: defect 1.0.0, execute: called exit"));
  EXPECT_EQ(project_.runs().items().at(0)["status"].as_string(), "interrupted");
}

TEST_F(HostRun, TakesNoExitInADestructorForASuccess) {
  const Outcome outcome = run_defect("dtor_exits");
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("the service is down"));
}

TEST_F(HostRun, TakesNoExitOfAnExitHandlerForASuccess) {
  const Outcome outcome = run_defect("atexit_exits");
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("the service is down"));
}

TEST_F(HostRun, TakesNoExitWhileItIsLoadedForASuccess) {
  const Outcome outcome = run_defect("ctor_exits");
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("load: called exit"));
}

TEST_F(HostRun, TakesNoExitInTheEntryForASuccess) {
  const Outcome outcome = run_defect("entry_exits");
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("called exit"));
}

// The first signal asks, the second leaves.
TEST_F(HostRun, AnAdapterThatDoesNotReturnFromValidateIsLeft) {
  Running running = start_defect("hangs_in_validate");
  running.until_error("hanging");
  running.kill(SIGINT);
  running.until_error("press Ctrl-C again to leave at once");
  running.kill(SIGINT);
  EXPECT_EQ(running.end().exit, 130);
}

TEST_F(HostRun, AnAdapterThatDoesNotReturnFromAListIsLeft) {
  Running running = project_.start(
      {"resources", "list", "--adapter", "defect", "--adapter-dir", directory_of("hangs_in_list").string()});
  running.until_error("hanging");
  running.kill(SIGINT);
  running.until_error("press Ctrl-C again to leave at once");
  running.kill(SIGINT);
  EXPECT_EQ(running.end().exit, 130);
}

TEST_F(HostRun, ALibraryThatDoesNotReturnFromBeingLoadedCanBeInterrupted) {
  for (const char* sin : {"ctor_hangs", "entry_hangs"}) {
    Running running = start_defect(sin);
    running.until_error("loading");
    running.kill(SIGINT);
    EXPECT_EQ(running.end().exit, 130) << sin;
  }
}

// Its threads have the mask that the process had then: Ctrl-C would end osiris with nothing released.
TEST_F(HostRun, ALibraryThatStartsThreadsWhenItIsLoadedTakesNoSignalOfOsiris) {
  Running running = start_defect("threads_at_load");
  ASSERT_TRUE(osiris::test::eventually([&] { return fs::exists(project_.dir() / "trace"); }));
  running.kill(SIGINT);
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 130) << outcome.out << outcome.err;
  EXPECT_EQ(project_.read("trace"), "acquired\nreleased\n");
}

TEST_F(HostRun, ShowsNoEscapesOfAnAdaptersTexts) {
  const std::string directory = directory_of("escapes_in_texts").string();
  const std::vector<std::vector<std::string>> commands = {
      {"run", "--help", "--adapter", "defect"}, {"adapters", "show", "defect"}, {"adapters", "list"}};
  for (const auto& words : commands) {
    std::vector<std::string> arguments = words;
    arguments.insert(arguments.end(), {"--adapter-dir", directory});
    const Outcome outcome = project_.osiris(arguments);
    EXPECT_THAT(outcome.out + outcome.err, ::testing::Not(HasSubstr("\033"))) << words[1];
    EXPECT_THAT(outcome.out + outcome.err, HasSubstr("defect")) << words[1];
  }
}

TEST_F(HostRun, AnAdapterThatBlocksInCancelIsLeftWithWhatItHoldsNamed) {
  Running running = start_defect("cancel_blocks");
  running.until_error("hanging");
  running.kill(SIGINT);
  running.until_error("press Ctrl-C again to leave at once");
  running.kill(SIGTERM);
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 130);
  EXPECT_THAT(outcome.err, HasSubstr("r-1"));
}

TEST_F(HostRun, AnAdapterThatBlocksAfterTheDeadlineIsLeftAsOutOfTime) {
  Running running = start_defect("cancel_blocks", {"--timeout", "1s"});
  running.until_error("hanging");
  running.until_error("Out of time");
  running.kill(SIGTERM);
  EXPECT_EQ(running.end().exit, 124);
}

TEST_F(HostRun, ReapsNothingOfAnotherUserAndBelievesNoReleaseWithoutProof) {
  const auto resources = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "resources");
    for (const char* word : {"--adapter", "defect", "--adapter-dir"}) words.emplace_back(word);
    words.push_back(directory_of("release_unverified").string());
    return project_.osiris(words);
  };
  const Outcome reaped = resources({"reap"});
  EXPECT_EQ(reaped.exit, 0) << reaped.err;
  EXPECT_THAT(reaped.out, HasSubstr("Nothing to release"));
  const Outcome released = resources({"release", "--kind", "vm", "prod-1"});
  EXPECT_EQ(released.exit, 3) << released.out;
  EXPECT_THAT(released.err, HasSubstr("did not verify that it is gone"));
  EXPECT_THAT(released.out, ::testing::Not(HasSubstr("✓")));
}

TEST_F(HostRun, NamesTheAdapterThatEndedTheProcess) {
  const Outcome outcome = run_defect("throws_noexcept");
  EXPECT_EQ(outcome.exit, 128 + 6) << outcome.out << outcome.err;
  // The C++ runtime that osiris brings along is not the adapter's, which says itself what was thrown.
  EXPECT_THAT(outcome.err, HasSubstr("the disk is on fire"));
  EXPECT_THAT(outcome.err, HasSubstr("adapter misbehaving: defect 1.0.0, execute: ended the process (abort, or an "
                                     "exception of its own C++ runtime)"));
}

}  // namespace
}  // namespace osiris::e2e

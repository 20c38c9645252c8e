// Wrong files, wrong data, wrong machines: each ends with the exit code that says whose turn it is, an error that names
// what is wrong, and nothing left running or half written.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

std::string reader(std::string_view config) {
  return "  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    config: {" + std::string(config) +
         "}\n";
}
std::string writer(std::string_view id, std::string_view path, std::string_view needs = "read") {
  return "  - id: " + std::string(id) + "\n    component: filesystem.csv_writer\n    mode: write\n    needs: [" +
         std::string(needs) + "]\n    config: {path: " + std::string(path) + "}\n";
}
std::string sql(std::string_view query) {
  return "  - id: sql\n    component: duckdb.processor\n    mode: transform\n    needs: [read]\n    config: {query: "
         "\"" +
         std::string(query) + "\"}\n";
}

class BadInput : public testing::Test {
 protected:
  BadInput() { project_.write("in.csv", "id,name\n1,a\n2,b\n"); }

  Outcome run(std::string_view text, std::vector<std::string> more = {"--allow-mock"}) {
    project_.write("p.yaml", text);
    std::vector<std::string> arguments = {"run", "p.yaml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return project_.osiris(arguments);
  }
  // Refused before anything ran, by an error that holds `what` and stands at `place`.
  void refused(std::string_view text, const std::string& what, const std::string& place = "p.yaml:") {
    const Outcome outcome = run(text);
    EXPECT_EQ(outcome.exit, 2) << outcome.out << outcome.err;
    EXPECT_NE(outcome.err.find(what), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find(place), std::string::npos) << outcome.err;
    for (const fs::path& session : project_.sessions()) EXPECT_TRUE(Project::events(session, "step_start").empty());
    const Outcome checked = project_.osiris({"oml", "validate", "p.yaml", "--allow-mock", "--json"});
    EXPECT_EQ(checked.exit, 2) << "run refuses what validate accepts";
    EXPECT_EQ(checked.json()["valid"], Json(false));
  }
  // Ran, and the step named failed with `what`.
  void step_fails(const Outcome& outcome, const std::string& what) {
    EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
    EXPECT_NE(outcome.err.find(what), std::string::npos) << outcome.err;
    EXPECT_EQ(project_.status()["ok"], Json(false));
    EXPECT_EQ(project_.runs().items().at(0)["status"].as_string(), "failed");
  }
  Project project_;
};

TEST_F(BadInput, EmptyFile) { refused("", "p.yaml"); }
TEST_F(BadInput, NotYaml) { refused("oml_version: [\n  : : {", "p.yaml:"); }
TEST_F(BadInput, WrongVersion) { refused("oml_version: \"1.0\"\nname: x\nsteps: []\n", "1.0", "p.yaml:1:"); }
TEST_F(BadInput, DuplicateIds) { refused(oml("x", {mock_step("a", ""), mock_step("a", "")}), "a"); }
TEST_F(BadInput, Cycle) { refused(oml("x", {mock_step("a", "", "b"), mock_step("b", "", "a")}), "dependency cycle"); }
TEST_F(BadInput, AnIdThatIsAPath) {
  refused(oml("x", {mock_step("../../evil", "")}), "../../evil");
  EXPECT_FALSE(fs::exists(project_.dir().parent_path() / "evil"));
}
TEST_F(BadInput, TwoStepsWritingOnePath) {
  refused(oml("x", {reader("path: in.csv"), writer("w1", "out.csv"), writer("w2", "./out.csv")}), "out.csv");
}
TEST_F(BadInput, AnUnknownComponentIsAnsweredWithTheNearest) {
  refused(
      oml("x", {"  - id: a\n    component: filesystem.csv_extracter\n    mode: read\n    config: {path: in.csv}\n"}),
      "filesystem.csv_extractor");
}
TEST_F(BadInput, AFailedCompileIsRecordedToo) {
  const Outcome outcome = run("oml_version: \"0.1.0\"\nname: x\nsteps: 3\n");
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_NE(outcome.out.find("Session: "), std::string::npos) << outcome.out;
  EXPECT_EQ(Project::events(project_.session(), "compile_error").size(), 1u);
  EXPECT_EQ(project_.runs().items().at(0)["status"].as_string(), "failed");
  EXPECT_EQ(project_.status()["exit_code"], Json(2));
}
TEST_F(BadInput, AMissingPipelineFile) {
  const Outcome outcome = project_.osiris({"run", "nowhere.yaml"});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_NE(outcome.err.find("Pipeline file not found: nowhere.yaml"), std::string::npos);
  EXPECT_TRUE(project_.sessions().empty());
}

TEST_F(BadInput, MissingCsv) {
  const Outcome outcome = run(oml("x", {reader("path: missing.csv"), writer("w", "out.csv")}));
  EXPECT_TRUE(outcome.exit == 1 || outcome.exit == 2) << outcome.exit;
  EXPECT_NE(outcome.err.find("missing.csv"), std::string::npos) << outcome.err;
  EXPECT_FALSE(fs::exists(project_.dir() / "out.csv"));
}
TEST_F(BadInput, RaggedCsv) {
  project_.write("in.csv", "id,name\n1,a\n2,b,too,many\n");
  step_fails(run(oml("x", {reader("path: in.csv"), writer("w", "out.csv")})), "line 3, saw 4");
  EXPECT_FALSE(fs::exists(project_.dir() / "out.csv"));
}
TEST_F(BadInput, WrongEncoding) {
  project_.write("in.csv", "id,name\n1,gr\xfc\xdf\n");
  step_fails(run(oml("x", {reader("path: in.csv"), writer("w", "out.csv")})), "byte 0xfc");
}
TEST_F(BadInput, UnwritableOutput) {
  project_.write("a-file", "x");
  step_fails(run(oml("x", {reader("path: in.csv"), writer("w", "a-file/out.csv")})), "a-file");
}
TEST_F(BadInput, SqlError) {
  step_fails(run(oml("x", {reader("path: in.csv"), sql("SELECT nothing FROM df_read"), writer("w", "out.csv", "sql")})),
             "nothing");
}
TEST_F(BadInput, ASlowPipelineStopsAtItsOwnStepTimeout) {
  step_fails(run(oml("x", {mock_step("slow", "hang: politely", "", "timeout: 1")})), "slow");
}

TEST_F(BadInput, ADeadlineOfLessThanASecondCounts) {
  const Outcome outcome = run(oml("x", {mock_step("slow", "hang: politely")}), {"--allow-mock", "--timeout", "300ms"});
  EXPECT_EQ(outcome.exit, 124) << outcome.out << outcome.err;
  EXPECT_EQ(project_.status()["reason"].as_string(), "deadline");
}

TEST_F(BadInput, DiskFullWhileWriting) {
  project_.write("big.yaml", oml("x", {mock_step("rows", "rows: 200000"), writer("w", "full/out.csv", "rows")}));
  fs::create_directories(project_.dir() / "full");
  SpawnOptions options = project_.spawn_options({"run", "big.yaml", "--allow-mock"});
  options.arguments.insert(options.arguments.begin(), {"/usr/bin/bwrap", "--dev-bind", "/", "/", "--size", "1048576",
                                                       "--tmpfs", (project_.dir() / "full").string()});
  SpawnOptions bare;
  bare.arguments = {"/usr/bin/bwrap", "--dev-bind", "/", "/", "/bin/true"};
  const auto probe = run_command(bare, 10'000);
  if (!probe.ok() || !probe->exit.success()) {
    if (getenv("CI")) FAIL() << "no namespaces here";
    GTEST_SKIP() << "bubblewrap cannot make a namespace here";
  }
  const auto outcome = run_command(options, 60'000);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->exit.value, 1) << outcome->standard_output << outcome->standard_error;
  EXPECT_NE(outcome->standard_error.find("out.csv"), std::string::npos) << outcome->standard_error;
  EXPECT_EQ(project_.status()["ok"], Json(false));
}

TEST_F(BadInput, AStepThatKillsTheWorker) {
  const Outcome outcome = run(oml("x", {mock_step("a", "rows: 3"), mock_step("b", "signal: 9", "a")}));
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_NE(outcome.err.find("signal 9"), std::string::npos) << outcome.err;
  EXPECT_EQ(project_.status()["reason"].as_string(), "execution_failed");
  EXPECT_EQ(Project::events(project_.session(), "run_end").size(), 1u);
}

TEST_F(BadInput, WorkerMissing) {
  project_.set("OSIRIS_WORKER", "/nowhere/osiris-worker");
  const Outcome outcome = run(oml("x", {mock_step("a", "")}));
  EXPECT_EQ(outcome.exit, 3);
  EXPECT_NE(outcome.err.find("/nowhere/osiris-worker"), std::string::npos) << outcome.err;
  EXPECT_EQ(project_.runs().items().at(0)["status"].as_string(), "failed");
  EXPECT_EQ(Project::events(project_.session(), "run_end").size(), 1u);
}
TEST_F(BadInput, WorkerOfAnotherVersion) {
  const fs::path other =
      project_.write("worker",
                     "#!/bin/sh\necho '{\"type\":\"hello\",\"protocol\":1,\"version\":\"9.9.9\",\"pid\":1,"
                     "\"specs_sha256\":\"00\",\"drivers\":[]}'\nread line\nexit 0\n",
                     0755);
  project_.set("OSIRIS_WORKER", other.string());
  const Outcome outcome = run(oml("x", {mock_step("a", "")}));
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_NE(outcome.err.find("9.9.9"), std::string::npos) << outcome.err;
}
TEST_F(BadInput, AWorkerThatIsNoWorker) {
  const fs::path other = project_.write("worker", "#!/bin/sh\necho hello world\nexit 4\n", 0755);
  project_.set("OSIRIS_WORKER", other.string());
  const Outcome outcome = run(oml("x", {mock_step("a", "")}));
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
}
TEST_F(BadInput, MockIsRefusedWithoutItsFlag) {
  const Outcome outcome = run(oml("x", {mock_step("a", "")}), {});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_NE(outcome.err.find("mock"), std::string::npos) << outcome.err;
}

TEST_F(BadInput, AConnectionsFileThatOthersCanWrite) {
  project_.write("osiris_connections.yaml", "version: 1\nconnections: {}\n", 0666);
  const Outcome outcome = run(oml("x", {mock_step("a", "")}));
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_NE(outcome.err.find("osiris_connections.yaml"), std::string::npos) << outcome.err;
}

class BadPlugin : public BadInput {
 protected:
  // An adapter "bad" whose library is `library`, in a directory of the project's.
  fs::path adapter(const fs::path& library) {
    project_.write(
        "adapters/bad.adapter.toml",
        "manifest_version = 1\nid = \"bad\"\nversion = \"1\"\n[library]\nlinux_amd64 = \"" + library.string() + "\"\n");
    return project_.dir() / "adapters";
  }
  Outcome run_with(const fs::path& directory) {
    return run(oml("x", {mock_step("a", "")}),
               {"--allow-mock", "--adapter", "bad", "--adapter-dir", directory.string()});
  }
};

TEST_F(BadPlugin, AnUnknownAdapterListsEveryPlace) {
  const Outcome outcome = run(oml("x", {mock_step("a", "")}), {"--allow-mock", "--adapter", "nobody"});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_NE(outcome.err.find("nobody"), std::string::npos);
  EXPECT_NE(outcome.err.find("lib/osiris/adapters"), std::string::npos) << outcome.err;
}
TEST_F(BadPlugin, NotALibrary) {
  // Below a private home: /tmp itself is a place where others can write.
  const Outcome outcome = run_with(adapter(project_.write("adapters/bad.so", "this is text", 0755)));
  EXPECT_EQ(outcome.exit, 3) << outcome.err;
  EXPECT_NE(outcome.err.find("bad"), std::string::npos) << outcome.err;
}
TEST_F(BadPlugin, InAPlaceEverybodyCanWrite) {
  const fs::path directory = adapter(build_dir() / "lib/osiris/adapters/local.so");
  ::chmod(directory.c_str(), 0777);
  const Outcome outcome = run_with(directory);
  EXPECT_EQ(outcome.exit, 3) << outcome.err;
  EXPECT_NE(outcome.err.find("writ"), std::string::npos) << outcome.err;
}
TEST_F(BadPlugin, TheDocumentHasTheExitCodeOfTheProcess) {
  const fs::path directory = adapter(project_.write("adapters/bad.so", "this is text", 0755));
  project_.write("p.yaml", oml("x", {mock_step("a", "")}));
  const Outcome outcome =
      project_.osiris({"run", "p.yaml", "--json", "--adapter", "bad", "--adapter-dir", directory.string()});
  EXPECT_EQ(outcome.exit, 3);
  EXPECT_EQ(outcome.json()["exit_code"].as_int(), outcome.exit);
}
TEST_F(BadPlugin, ItsManifestBringsAFlagAndANoun) {
  const fs::path directory = adapter(project_.write("adapters/bad.so", "this is text", 0755));
  project_.write("adapters/bad.adapter.toml", project_.read("adapters/bad.adapter.toml") +
                                                  "[commands]\nflag = \"--crates-here\"\nresources = \"crates\"\n");
  project_.write("p.yaml", oml("x", {mock_step("a", "")}));
  for (const std::vector<std::string>& asked :
       {std::vector<std::string>{"run", "p.yaml", "--allow-mock", "--crates-here"}, {"crates", "list"}}) {
    std::vector<std::string> arguments = asked;
    arguments.insert(arguments.end(), {"--adapter-dir", directory.string()});
    const Outcome outcome = project_.osiris(arguments);
    EXPECT_EQ(outcome.exit, 3) << asked[0] << ": the adapter was chosen, and is none: " << outcome.err;
    EXPECT_NE(outcome.err.find("bad"), std::string::npos) << outcome.err;
  }
  EXPECT_EQ(project_.osiris({"crates", "list"}).exit, 2) << "without the manifest there is no such command";
}
TEST_F(BadPlugin, TheCommandsThatNeedNoAdapterStillWork) {
  const fs::path directory = adapter(project_.write("adapters/bad.so", "this is text", 0755));
  EXPECT_EQ(project_.osiris({"adapters", "list", "--adapter-dir", directory.string()}).exit, 0);
  EXPECT_EQ(project_.osiris({"oml", "validate", "p.yaml"}).exit, 2);
  EXPECT_EQ(project_.osiris({"runs", "list", "--adapter-dir", directory.string()}).exit, 2) << "it has no such option";
  EXPECT_EQ(project_.osiris({"adapters", "show", "bad", "--adapter-dir", directory.string()}).exit, 3);
}

TEST(LongErrors, OfAStepAreCutForTheTerminalAndWholeInTheSession) {
  Project project;
  project.write(
      "p.yaml",
      oml("long",
          {"  - id: shout\n    component: duckdb.processor\n    mode: transform\n"
           "    config: {query: \"SELECT error('\\x1b]0;title\\x07' || repeat('x', 2000000) || ' its end')\"}\n"}));
  const Outcome run = project.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 1) << run.out.substr(0, 2000) << run.err.substr(0, 2000);
  EXPECT_LT(run.out.size() + run.err.size(), 12'000u);
  EXPECT_EQ((run.out + run.err).find("\x1b]0;"), std::string::npos);
  EXPECT_NE(project.read(project.session() / "events.jsonl").find("x its end"), std::string::npos);
  const Outcome shown = project.osiris({"logs", "last"});
  EXPECT_EQ(shown.exit, 0);
  EXPECT_LT(shown.out.size(), 12'000u);
  const Outcome events = project.osiris({"logs", "last", "--events"});
  EXPECT_NE(events.out.find("x its end"), std::string::npos) << "asked for, it is given whole";
}

}  // namespace
}  // namespace osiris::e2e

// What a new user does first: the README's commands, `osiris init`, and working from any directory of a project or from
// none.
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <regex>
#include <set>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

// The shell block of the README that begins by making a project.
std::string commands_to_try(const std::string& readme) {
  for (size_t at = 0; (at = readme.find("```sh\n", at)) != std::string::npos;) {
    at += std::string("```sh\n").size();
    const std::string block = readme.substr(at, readme.find("```", at) - at);
    if (block.starts_with("osiris init")) return block;
  }
  return {};
}

class FirstHour : public testing::Test {
 protected:
  FirstHour() { fs::create_directories(project_.dir() / kEmpty); }

  // Neither it nor a directory above it is a project.
  static constexpr const char* kEmpty = "../empty";
  Project project_;
};

TEST_F(FirstHour, TheReadmesCommandsWorkAsWrittenInAnEmptyDirectory) {
  const std::string commands = commands_to_try(project_.read(source_dir() / "README.md"));
  for (const char* part : {"osiris validate ", "osiris run ", "osiris logs last"})
    ASSERT_NE(commands.find(part), std::string::npos) << commands;
  const Outcome outcome = project_.shell_in(kEmpty, commands);
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_NE(outcome.out.find("✓ Pipeline completed (local)"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("Status: success"), std::string::npos) << outcome.out;
}

TEST_F(FirstHour, InitPrintsThreeCommandsThatWorkAsTheyStand) {
  const Outcome made = project_.osiris_in(kEmpty, {"init", "my shop"});
  ASSERT_EQ(made.exit, 0) << made.err;
  const size_t next = made.out.find("Next:\n");
  ASSERT_NE(next, std::string::npos) << made.out;
  const std::string commands = made.out.substr(next + 6);
  EXPECT_EQ(commands,
            "   cd 'my shop'\n   osiris validate pipelines/hello.yaml\n   osiris run pipelines/hello.yaml\n"
            "   osiris logs last\n");
  const Outcome outcome = project_.shell_in(kEmpty, commands);
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.err, "") << "no warning either";
  EXPECT_EQ(project_.read("../empty/my shop/output/adults.csv"), "name,age\nAda,36\nCleo,52\n");
}

TEST_F(FirstHour, InitHereNeedsNoCd) {
  const Outcome made = project_.osiris_in(kEmpty, {"init"});
  ASSERT_EQ(made.exit, 0) << made.err;
  EXPECT_EQ(made.out.find("cd "), std::string::npos) << made.out;
  EXPECT_EQ(project_.osiris_in(kEmpty, {"init", "other", "--json"}).json()["next"].size(), 3u);
}

TEST_F(FirstHour, WhatInitCommentsOutIsValidOnceItIsNot) {
  ASSERT_EQ(project_.osiris_in(kEmpty, {"init"}).exit, 0);
  std::string config = project_.read("../empty/osiris.yaml");
  const size_t commented = config.find("\n# adapters:");
  ASSERT_NE(commented, std::string::npos) << config;
  config = config.substr(0, commented) + std::regex_replace(config.substr(commented), std::regex("\n# "), "\n");
  ASSERT_NE(config.find("\n  local:\n    grace:"), std::string::npos) << config;
  project_.write("../empty/osiris.yaml", config);
  Outcome outcome = project_.osiris_in(kEmpty, {"validate"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  outcome = project_.osiris_in(kEmpty, {"run", "pipelines/hello.yaml", "--json"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
}

TEST_F(FirstHour, TheExampleOfAConnectionsFileIsValidOnceItIsCopied) {
  ASSERT_EQ(project_.osiris_in(kEmpty, {"init"}).exit, 0);
  const Outcome outcome = project_.shell_in(
      kEmpty,
      "cp osiris_connections.example.yaml osiris_connections.yaml; echo SHOP_PASSWORD=secret > .env; osiris validate");
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.err, "");
}

TEST_F(FirstHour, AProjectIsFoundFromItsSubdirectories) {
  ASSERT_EQ(project_.osiris_in(kEmpty, {"init"}).exit, 0);
  const Outcome outcome = project_.osiris_in("../empty/pipelines", {"run", "hello.yaml"});
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_TRUE(fs::exists(project_.dir() / "../empty/output/adults.csv")) << "paths start at the project";
  EXPECT_FALSE(fs::exists(project_.dir() / "../empty/pipelines/run_logs"));
  EXPECT_FALSE(fs::exists(project_.dir() / "../empty/pipelines/build"));
  EXPECT_FALSE(fs::exists(project_.dir() / "../empty/pipelines/output"));
  fs::create_directories(project_.dir() / "../empty/a/b");
  EXPECT_NE(project_.osiris_in("../empty/a/b", {"logs", "last"}).out.find("Status: success"), std::string::npos);
  const Outcome from_there = project_.osiris_in("../empty/a/b", {"run", "pipelines/hello.yaml"});
  EXPECT_EQ(from_there.exit, 2);
  EXPECT_NE(from_there.err.find("did you mean ../../pipelines/hello.yaml?"), std::string::npos) << from_there.err;
}

TEST_F(FirstHour, TheFilesOfAProjectCountInItsSubdirectories) {
  project_.write("osiris_connections.yaml",
                 "version: 1\nconnections: {mysql: {shop: {host: '${HOST_OF_SHOP}', database: shop}}}\n", 0600);
  project_.write(".env", "HOST_OF_SHOP=db.example.org\n", 0600);
  project_.write("osiris.yaml", "version: \"2.0\"\nfilesystem:\n  profiles: {values: [one, two], default: two}\n");
  project_.write("in.csv", "id\n1\n");
  project_.write(
      "deep/p.yaml",
      oml("p", {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
                "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}\n"}));
  const Outcome connections = project_.osiris_in("deep", {"connections", "list"});
  EXPECT_NE(connections.out.find("db.example.org"), std::string::npos) << connections.out << connections.err;
  const Json run = project_.osiris_in("deep", {"run", "p.yaml", "--json"}).json();
  EXPECT_TRUE(run["session_dir"].as_string().starts_with((project_.dir() / "run_logs/two/").string())) << run.dump();
  EXPECT_EQ(run["project"].as_string(), project_.dir().string());
  EXPECT_TRUE(fs::exists(project_.dir() / "out.csv"));
}

TEST_F(FirstHour, AnOldTreeIsMarkedByOsirisPy) {
  project_.write("../old/osiris.py", "");
  project_.write("../old/in.csv", "id\n1\n");
  project_.write(
      "../old/sub/p.yaml",
      oml("p", {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
                "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}\n"}));
  EXPECT_EQ(project_.osiris_in("../old/sub", {"run", "p.yaml"}).exit, 0);
  EXPECT_TRUE(fs::exists(project_.dir() / "../old/run_logs"));
}

TEST_F(FirstHour, OutsideAProjectTheRecordGoesToTheUsersStateAndIsFoundThere) {
  project_.set("XDG_STATE_HOME", (project_.dir() / "../state").lexically_normal().string());
  project_.write("../empty/in.csv", "id\n1\n");
  project_.write(
      "../empty/p.yaml",
      oml("p", {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
                "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}\n"}));
  const Outcome outcome = project_.osiris_in(kEmpty, {"run", "p.yaml"});
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  std::set<std::string> left;
  for (const auto& entry : fs::directory_iterator(project_.dir() / kEmpty)) left.insert(entry.path().filename());
  EXPECT_EQ(left, (std::set<std::string>{"in.csv", "out.csv", "p.yaml"})) << "nothing but what the pipeline writes";
  const std::string state = (project_.dir() / "../state/osiris/outside").lexically_normal().string();
  EXPECT_NE(outcome.out.find("No osiris.yaml here or above"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("\nSession: " + state + "/run_logs/"), std::string::npos) << outcome.out;
  const Outcome last = project_.osiris_in(kEmpty, {"logs", "last"});
  EXPECT_EQ(last.exit, 0) << last.err;
  EXPECT_NE(last.out.find("Session: " + state), std::string::npos) << last.out;
  EXPECT_TRUE(project_.osiris_in(kEmpty, {"run", "p.yaml", "--json"}).json()["project"].is_null());
  EXPECT_EQ(project_.osiris({"runs", "list", "--json"}).json().size(), 0u) << "no run of this project";
}

TEST_F(FirstHour, AFailedCompileOutsideAProjectSaysWhereItIsRecorded) {
  project_.write("../empty/p.yaml", "oml_version: \"0.1.0\"\nname: x\nsteps: 3\n");
  const Outcome outcome = project_.osiris_in(kEmpty, {"run", "p.yaml"});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_NE(outcome.out.find("No osiris.yaml here or above"), std::string::npos) << outcome.out;
  EXPECT_FALSE(fs::exists(project_.dir() / "../empty/run_logs"));
}

TEST_F(FirstHour, AnotherUsersMarkAboveMakesNoProject) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
  ::chmod((project_.dir() / "..").c_str(), 01777);
  project_.write("../osiris.yaml", "version: \"2.0\"\nfilesystem: {base_path: /nonexistent}\n");
  ASSERT_EQ(::chown((project_.dir() / "../osiris.yaml").c_str(), 65534, 65534), 0);
  const Outcome outcome = project_.osiris_in(kEmpty, {"runs", "list"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("belongs to another user: it makes no project"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace osiris::e2e

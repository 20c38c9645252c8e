// osiris adapters trust, and what becomes of a library that is recorded, or is not.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// `local`, installed by the user in their own directory, which comes before osiris's.
class Trust : public testing::Test {
 protected:
  Trust() : library_(project_.dir() / "data/osiris/adapters/local.so") {
    fs::create_directories(library_.parent_path());
    for (const char* file : {"local.so", "local.adapter.toml"})
      fs::copy_file(build_dir() / "lib/osiris/adapters" / file, library_.parent_path() / file);
    project_.set("XDG_DATA_HOME", (project_.dir() / "data").string());
    project_.set("XDG_CONFIG_HOME", (project_.dir() / "config").string());
    project_.write("p.yaml", oml("p", {"  - id: one\n    component: duckdb.processor\n    mode: transform\n"
                                       "    config: {query: SELECT 1 AS a}\n"}));
  }
  Outcome run() const { return project_.osiris({"run", "p.yaml"}); }
  Outcome trust(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"adapters", "trust"});
    return project_.osiris(arguments);
  }
  void change() const { std::ofstream(library_, std::ios::app) << "x"; }
  fs::path record() const { return project_.dir() / "config/osiris/trusted-adapters"; }

  Project project_;
  const fs::path library_;
};

TEST_F(Trust, AnUnrecordedLibraryOfTheUsersRunsWithANotice) {
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_TRUE(holds(outcome.err, "osiris adapters trust " + library_.string())) << outcome.err;
  EXPECT_FALSE(fs::exists(record())) << "a run records nothing";
}

TEST_F(Trust, ARecordedLibraryRunsOnlyUnchanged) {
  ASSERT_EQ(trust({"local"}).exit, 0);
  Outcome outcome = run();
  EXPECT_EQ(outcome.exit, 0);
  EXPECT_EQ(outcome.err, "");
  change();
  outcome = run();
  EXPECT_NE(outcome.exit, 0);
  EXPECT_TRUE(holds(outcome.err, "has changed since you trusted it")) << outcome.err;
  EXPECT_TRUE(holds(outcome.err, "osiris adapters trust " + library_.string())) << outcome.err;
  EXPECT_TRUE(project_.sessions().size() <= 1) << "nothing of it ran";
  ASSERT_EQ(trust({library_.string()}).exit, 0);
  EXPECT_EQ(run().exit, 0);
}

TEST_F(Trust, IsSaidAndTakenBack) {
  const Json said = trust({"local", "--json"}).json();
  EXPECT_EQ(said["library"].as_string(), library_.string());
  EXPECT_EQ(said["sha256"].as_string().size(), 64u);
  EXPECT_EQ(
      project_.read(record()).find(said["sha256"].as_string() + "  " + library_.string() + "\n") == std::string::npos,
      false);
  EXPECT_EQ(trust({"local", "--forget"}).exit, 0);
  EXPECT_TRUE(holds(run().err, "osiris adapters trust"));
  EXPECT_EQ(trust({"local", "--forget"}).exit, 2) << "it is not there any more";
}

TEST_F(Trust, ALibraryThatIsGoneCanBeForgotten) {
  ASSERT_EQ(trust({library_.string()}).exit, 0);
  fs::remove(library_);
  EXPECT_EQ(trust({library_.string(), "--forget"}).exit, 0);
}

TEST_F(Trust, WhatIsNoLibraryIsNotRecorded) {
  project_.write("text.so", "no library");
  for (const char* file : {"text.so", "nowhere.so", "nobody"}) {
    EXPECT_EQ(trust({file}).exit, 2) << file;
    EXPECT_FALSE(fs::exists(record())) << file;
  }
}

TEST_F(Trust, ARecordThatCannotBeBelievedStopsEveryAdapter) {
  fs::create_directories(record().parent_path());
  for (const char* line : {"abc  /x.so\n", "\n\nnonsense\n"}) {
    project_.write(record(), line);
    const Outcome outcome = run();
    EXPECT_NE(outcome.exit, 0);
    EXPECT_TRUE(holds(outcome.err, "trusted-adapters:")) << outcome.err;
  }
  project_.write(record(), "# empty\n", 0666);
  fs::permissions(record(), fs::perms(0666));
  EXPECT_TRUE(holds(run().err, "can be written by everybody"));
}

TEST_F(Trust, InstalledAdaptersNeedNoRecord) {
  fs::remove_all(library_.parent_path());
  EXPECT_EQ(run().err, "");
}

TEST_F(Trust, ALibraryIsCheckedByNameOrFile) {
  for (const std::string& library : {std::string("local"), library_.string()}) {
    const Outcome outcome = project_.osiris({"adapters", "check", library, "--only", "file.*", "--json"});
    EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
    EXPECT_TRUE(holds(outcome.out, "file.is-a-library")) << outcome.out;
    EXPECT_FALSE(holds(outcome.out, "run.small")) << "only what was asked for";
  }
  EXPECT_EQ(project_.osiris({"adapters", "check", "nobody"}).exit, 2);
  EXPECT_EQ(project_.osiris({"adapters", "check", "local", "--only", "no.such.case"}).exit, 2);
}

}  // namespace
}  // namespace osiris::e2e

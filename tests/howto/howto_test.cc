// Every page of docs/howto/ as a reader follows it, from an empty directory to its end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>

#include "host/yaml/node.h"
#include "protocol/base/text.h"
#include "tests/e2b/sandboxed_project.h"
#include "tests/e2e/page.h"
#include "tests/postgres/postgres_server.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

class HowTo : public testing::Test {
 protected:
  HowTo() { fs::create_directories(project_.dir() / kEmpty); }

  void follow(const std::string& page) { follow_page(project_, kEmpty, source_dir() / "docs/howto" / page); }
  std::string file(const std::string& path) { return project_.read(std::string(kEmpty) + "/shop/" + path); }

  // Neither it nor a directory above it is a project.
  static constexpr const char* kEmpty = "../empty";
  Project project_;
};

TEST_F(HowTo, IncrementalLoad) {
  follow("incremental-load.md");
  EXPECT_EQ(file("output/new-orders.csv"), "id,customer,total\n3,Ben,1.75\n");
}

TEST_F(HowTo, CheckData) { follow("check-data.md"); }

TEST_F(HowTo, Import) { follow("import.md"); }

TEST_F(HowTo, CsvToPostgres) {
  auto server = test::PostgresServer::start();
  ASSERT_TRUE(server.ok()) << server.error().message;
  for (const std::string sql : {"CREATE ROLE shop LOGIN PASSWORD 'secret-of-shop'", "CREATE DATABASE shop OWNER shop"})
    ASSERT_TRUE((*server)->execute(sql).ok());
  project_.set("SHOP_PORT", std::to_string((*server)->port()));
  project_.set("SHOP_PASSWORD", "secret-of-shop");
  follow("csv-to-postgres.md");
  EXPECT_EQ(*(*server)->query("SELECT * FROM people ORDER BY id", "shop"), "1|Ada|FR\n2|Ben|DE\n3|Cleo|CZ\n");
}

TEST_F(HowTo, RunInTheCloud) {
  const auto server = e2b_test::start_server();
  e2b_test::use_server(project_, server);
  follow("run-in-the-cloud.md");
  e2b_test::expect_no_sandbox(server);
}

TEST_F(HowTo, RunInCi) {
  follow("run-in-ci.md");
  EXPECT_NE(file("report.xml").find("<testsuite"), std::string::npos);
  // What the build servers' files run is what the page ran.
  const std::string page = project_.read(source_dir() / "docs/howto/run-in-ci.md");
  std::set<std::string> ran, named;
  for (const PageBlock& block : page_blocks(page)) {
    static const std::regex command(R"(\n\s*- (?:run: )?(osiris .*))");
    if (block.language == "sh")
      for (const std::string& line : split(block.text, '\n')) ran.insert(line);
    if (block.language != "yaml") continue;
    Diagnostics findings(block.file);
    parse_yaml(block.text, findings);
    EXPECT_TRUE(findings.ok()) << findings.to_error().message;
    for (std::sregex_iterator at(block.text.begin(), block.text.end(), command), end; at != end; ++at)
      named.insert((*at)[1]);
  }
  EXPECT_GE(named.size(), 2u);
  for (const std::string& line : named) EXPECT_TRUE(ran.count(line)) << line;
}

TEST_F(HowTo, WriteAnAdapter) {
  // What the package osiris-dev has.
  const fs::path prefix = project_.dir() / "../prefix";
  const Outcome installed =
      project_.shell_in("", "cmake --install " + build_dir().string() + " --component sdk --prefix " + prefix.string() +
                                " > install.log");
  ASSERT_EQ(installed.exit, 0) << installed.err;
  project_.set("CMAKE_PREFIX_PATH", prefix.string());
  follow("write-an-adapter.md");
}

TEST(HowToPages, AreAllFollowedAndNamedInTheIndex) {
  const Project project;
  const std::string index = project.read(source_dir() / "docs/howto/README.md");
  const std::string tests = project.read(source_dir() / "tests/howto/howto_test.cc");
  size_t pages = 0;
  for (const auto& entry : fs::directory_iterator(source_dir() / "docs/howto")) {
    const std::string name = entry.path().filename();
    if (name == "README.md") continue;
    ++pages;
    EXPECT_NE(index.find("(" + name + ")"), std::string::npos) << name << " is not in docs/howto/README.md";
    EXPECT_NE(tests.find("follow(\"" + name + "\")"), std::string::npos) << name << " is followed by no test";
  }
  EXPECT_GE(pages, 7u);
}

}  // namespace
}  // namespace osiris::e2e

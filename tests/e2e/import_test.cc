// Files of other tools, imported, and the pipelines run: the rows arrive.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

using testing::HasSubstr;

class Import : public testing::Test {
 protected:
  void succeeds(const std::vector<std::string>& arguments) {
    const Outcome outcome = project_.osiris(arguments);
    EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  }
  Project project_;
};

TEST_F(Import, OfASlingFileRuns) {
  project_.write("data/orders.csv", "id,total\n2,5\n1,7\n");
  project_.write("replication.yaml",
                 "source: LOCAL\ntarget: LOCAL\nstreams:\n"
                 "  file://data/orders.csv: {object: 'file://output/orders.parquet', mode: full-refresh}\n");
  const Outcome imported = project_.osiris({"import", "replication.yaml", "--json"});
  ASSERT_EQ(imported.exit, 0) << imported.err;
  ASSERT_EQ(imported.json()["files"].size(), 1u);
  succeeds({"validate"});
  succeeds({"run", imported.json()["files"].items()[0].as_string()});
  EXPECT_TRUE(project_.read("output/orders.parquet").starts_with("PAR1"));
}

TEST_F(Import, OfAFolderOfSqlRuns) {
  project_.write("data/orders.csv", "id,total\n1,7\n2,\n");
  project_.write("models/clean.sql", "SELECT id, total FROM {{ source('shop', 'orders') }} WHERE total IS NOT NULL;");
  project_.write("models/sums.sql", "SELECT count(*) AS orders FROM {{ ref('clean') }}");
  succeeds({"import", "models"});
  succeeds({"validate"});
  succeeds({"run", "pipelines/models.yaml"});
  EXPECT_EQ(project_.read("output/sums.csv"), "orders\n1\n");
}

TEST_F(Import, OfDltsConfigurationRuns) {
  const Outcome made = project_.shell_in(
      "",
      "python3 -c \"import sqlite3; shop = sqlite3.connect('shop.db'); shop.executescript('CREATE TABLE orders (id "
      "INTEGER, total REAL); INSERT INTO orders VALUES (1, 7.5), (2, 1)')\"");
  ASSERT_EQ(made.exit, 0) << made.err;
  project_.write("events/a.jsonl", "{\"event\":\"seen\"}\n");
  project_.write("events/b.jsonl", "{\"event\":\"bought\"}\n");
  project_.write(
      ".dlt/config.toml",
      "[sources.sql_database]\ntable_names = [\"orders\"]\nwrite_disposition = \"replace\"\n"
      "[sources.filesystem]\nbucket_url = \"events\"\nfile_glob = \"*.jsonl\"\nwrite_disposition = \"replace\"\n"
      "[destination.filesystem]\nbucket_url = \"lake\"\n");
  project_.write(".dlt/secrets.toml", "[sources.sql_database]\ncredentials = \"sqlite:///shop.db\"\n");
  const Outcome imported = project_.osiris({"import", ".dlt", "--json"});
  ASSERT_EQ(imported.exit, 0) << imported.err;
  const Json document = imported.json();
  EXPECT_EQ(document["left"].size(), 0u) << imported.out;
  succeeds({"validate"});
  for (const Json& file : document["files"].items()) succeeds({"run", file.as_string()});
  EXPECT_EQ(project_.read("lake/orders.csv"), "id,total\n1,7.5\n2,1.0\n");
  EXPECT_EQ(project_.read("lake/filesystem.csv"), "event\nseen\nbought\n");
}

TEST_F(Import, OfTomlThatIsNoneSaysWhereAndWritesNothing) {
  project_.write(".dlt/secrets.toml", "[sources]\npassword = \"s3cret\n");
  const Outcome outcome = project_.osiris({"import", "."});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_THAT(outcome.err, HasSubstr("secrets.toml:2:"));
  EXPECT_THAT(outcome.out + outcome.err, testing::Not(HasSubstr("s3cret")));
  EXPECT_FALSE(std::filesystem::exists(project_.dir() / "pipelines"));
}

}  // namespace
}  // namespace osiris::e2e

// Each template of `osiris init`: valid as it stands, and its pipelines run against the servers that it is for.
#include <gmock/gmock.h>

#include "tests/e2b/sandboxed_project.h"
#include "tests/e2e/project.h"
#include "tests/mysql/mariadb_server.h"
#include "tests/postgres/postgres_server.h"

namespace osiris::e2e {
namespace {

using testing::HasSubstr;

class Template : public testing::Test {
 protected:
  // A project of that template, in a directory beside the test's own.
  void make(const std::string& name) {
    const Outcome made = project_.osiris({"init", "made", "--template", name});
    ASSERT_EQ(made.exit, 0) << made.err;
    EXPECT_NE(project_.read("made/README.md"), "");
  }
  Outcome osiris(const std::vector<std::string>& arguments) { return project_.osiris_in("made", arguments); }
  void succeeds(const std::vector<std::string>& arguments) {
    const Outcome outcome = osiris(arguments);
    EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
    EXPECT_EQ(outcome.err, "") << "no warning either";
  }
  void connect(uint16_t port) {
    project_.set("SHOP_PORT", std::to_string(port));
    project_.set("SHOP_PASSWORD", "secret-of-shop");
  }

  Project project_;
};

TEST_F(Template, CsvRuns) {
  make("csv");
  succeeds({"validate", "--strict"});
  succeeds({"run", "pipelines/hello.yaml"});
  EXPECT_EQ(project_.read("made/output/adults.csv"), "name,age\nAda,36\nCleo,52\n");
}

TEST_F(Template, PythonRuns) {
  make("python");
  succeeds({"validate", "--strict"});
  succeeds({"run", "pipelines/scores.yaml"});
  EXPECT_EQ(project_.read("made/output/scores.csv"), "product,reviews,good\nkettle,1,1\nlamp,2,1\n");
}

TEST_F(Template, CloudRunsHereAndInASandbox) {
  make("cloud");
  succeeds({"validate", "--strict"});
  succeeds({"run", "pipelines/hello.yaml"});
  const std::string here = project_.read("made/output/adults.csv");
  const auto server = e2b_test::start_server();
  e2b_test::use_server(project_, server);
  std::filesystem::remove_all(project_.dir() / "made/output");
  const Outcome remote = osiris({"run", "pipelines/hello.yaml", "--e2b"});
  EXPECT_EQ(remote.exit, 0) << remote.out << remote.err;
  EXPECT_EQ(project_.read("made/output/adults.csv"), here);
  e2b_test::expect_no_sandbox(server);
}

TEST_F(Template, MysqlReadsAndWritesARealServer) {
  make("mysql");
  auto server = test::MariaDbServer::start();
  ASSERT_TRUE(server.ok()) << server.error().message;
  connect((*server)->port());
  const Status made = (*server)->execute(
      "CREATE DATABASE shop; CREATE USER shop@'%' IDENTIFIED BY 'secret-of-shop'; GRANT ALL ON shop.* TO shop@'%'; "
      "USE shop; " +
      project_.read("made/tables.sql"));
  ASSERT_TRUE(made.ok()) << made.error().message;
  succeeds({"validate", "--strict", "--connect"});
  succeeds({"run", "pipelines/totals-to-csv.yaml"});
  EXPECT_EQ(project_.read("made/output/totals.csv"), "customer_id,orders,total\n1,2,200.25\n2,1,35.50\n");
  succeeds({"run", "pipelines/load-customers.yaml"});
  EXPECT_EQ(*(*server)->query("SELECT * FROM shop.customers ORDER BY id"), "1|Ada|FR\n2|Ben|DE\n3|Cleo|CZ\n");
}

TEST_F(Template, PostgresReadsWhatIsNewAndWrites) {
  make("postgres");
  auto server = test::PostgresServer::start();
  ASSERT_TRUE(server.ok()) << server.error().message;
  connect((*server)->port());
  for (const std::string sql : {"CREATE ROLE shop LOGIN PASSWORD 'secret-of-shop'", "CREATE DATABASE shop OWNER shop"})
    ASSERT_TRUE((*server)->execute(sql).ok());
  ASSERT_TRUE((*server)->execute("SET ROLE shop; " + project_.read("made/tables.sql"), "shop").ok());
  succeeds({"validate", "--strict", "--connect"});
  succeeds({"run", "pipelines/load-customers.yaml"});
  EXPECT_EQ(*(*server)->query("SELECT * FROM customers ORDER BY id", "shop"), "1|Ada|FR\n2|Ben|DE\n3|Cleo|CZ\n");
  const Outcome first = osiris({"run", "pipelines/new-orders.yaml", "--json"});
  EXPECT_EQ(first.json()["total_rows"].as_int(), 3) << first.err;
  ASSERT_TRUE((*server)->execute("INSERT INTO orders VALUES (4, 1, '2026-03-01', 1)", "shop").ok());
  // The newest known row comes again: that is what is read from on (docs/incremental.md).
  EXPECT_EQ(osiris({"run", "pipelines/new-orders.yaml", "--json"}).json()["total_rows"].as_int(), 2);
}

TEST_F(Template, OfAnotherNameIsRefusedAndTheKnownOnesAreNamed) {
  const Outcome outcome = project_.osiris({"init", "made", "--template", "oracle"});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_THAT(outcome.err, HasSubstr("postgres"));
}

}  // namespace
}  // namespace osiris::e2e

// Values that are larger than what the server takes as one packet.
#include <errmsg.h>

#include <gtest/gtest.h>

#include "tests/drivers/mysql.writer/writing.h"
#include "worker/drivers/mysql.extractor/driver.h"
#include "worker/drivers/mysql/errors.h"

namespace osiris::worker::test {
namespace {

using osiris::test::MariaDbServer;

// One that takes a megabyte.
std::unique_ptr<MariaDbServer> narrow(const char* local_data) {
  osiris::test::MariaDbOptions options;
  options.arguments = {std::string("--local-infile=") + local_data, "--max-allowed-packet=1M"};
  auto server = MariaDbServer::start(std::move(options));
  EXPECT_TRUE(server.ok()) << server.error().message;
  if (!server.ok()) return nullptr;
  EXPECT_TRUE((*server)
                  ->execute("CREATE DATABASE shop; CREATE USER reader@'%' IDENTIFIED BY 'p@ss/w:rd %41\\'\\\"'; GRANT "
                            "ALL ON shop.* TO reader@'%'")
                  .ok());
  return *std::move(server);
}

constexpr char kFiveMegabytes[] =
    "SELECT 1 AS id, repeat('0123456789', 500000) AS name, encode(repeat('abcdefghij', 500000)) AS data";

TEST(MysqlLargeValues, GoByLoadDataWhateverAPacketTakes) {
  const auto server = narrow("1");
  ASSERT_TRUE(server);
  for (const char* verify : {"count", "full"}) {
    MysqlWriteStep step(kFiveMegabytes,
                        {{"table", "t"}, {"create_table", true}, {"write_mode", "replace"}, {"verify", verify}},
                        *server);
    EXPECT_EQ(step.outcome(), "ok 1") << verify;
  }
  EXPECT_EQ(*server->query("SELECT LENGTH(name), MD5(name), LENGTH(data), MD5(data) FROM shop.t"),
            "5000000|" + StepHarness("maker").query("SELECT md5(repeat('0123456789', 500000))").substr(0, 32) +
                "|5000000|" + StepHarness("maker").query("SELECT md5(repeat('abcdefghij', 500000))"));
  MysqlStep reads(*server, "SELECT name, data FROM shop.t");
  ASSERT_TRUE(reads.run(mysql_extractor()).ok());
  EXPECT_EQ(reads.query("SELECT md5(name) = md5(repeat('0123456789', 500000)), octet_length(data) FROM {out}"),
            "true|5000000\n");
}

TEST(MysqlLargeValues, AreRefusedWithTheirRowWhereTheyGoByInsert) {
  const auto server = narrow("0");
  ASSERT_TRUE(server);
  ASSERT_TRUE(server->execute("CREATE TABLE shop.t (id INT, name LONGTEXT, data LONGBLOB)").ok());
  struct Case {
    const char* select;
    const char* column;  // at which the row becomes too large
  };
  // A byte of a BLOB is two of the statement, and a quote is.
  for (const auto& [select, column] :
       {Case{"CASE WHEN id = 3 THEN repeat('x', 1100000) END AS name, NULL::BLOB AS data", "name"},
        Case{"CASE WHEN id = 3 THEN repeat('''', 600000) END AS name, NULL::BLOB AS data", "name"},
        Case{"'short' AS name, CASE WHEN id = 3 THEN encode(repeat('x', 600000)) END AS data", "data"},
        Case{"CASE WHEN id = 3 THEN repeat('x', 600000) END AS name, encode(repeat('x', 300000)) AS data", "data"}}) {
    MysqlWriteStep step("SELECT id, " + std::string(select) + " FROM range(1, 5) t(id)", {{"table", "t"}}, *server);
    const auto done = step.run(mysql_writer());
    ASSERT_FALSE(done.ok()) << select;
    EXPECT_EQ(done.error().category, "write.failed");
    EXPECT_NE(done.error().message.find("table t, column '" + std::string(column) + "', row 3: the row has more than"),
              std::string::npos)
        << done.error().message;
    EXPECT_NE(done.error().hint.find("max_allowed_packet"), std::string::npos) << done.error().hint;
    EXPECT_EQ(*server->query("SELECT COUNT(*) FROM shop.t"), "0\n") << select;
  }
}

TEST(MysqlLargeValues, GoByInsertUpToWhatAPacketTakes) {
  const auto server = narrow("0");
  ASSERT_TRUE(server);
  // The statement has the beginning of an INSERT beside the text.
  for (int bytes = (1 << 20) - 75; bytes <= (1 << 20); ++bytes) {
    MysqlWriteStep step("SELECT repeat('x', " + std::to_string(bytes) + ") AS name",
                        {{"table", "t"}, {"create_table", true}, {"write_mode", "replace"}}, *server);
    const std::string said = step.outcome();
    if (said == "ok 1") continue;
    // The first that is refused is refused before it is sent.
    EXPECT_NE(said.find("the row has more than"), std::string::npos) << bytes << ": " << said;
    EXPECT_GT(bytes, (1 << 20) - 75);
    return;
  }
  ADD_FAILURE() << "no row was too large";
}

TEST(MysqlLargeValues, ARowThatNoClientReadsIsSaidSo) {
  const Error error = mysql::query_error("load", {}, {CR_NET_PACKET_TOO_LARGE, "Got packet bigger"}, {}, 7);
  EXPECT_EQ(error.message,
            "MySQL query failed after 7 rows: row 8 has more than 1 GiB, the most that a client of MySQL reads: Got "
            "packet bigger (error 2020)");
  EXPECT_EQ(error.category, "extract.schema_mismatch");
}

}  // namespace
}  // namespace osiris::worker::test

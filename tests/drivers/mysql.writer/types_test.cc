// Every type of a relation: the column that is made for it, that its extremes arrive as they are, and what is refused.
#include <thread>

#include "tests/drivers/mysql.writer/writing.h"
#include "tests/drivers/type_case.h"
#include "tests/support/eventually.h"

namespace osiris::worker::test {
namespace {

class MysqlColumns : public testing::TestWithParam<TypeCase> {};

TEST_P(MysqlColumns, ArriveExactly) {
  for (auto* server : {&loading_server(), &inserting_server()}) {
    const std::string name = std::string("made_") + GetParam().name;
    EXPECT_EQ(MysqlWriteStep(select_of(GetParam().values),
                             {{"table", name}, {"create_table", true}, {"verify", "full"}}, *server)
                  .outcome()
                  .substr(0, 3),
              "ok ");
    const bool is_blob = std::string(GetParam().type) == "longblob";
    EXPECT_EQ(ask_database(std::string("SELECT ") + (is_blob ? "HEX(v)" : "v") + " FROM shop." + name, *server),
              std::string(GetParam().rows) + "NULL\n");
    EXPECT_EQ(
        ask_database("SELECT column_type FROM information_schema.columns WHERE table_name = '" + name + "'", *server),
        std::string(GetParam().type) + "\n");
  }
}

constexpr TypeCase kCases[] = {
    {"boolean", "true|false", "tinyint(1)", "1\n0\n"},
    {"utinyint", "255::UTINYINT", "tinyint(3) unsigned", "255\n"},
    {"smallint", "(-32768)::SMALLINT", "smallint(6)", "-32768\n"},
    {"integer", "(-2147483648)::INTEGER", "int(11)", "-2147483648\n"},
    {"bigint", "(-9223372036854775808)::BIGINT", "bigint(20)", "-9223372036854775808\n"},
    {"ubigint", "18446744073709551615::UBIGINT", "bigint(20) unsigned", "18446744073709551615\n"},
    {"hugeint", "170141183460469231731687303715884105727::HUGEINT", "decimal(39,0)",
     "170141183460469231731687303715884105727\n"},
    {"decimal", "12345678.9::DECIMAL(18,3)|(-0.001)::DECIMAL(18,3)", "decimal(18,3)", "12345678.900\n-0.001\n"},
    {"decimal_38", "9999999999999999999999999999.9999999999::DECIMAL(38,10)", "decimal(38,10)",
     "9999999999999999999999999999.9999999999\n"},
    {"double", "0.1::DOUBLE|1.7976931348623157e308::DOUBLE|(-5e-324)::DOUBLE", "double",
     "0.1\n1.7976931348623157e308\n-5e-324\n"},
    {"float", "0.25::FLOAT", "float", "0.25\n"},
    {"varchar", "''|'naïve 🦆'|'a\\b\tc'|'it''s'|'\\N'", "longtext", "\nnaïve 🦆\na\\b\tc\nit's\n\\N\n"},
    {"enum", "'b'::ENUM('a','b')", "longtext", "b\n"},
    {"json", "'{\"a\" : 1}'::JSON", "longtext", "{\"a\" : 1}\n"},
    {"blob", "'\\x00\\xFF\\x5C\\x09'::BLOB|''::BLOB", "longblob", "00FF5C09\n\n"},
    {"uuid", "'ffffffff-0000-0000-0000-00000000000a'::UUID", "char(36)", "ffffffff-0000-0000-0000-00000000000a\n"},
    {"date", "'0001-01-01'::DATE|'9999-12-31'::DATE", "date", "0001-01-01\n9999-12-31\n"},
    {"timestamp", "'0001-01-01'::TIMESTAMP|'9999-12-31 23:59:59.999999'::TIMESTAMP", "datetime(6)",
     "0001-01-01 00:00:00.000000\n9999-12-31 23:59:59.999999\n"},
    {"timestamptz", "'2024-03-31 02:30:00+02'::TIMESTAMPTZ", "datetime(6)", "2024-03-31 00:30:00.000000\n"},
    {"time", "'23:59:59.999999'::TIME", "time(6)", "23:59:59.999999\n"},
    {"interval", "to_microseconds(-3020399000001)|INTERVAL '00:00:01'", "time(6)",
     "-838:59:59.000001\n00:00:01.000000\n"},
};
INSTANTIATE_TEST_SUITE_P(Types, MysqlColumns, testing::ValuesIn(kCases),
                         [](const auto& one) { return std::string(one.param.name); });

struct Fit {
  const char* name;
  const char* value;
  const char* column;
  const char* says;  // what it shows, or a part of the error after '!'
};
class MysqlFits : public testing::TestWithParam<Fit> {};

TEST_P(MysqlFits, AColumnThatIsThere) {
  const std::string name = std::string("fits_") + GetParam().name;
  in_database("CREATE OR REPLACE TABLE " + name + " (v " + GetParam().column + ")");
  const std::string said = MysqlWriteStep(std::string("SELECT unnest([NULL, ") + GetParam().value + "]) AS v",
                                          {{"table", name}, {"verify", "full"}})
                               .outcome();
  const std::string expected = GetParam().says;
  if (expected[0] != '!') {
    EXPECT_EQ(said, "ok 2");
    EXPECT_EQ(ask_database("SELECT v FROM shop." + name + " WHERE v IS NOT NULL"), expected + "\n");
    return;
  }
  EXPECT_NE(said.find(expected.substr(1)), std::string::npos) << said;
  EXPECT_EQ(ask_database("SELECT COUNT(*) FROM shop." + name), "0\n");
}

constexpr Fit kFits[] = {
    {"narrower", "7::BIGINT", "smallint", "7"},
    {"too_large", "70000::BIGINT", "smallint", "!row 2"},
    {"negative", "-1", "int unsigned", "!row 2"},
    {"decimal_as_narrower", "1.50::DECIMAL(4,2)", "decimal(5,1)", "1.5"},
    {"decimal_that_would_be_rounded", "1.25::DECIMAL(4,2)", "decimal(5,1)", "!row 2: the number has more digits"},
    {"decimal_as_wider", "(-1.5)::DECIMAL(4,1)", "decimal(20,5)", "-1.50000"},
    {"blanks", "'ab'", "char(5)", "ab"},
    {"zeros", "'\\x41\\x42'::BLOB", "binary(2)", "AB"},
    {"single", "0.1::FLOAT", "float", "0.1"},
    {"single_of_many_digits", "16777215::FLOAT", "float", "16777200"},
    {"single_as_double", "0.1::FLOAT", "double", "0.10000000149011612"},
    {"greatest_single", "3.4028235e38::FLOAT", "float", "3.40282e38"},
    {"date_as_datetime", "'2024-01-01'::DATE", "datetime", "2024-01-01 00:00:00"},
    {"double_of_two_digits", "123.45::DOUBLE", "double(10,2)", "123.45"},
    {"negative_of_two_digits", "(-0.07)::DOUBLE", "double(10,2)", "-0.07"},
    {"double_that_would_be_rounded", "1.005::DOUBLE", "double(10,2)",
     "!row 2: the number has more digits than double(10"},
    {"single_of_two_digits", "1.1::FLOAT", "float(7,2)", "1.10"},
    {"single_that_would_be_rounded", "1.125::FLOAT", "float(7,2)",
     "!row 2: the number has more digits than float(7,2)"},
    {"single_as_double_of_two_digits", "1.1::FLOAT", "double(10,2)", "!the number has more digits than double(10,2)"},
    {"double_as_integer", "1.5::DOUBLE", "int", "!a DOUBLE is not written to that"},
    {"nan", "'nan'::DOUBLE", "double", "!NaN or infinite"},
    {"varchar", "'ääääö'", "varchar(5)", "ääääö"},
    {"too_long", "'abcdef'", "varchar(5)", "!column 'v' at row 2"},
    {"too_long_by_blanks", "'abcde '", "varchar(5)", "!'v'"},
    {"other_charset", "'🦆'", "varchar(5) CHARACTER SET latin1", "!Incorrect string value"},
    {"latin1", "'ä'", "varchar(5) CHARACTER SET latin1", "ä"},
    {"enum", "'glad'", "enum('sad','glad')", "glad"},
    {"label_in_another_case", "'GLAD'", "enum('sad','glad')", "!the text is no label of enum("},
    {"number_of_a_label", "'1'", "enum('sad','glad')", "!the text is no label of enum("},
    {"set", "'p,r'", "set('p','q','r')", "p,r"},
    {"set_in_another_order", "'r,p'", "set('p','q','r')", "!no list of labels of set("},
    {"year", "1999", "year", "1999"},
    {"short_year", "7", "year", "!the year is not between 1901 and 2155"},
    {"no_such_label", "'mad'", "enum('sad','glad')", "!'v'"},
    {"uuid", "'ffffffff-0000-0000-0000-00000000000a'::UUID", "uuid", "ffffffff-0000-0000-0000-00000000000a"},
    {"seconds", "'2024-01-01 00:00:01'::TIMESTAMP", "datetime", "2024-01-01 00:00:01"},
    {"finer", "'2024-01-01 00:00:01.5'::TIMESTAMP", "datetime", "!finer than datetime"},
    {"date_bc", "'0044-03-15 (BC)'::DATE", "date", "!not between the years 1 and 9999"},
    {"infinite", "'infinity'::TIMESTAMP", "datetime(6)", "!not between the years 1 and 9999"},
    {"before_1970", "'1960-01-01'::TIMESTAMPTZ", "timestamp(6)", "!'v'"},
    {"long_interval", "INTERVAL '2 days'", "time(6)", "!not between -838:59:59"},
    {"generated", "1", "int GENERATED ALWAYS AS (1)", "!the server generates it"},
};
INSTANTIATE_TEST_SUITE_P(Values, MysqlFits, testing::ValuesIn(kFits),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(MysqlTypes, WithoutAnEqualAreRefusedBeforeTheFirstRow) {
  for (const char* value : {"{'a': 1}", "[1]", "MAP {'a': 1}", "'2024-01-01'::TIMESTAMP_NS", "'101'::BIT"}) {
    const std::string said =
        MysqlWriteStep(std::string("SELECT 1 AS id, ") + value + " AS v", {{"table", "never"}, {"create_table", true}})
            .outcome();
    EXPECT_NE(said.find("table never, column 'v': no type of MySQL's holds a "), std::string::npos) << said;
    EXPECT_EQ(ask_database("SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'never'"), "0\n");
  }
}

TEST(MysqlFailures, AreSaidWithTheirCategory) {
  const auto error = [](std::initializer_list<Json::Member> config,
                        std::initializer_list<Json::Member> connection = {}) {
    MysqlWriteStep step("SELECT 1 AS id", config, loading_server(), connection);
    const auto done = step.run(mysql_writer());
    EXPECT_FALSE(done.ok());
    return done.ok() ? Error() : done.error();
  };
  EXPECT_EQ(error({{"table", "theirs"}, {"schema", "other"}}).category, "write.permission_denied");
  EXPECT_EQ(error({{"table", "t"}}, {{"password", "wrong"}}).category, "connection.auth_failed");
  EXPECT_EQ(error({{"table", "t"}}, {{"port", 1}}).category, "connection.failed");
  EXPECT_EQ(error({{"table", "t"}, {"primary_key", "a"}, {"upsert_keys", "b"}}).category, "config.invalid");
  in_database("CREATE OR REPLACE TABLE held (id int PRIMARY KEY)");
  std::thread holder([] {
    (void)loading_server().execute("USE shop; START TRANSACTION; INSERT INTO held VALUES (1); DO SLEEP(6); ROLLBACK");
  });
  EXPECT_TRUE(osiris::test::eventually([] {
    return ask_database("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'DO SLEEP%'") != "0\n";
  }));
  const Error waited = error({{"table", "held"}, {"lock_timeout", 1}});
  holder.join();
  EXPECT_EQ(waited.category, "runtime.timeout") << waited.message;
}

TEST(MysqlFailures, AServerThatIsOutOfDiskIsSaid) {
  in_database(
      "CREATE OR REPLACE TABLE full_disk (id int); INSERT INTO full_disk VALUES (-1); CREATE TRIGGER no_space BEFORE "
      "INSERT ON full_disk FOR EACH ROW IF NEW.id = 2000 THEN SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021, "
      "MESSAGE_TEXT = 'Disk full (/var/lib/mysql)'; END IF");
  MysqlWriteStep step("SELECT i::INTEGER AS id FROM range(5000) t(i)", {{"table", "full_disk"}});
  const auto done = step.run(mysql_writer());
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().category, "write.disk_full") << done.error().message;
  EXPECT_EQ(ask_database("SELECT * FROM shop.full_disk"), "-1\n");
}

// A server whose files cannot grow any more, from the middle of a load on, in each way of writing.
TEST(MysqlFailures, AServerWithoutRoomKeepsTheTable) {
  osiris::test::MariaDbOptions options;
  options.disk_may_fill = true;
  options.arguments = {"--local-infile=1"};
  auto server = osiris::test::MariaDbServer::start(std::move(options));
  ASSERT_TRUE(server.ok()) << server.error().message;
  ASSERT_TRUE(
      (*server)
          ->execute("CREATE DATABASE shop; CREATE USER reader@'%' IDENTIFIED BY 'p@ss/w:rd %41\\'\\\"'; GRANT ALL ON "
                    "*.* TO reader@'%'; CREATE TABLE shop.t (id bigint PRIMARY KEY, pad text); INSERT INTO shop.t "
                    "VALUES (-1, 'old')")
          .ok());
  for (const char* mode : {"append", "truncate", "replace", "upsert"}) {
    MysqlWriteStep step("SELECT i AS id, repeat('x', 500) AS pad FROM range(400000) t(i)",
                        {{"table", "t"}, {"write_mode", mode}, {"primary_key", "id"}}, **server);
    step.on_progress([&](uint64_t) { (*server)->disk().fill(); });
    const auto done = step.run(mysql_writer());
    (*server)->disk().empty();
    ASSERT_FALSE(done.ok()) << mode;
    EXPECT_EQ(done.error().category, "write.disk_full") << mode << done.error().message;
    EXPECT_EQ(*(*server)->query("SELECT * FROM shop.t"), "-1|old\n") << mode;
    EXPECT_EQ(*(*server)->query("SELECT COUNT(*) FROM information_schema.tables WHERE table_name LIKE 'osiris%'"),
              "0\n")
        << mode;
  }
  MysqlWriteStep again("SELECT 1 AS id, 'new' AS pad", {{"table", "t"}}, **server);
  EXPECT_EQ(again.outcome(), "ok 1");
}

TEST(MysqlFailures, AServerThatTakesNoWritesIsSaid) {
  in_database("CREATE OR REPLACE TABLE readonly (id int); SET GLOBAL read_only = 1");
  const std::string said = MysqlWriteStep("SELECT 1 AS id", {{"table", "readonly"}}).outcome();
  in_database("SET GLOBAL read_only = 0");
  EXPECT_NE(said.find("the server takes no writes"), std::string::npos) << said;
  EXPECT_EQ(ask_database("SELECT COUNT(*) FROM shop.readonly"), "0\n");
}

TEST(MysqlFailures, AServerKilledInTheMiddleLeavesTheTableAsItWas) {
  auto server = osiris::test::MariaDbServer::start();
  ASSERT_TRUE(server.ok()) << server.error().message;
  ASSERT_TRUE(
      (*server)
          ->execute("CREATE DATABASE shop; CREATE USER reader@'%' IDENTIFIED BY 'p@ss/w:rd %41\\'\\\"'; GRANT ALL ON "
                    "shop.* TO reader@'%'; CREATE TABLE shop.t (id bigint)")
          .ok());
  MysqlWriteStep step("SELECT i AS id FROM range(3000000) t(i)", {{"table", "t"}}, **server);
  bool is_down = false;
  step.on_progress([&](uint64_t) {
    if (!std::exchange(is_down, true)) (*server)->kill();
  });
  const auto done = step.run(mysql_writer());
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Code::kUnavailable);
  EXPECT_EQ(done.error().category, "connection.failed") << done.error().message;
}

}  // namespace
}  // namespace osiris::worker::test

// The run's database: what a step's SQL can reach and what it cannot. The zoo below is run statement by statement
// against a real engine; every hostile text has a legal twin that does the honest version of the same thing.
#include "worker/database/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

namespace osiris::worker {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DatabaseTest : public ::testing::Test {
 protected:
  DatabaseTest() {
    char name[] = "/tmp/osiris-database-XXXXXX";
    directory_ = ::mkdtemp(name);
    std::ofstream(directory_ / "outside.csv") << "a,b\n1,2\n";
    std::ofstream(directory_ / "outside.json") << "{\"a\":1}\n";
    database_ = std::make_shared<Database>(DatabaseOptions{0, 2, directory_ / "spill"});
    input_ = make("numbers", "SELECT range AS id, 'name ' || range AS name FROM range(100)");
    other_ = make("secret_step", "SELECT 42 AS answer");
  }
  ~DatabaseTest() override {
    input_.reset();
    other_.reset();
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  std::shared_ptr<const Relation> make(const std::string& step, const std::string& sql) {
    StepDatabase database(database_, step, {});
    const auto rows = database.run_confined(sql);
    EXPECT_TRUE(rows.ok()) << rows.error().message;
    auto relation = database.take_output();
    EXPECT_TRUE(relation.ok() && *relation);
    return *relation;
  }

  // The output's rows, or the error.
  Result<uint64_t> run(const std::string& sql) {
    StepDatabase database(database_, "step", {{{"df_numbers", "input_df"}, input_}});
    auto rows = database.run_confined(sql);
    if (!rows.ok()) return rows;
    auto output = database.take_output();
    if (!output.ok()) return output.error();
    if (!*output) return Error(Code::kInternal, "no output");
    EXPECT_EQ((*output)->rows(), *rows) << sql;
    return (*output)->rows();
  }

  // One value of a result, as text.
  std::string value(const std::string& sql) {
    StepDatabase database(database_, "step", {{{"df_numbers", "input_df"}, input_}});
    const auto rows = database.run_confined(sql);
    if (!rows.ok()) return rows.error().message;
    duckdb_result result;
    const std::string query = "SELECT * FROM " + database.output_table().quoted();
    duckdb_query(database.handle(), query.c_str(), &result);
    char* text = duckdb_value_varchar(&result, 0, 0);
    std::string copy = text ? text : "NULL";
    duckdb_free(text);
    duckdb_destroy_result(&result);
    return copy;
  }

  std::string with_paths(std::string sql) const {
    for (size_t at; (at = sql.find("{dir}")) != std::string::npos;) sql.replace(at, 5, directory_.string());
    for (size_t at; (at = sql.find("{other}")) != std::string::npos;) sql.replace(at, 7, other_->qualified_name());
    for (size_t at; (at = sql.find("{other_db}")) != std::string::npos;) sql.replace(at, 10, other_->database());
    return sql;
  }

  std::filesystem::path directory_;
  std::shared_ptr<Database> database_;
  std::shared_ptr<const Relation> input_, other_;
};

struct Twins {
  const char* hostile;
  const char* legal;
};
const Twins kZoo[] = {
    // Files, by every door that reads one.
    {"SELECT * FROM read_csv('{dir}/outside.csv')", "SELECT * FROM df_numbers"},
    {"SELECT * FROM '{dir}/outside.csv'", "SELECT * FROM \"df_numbers\""},
    {"SELECT * FROM read_text('/etc/passwd')", "SELECT 'read_text(''/etc/passwd'')' AS text"},
    {"SELECT * FROM read_blob('/proc/self/environ')", "SELECT 'x'::BLOB AS b"},
    {"SELECT * FROM read_json('{dir}/outside.json')", "SELECT json('{\"a\":1}') AS j"},
    {"SELECT * FROM read_parquet('{dir}/nothing.parquet')", "SELECT max(id) FROM df_numbers"},
    {"SELECT * FROM parquet_metadata('{dir}/nothing.parquet')", "DESCRIBE df_numbers"},
    {"SELECT * FROM parquet_full_metadata('{dir}/nothing.parquet')", "SELECT file_name FROM (SELECT 'x' AS file_name)"},
    {"SELECT * FROM read_duckdb('{dir}/nothing.db', table_name = 't')", "SELECT 'read_duckdb' AS text"},
    {"SELECT * FROM sniff_csv('{dir}/outside.csv')", "SUMMARIZE df_numbers"},
    {"SELECT * FROM glob('{dir}/*')", "SELECT * FROM df_numbers WHERE name GLOB 'name 1*'"},
    {"SELECT (SELECT content FROM read_text('/etc/passwd'))", "SELECT (SELECT max(id) FROM df_numbers)"},
    {"WITH t AS (SELECT * FROM read_csv('{dir}/outside.csv')) SELECT * FROM t",
     "WITH t AS (SELECT * FROM df_numbers) SELECT * FROM t"},
    {"SELECT * FROM df_numbers, LATERAL (SELECT * FROM read_csv('{dir}/outside.csv'))",
     "SELECT * FROM df_numbers, LATERAL (SELECT id + 1)"},
    {"CREATE VIEW v AS SELECT * FROM read_text('/etc/passwd'); SELECT * FROM v",
     "CREATE VIEW v AS SELECT * FROM df_numbers; SELECT * FROM v"},
    {"CREATE MACRO f(p) AS TABLE SELECT * FROM read_text(p); SELECT * FROM f('/etc/passwd')",
     "CREATE MACRO f(n) AS TABLE SELECT * FROM df_numbers WHERE id < n; SELECT * FROM f(3)"},
    {"CREATE TABLE t AS FROM read_csv('{dir}/outside.csv'); SELECT * FROM t",
     "CREATE TABLE t AS FROM df_numbers; SELECT * FROM t"},
    {"SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
     "SELECT * FROM query('SELECT * FROM df_numbers')"},
    {"SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM read_text(''/etc/passwd'')'))",
     "SELECT json_serialize_sql('SELECT 1')"},
    {"SELECT * FROM 'http://127.0.0.1:1/x.csv'", "SELECT 'http://127.0.0.1:1/x.csv' AS url"},
    {"EXPLAIN ANALYZE SELECT * FROM read_csv('{dir}/outside.csv')", "EXPLAIN ANALYZE SELECT * FROM df_numbers"},
    // Files, by every door that writes one.
    {"COPY df_numbers TO '{dir}/out.csv'", "SELECT * FROM df_numbers LIMIT 1"},
    {"COPY (SELECT 1) TO '{dir}/out.parquet' (FORMAT parquet)", "(SELECT 1)"},
    {"EXPORT DATABASE '{dir}/export'", "VALUES (1), (2)"},
    {"SELECT * FROM enable_logging('QueryLog', storage = 'file', storage_config = {'path': '{dir}/log'})",
     "SELECT write_log('text')"},
    {"CALL enable_logging('QueryLog')", "SELECT 'CALL enable_logging()' AS text"},
    {"CALL enable_profiling(format = 'json', save_location = '{dir}/profile.json')",
     "SELECT 'enable_profiling' AS text"},
    {"SELECT * FROM enable_profiling()", "EXPLAIN ANALYZE SELECT 1"},
    {"SELECT * FROM disable_profiling()", "SELECT struct_keys({'a': 1})"},
    {"FROM duckdb_profiling_settings()", "SELECT parse_formatted_bytes('1 GB')"},
    {"FROM duckdb_coordinate_systems()", "SELECT get_type(1)::VARCHAR AS t"},
    {"CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x'); SELECT 1",
     "CREATE TYPE s AS ENUM ('x'); SELECT 'x'::s"},
    // Other databases, extensions, settings.
    {"ATTACH '{dir}/new.db'; SELECT 1", "CREATE TABLE new_db(i INT); SELECT * FROM new_db"},
    {"ATTACH ':memory:' AS m; SELECT 1", "CREATE TEMP TABLE m(i INT); SELECT * FROM m"},
    {"DETACH memory; SELECT 1", "CREATE TABLE t(i INT); DROP TABLE t; SELECT 1"},
    {"USE memory; SELECT 1", "SELECT current_database() IS NOT NULL"},
    {"INSTALL httpfs; SELECT 1", "SELECT 'INSTALL httpfs' AS text"},
    {"LOAD '{dir}/x.duckdb_extension'; SELECT 1", "SELECT version()"},
    {"SET memory_limit = '1TB'; SELECT 1", "SELECT 'SET memory_limit' AS text"},
    {"RESET memory_limit; SELECT 1", "CREATE TABLE t(i INT); ALTER TABLE t ADD COLUMN j INT; SELECT * FROM t"},
    {"PRAGMA disable_optimizer; SELECT 1", "EXPLAIN SELECT 1"},
    {"PRAGMA import_database('{dir}'); SELECT 1", "CREATE SEQUENCE s; SELECT nextval('s')"},
    {"SET VARIABLE x = 1; SELECT 1", "CREATE MACRO x() AS 1; SELECT x()"},
    {"CHECKPOINT; SELECT 1", "SELECT 1;"},
    {"SELECT * FROM force_checkpoint()", "SELECT * FROM range(3)"},
    {"BEGIN; SELECT 1", "SELECT 1 AS begin_"},
    {"PREPARE p AS SELECT 1; EXECUTE p", "CREATE MACRO p() AS TABLE SELECT 1; FROM p()"},
    {"SELECT $1", "SELECT '$1'"},
    {"SELECT ?", "SELECT '?'"},
    {"SELECT * FROM arrow_scan(1::POINTER, 2::POINTER, 3::POINTER)", "SELECT * FROM repeat(1, 3)"},
    {"CREATE SCHEMA s; SELECT 1", "CREATE TABLE s(i INT); CREATE INDEX x ON s(i); SELECT * FROM s"},
    // Other steps' relations, by name and by what the catalog would tell.
    {"SELECT * FROM df_secret_step", "SELECT * FROM input_df"},
    {"SELECT * FROM {other}", "SELECT * FROM (SELECT * FROM df_numbers)"},
    {"SELECT * FROM query_table('{other_db}.main.df_secret_step')", "SELECT * FROM query_table('df_numbers')"},
    {"CREATE TABLE \"{other_db}\".main.mine AS SELECT 1; SELECT 1",
     "CREATE TABLE mine AS SELECT 1; SELECT * FROM mine"},
    {"INSERT INTO {other} VALUES (43); SELECT 1", "CREATE TABLE t(i INT); INSERT INTO t VALUES (1); SELECT * FROM t"},
    {"DELETE FROM {other}; SELECT 1", "CREATE TABLE t AS SELECT 1 AS i; DELETE FROM t; SELECT * FROM t"},
    {"UPDATE {other} SET answer = 0; SELECT 1", "CREATE TABLE t AS SELECT 1 AS i; UPDATE t SET i = 2; SELECT * FROM t"},
    {"DROP TABLE {other}; SELECT 1", "CREATE VIEW t AS SELECT 1; DROP VIEW t; SELECT 1"},
    {"ALTER TABLE {other} RENAME TO gone; SELECT 1",
     "CREATE TABLE t(i INT); ALTER TABLE t RENAME TO u; SELECT * FROM u"},
    {"MERGE INTO {other} t USING (SELECT 1 AS i) s ON t.answer = s.i WHEN MATCHED THEN DELETE; SELECT 1",
     "CREATE TABLE t AS SELECT 1 AS i; MERGE INTO t USING (SELECT 1 AS i) s ON t.i = s.i WHEN MATCHED THEN DELETE; "
     "FROM t"},
    {"CREATE TABLE memory.main.shared AS SELECT 1; SELECT 1", "CREATE TABLE shared AS SELECT 1; SELECT * FROM shared"},
    {"SELECT * FROM duckdb_tables()", "SELECT * FROM generate_series(1, 3)"},
    {"SELECT * FROM duckdb_databases()", "SELECT unnest([1, 2, 3])"},
    {"SELECT * FROM information_schema.tables", "SELECT * FROM json_each('{\"a\":1}')"},
    {"SELECT * FROM duckdb_secrets()",
     "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 5) FROM r"},
    {"SELECT * FROM duckdb_settings()", "PIVOT (SELECT id % 3 AS k, id FROM df_numbers) ON k USING sum(id)"},
    {"SHOW ALL TABLES", "SHOW df_numbers"},
    {"SELECT current_setting('temp_directory')", "SELECT 'temp_directory' AS current_setting"},
    {"SELECT main.current_setting('memory_limit')", "SELECT current_date IS NOT NULL"},
    {"SELECT system.main.current_setting('secret_directory')", "SELECT current_schema() IS NOT NULL"},
    {"CREATE MACRO s(n) AS current_setting(n); SELECT s('threads')", "CREATE MACRO s(n) AS n; SELECT s('threads')"},
    {"CREATE TABLE t(i INT, s VARCHAR DEFAULT current_setting('temp_directory')); INSERT INTO t(i) VALUES (1); FROM t",
     "CREATE TABLE t(i INT, s VARCHAR DEFAULT 'x'); INSERT INTO t(i) VALUES (1); FROM t"},
    {"SELECT * FROM pg_settings", "SELECT * FROM json_tree('{\"a\":1}')"},
    {"SHOW ALL", "DESCRIBE df_numbers"},
    {"SELECT * FROM query('SELECT current_setting(''temp_directory'')')", "SELECT * FROM query('SELECT 1')"},
    // The inputs are read-only.
    {"INSERT INTO df_numbers VALUES (1, 'x'); SELECT 1",
     "CREATE TABLE t AS FROM df_numbers; INSERT INTO t VALUES (1, 'x'); FROM t"},
    {"DELETE FROM df_numbers; SELECT 1", "SELECT * FROM df_numbers WHERE false"},
    {"CREATE OR REPLACE TABLE df_numbers AS SELECT 1; SELECT * FROM df_numbers",
     "CREATE OR REPLACE TABLE mine AS SELECT 1; FROM mine"},
    {"CREATE OR REPLACE TEMP VIEW DF_Numbers AS SELECT 1; FROM df_numbers",
     "CREATE OR REPLACE TEMP VIEW mine AS SELECT 1; FROM mine"},
};

// Whether a file exists is not told either: not by another error, not by another category.
TEST_F(DatabaseTest, SaysTheSameOfAFileThatExistsAndOfOneThatDoesNot) {
  for (const char* reader :
       {"read_csv('{}')", "read_json('{}')", "read_parquet('{}')", "read_text('{}')", "read_blob('{}')",
        "sniff_csv('{}')", "glob('{}')", "parquet_metadata('{}')", "parquet_schema('{}')",
        "parquet_full_metadata('{}')", "read_duckdb('{}', table_name = 't')"})
    for (const char* pattern : {"{dir}/outside.csv", "{dir}/*.csv", "{dir}/**/out*.csv", "{dir}/[o]utside.csv"}) {
      const auto refusal = [&](std::string path) {
        std::string sql = std::string("SELECT * FROM ") + reader;
        sql.replace(sql.find("{}"), 2, path);
        const auto result = run(with_paths(sql));
        EXPECT_FALSE(result.ok()) << sql;
        if (result.ok()) return std::string();
        EXPECT_EQ(result.error().code, Code::kStepFailed) << sql << ": " << result.error().message;
        std::string message = result.error().message;
        for (size_t at; (at = message.find("insider")) != std::string::npos;) message.replace(at, 7, "outside");
        return message;
      };
      std::string missing = pattern;
      if (const size_t at = missing.find("outside"); at != std::string::npos)
        missing.replace(at, 7, "insider");
      else if (const size_t out = missing.find("out*"); out != std::string::npos)
        missing.replace(out, 4, "ins*");
      std::string expected = refusal(missing);
      for (size_t at; (at = expected.find("ins*")) != std::string::npos;) expected.replace(at, 4, "out*");
      EXPECT_EQ(refusal(pattern), expected) << reader;
    }
}

TEST_F(DatabaseTest, RefusesEveryHostileStatementOfTheZooAndAcceptsItsLegalTwin) {
  for (const Twins& twins : kZoo) {
    const auto refused = run(with_paths(twins.hostile));
    ASSERT_FALSE(refused.ok()) << "accepted: " << twins.hostile;
    EXPECT_EQ(refused.error().code, Code::kStepFailed) << twins.hostile << ": " << refused.error().message;
    const auto accepted = run(with_paths(twins.legal));
    EXPECT_TRUE(accepted.ok()) << twins.legal << ": " << accepted.error().message;
  }
  // Nothing was written, and the other step still has what it had.
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) names.push_back(entry.path().filename());
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("outside.csv", "outside.json"));
  EXPECT_EQ(other_->rows(), 1u);
  StepDatabase reader(database_, "reader", {{{"df_other"}, other_}});
  const auto rows = reader.run_confined("SELECT * FROM df_other WHERE answer = 42");
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(*rows, 1u);
}

TEST_F(DatabaseTest, LetsATrustedConnectionReadAndWriteFiles) {
  StepDatabase step(database_, "step", {});
  const std::string sql = "COPY (SELECT * FROM read_csv('" + (directory_ / "outside.csv").string() + "')) TO '" +
                          (directory_ / "copy.csv").string() + "'";
  duckdb_result result;
  EXPECT_EQ(duckdb_query(step.handle(), sql.c_str(), &result), DuckDBSuccess) << duckdb_result_error(&result);
  duckdb_destroy_result(&result);
  EXPECT_TRUE(std::filesystem::exists(directory_ / "copy.csv"));
}

TEST_F(DatabaseTest, KeepsTheLastStatementsRows) {
  EXPECT_EQ(value("CREATE TABLE t AS SELECT 1 AS i; INSERT INTO t VALUES (2); SELECT sum(i) FROM t"), "3");
  EXPECT_EQ(value("CREATE TABLE t(i INT); INSERT INTO t VALUES (7) RETURNING i"), "7");
  EXPECT_EQ(value("SELECT 1 AS a, 2 AS a"), "1");
}

TEST_F(DatabaseTest, SaysWhatToDoWhenTheLastStatementGivesNoRows) {
  const auto rows = run("SELECT 1; CREATE TABLE t(i INT)");
  ASSERT_FALSE(rows.ok());
  EXPECT_THAT(rows.error().message, HasSubstr("its last statement is CREATE"));
  EXPECT_THAT(rows.error().hint, HasSubstr("SELECT"));
}

TEST_F(DatabaseTest, RefusesATextWithoutStatements) {
  EXPECT_THAT(run(" -- nothing\n;").error().message, HasSubstr("no statement"));
}

TEST_F(DatabaseTest, NamesTheInputsWhenATableIsUnknown) {
  const auto rows = run("SELECT * FROM df_unknown");
  ASSERT_FALSE(rows.ok());
  EXPECT_THAT(rows.error().message, HasSubstr("there is no table df_unknown"));
  EXPECT_THAT(rows.error().hint, HasSubstr("df_numbers, input_df"));
}

TEST_F(DatabaseTest, ShowsNoRandomNamesInErrors) {
  for (const char* sql : {"SELECT * FROM df_nmbers", "SELECT nme FROM df_numbers", "SELECT * FROM {other}",
                          "CREATE TABLE t AS SELECT 1; SELECT x FROM t"}) {
    const auto rows = run(with_paths(sql));
    ASSERT_FALSE(rows.ok()) << sql;
    EXPECT_THAT(rows.error().message, Not(HasSubstr("osiris_"))) << sql;
  }
}

TEST(WithoutRandomNames, TakesOutQualifiersAndLeavesOtherText) {
  const std::string name = "osiris_0123456789abcdef0123456789abcdef";
  EXPECT_EQ(without_random_names("table \"" + name + "\".main.df_x and " + name + ".df_y"), "table df_x and df_y");
  EXPECT_EQ(without_random_names("osiris_runs, osiris_"), "osiris_runs, osiris_");
}

TEST_F(DatabaseTest, FreesARelationWithItsLastReader) {
  auto relation = make("big", "SELECT range AS i FROM range(1000)");
  const std::string name = relation->database();
  const auto attached = [&] {
    auto connection = database_->connect();
    return *(*connection)
                ->single_number("SELECT count(*) FROM duckdb_databases() WHERE database_name = '" + name + "'");
  };
  {
    StepDatabase reader(database_, "reader", {{{"df_big"}, relation}});
    relation.reset();
    EXPECT_TRUE(reader.run_confined("SELECT count(*) FROM df_big").ok());
    EXPECT_EQ(attached(), 1u);
  }
  EXPECT_EQ(attached(), 0u);
}

TEST_F(DatabaseTest, HasNoOutputWhenTheDriverMadeNoTable) {
  StepDatabase step(database_, "step", {});
  EXPECT_EQ(step.output_table().table, "df_step");
  const auto output = step.take_output();
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(*output, nullptr);
}

TEST_F(DatabaseTest, InterruptsAStatementFromAnotherThread) {
  StepDatabase step(database_, "step", {});
  std::atomic<bool> done{false};
  std::thread interrupter([&] {
    while (!done) step.interrupt();
  });
  const auto rows =
      step.run_confined("SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range * b.range = -1");
  done = true;
  interrupter.join();
  ASSERT_FALSE(rows.ok());
  EXPECT_EQ(rows.error().code, Code::kCancelled);
}

TEST_F(DatabaseTest, WorksInUtcWhateverTheMachineSays) {
  EXPECT_EQ(value("SELECT '2024-07-01 00:00:00+00'::TIMESTAMPTZ::VARCHAR"), "2024-07-01 00:00:00+00");
  EXPECT_EQ(value("SELECT ('2024-07-01 00:00:00+00'::TIMESTAMPTZ AT TIME ZONE 'Europe/Prague')::VARCHAR"),
            "2024-07-01 02:00:00");
}

TEST_F(DatabaseTest, IdsThatShareANameAreToldApartInTheHint) {
  StepDatabase reader(database_, "reader", {{{"df_a_b_1b"}, input_, "a-b"}, {{"df_a_b_2c"}, other_, "a_b"}});
  const auto rows = reader.run_confined("SELECT * FROM df_a_b");
  ASSERT_FALSE(rows.ok());
  EXPECT_THAT(rows.error().hint, HasSubstr("This step reads df_a_b_1b (step a-b), df_a_b_2c (step a_b)"));
}

TEST_F(DatabaseTest, RelationsSurviveATripAsParquet) {
  const auto file = directory_ / "it's.parquet";
  const Status written = database_->export_parquet(*input_, file);
  ASSERT_TRUE(written.ok()) << written.error().message;
  const auto back = database_->import_parquet(file, "df_numbers");
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ((*back)->rows(), 100u);
}

TEST_F(DatabaseTest, RefusesARelationThatIsNoParquet) {
  const auto back = database_->import_parquet(directory_ / "outside.csv", "df_x");
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().code, Code::kInvalidArgument);
}

TEST(DatabaseMemory, SpillsToDiskPastTheLimitAndSaysSo) {
  char name[] = "/tmp/osiris-spill-XXXXXX";
  const std::filesystem::path directory = ::mkdtemp(name);
  {
    auto database = std::make_shared<Database>(DatabaseOptions{64ull << 20, 2, directory / "spill"});
    StepDatabase step(database, "step", {});
    const auto rows = step.run_confined(
        "SELECT range AS i, hash(range) AS h, 'text number ' || hash(range) AS t FROM range(1500000)");
    ASSERT_TRUE(rows.ok()) << rows.error().message;
    EXPECT_GT(database->spill_bytes(), 0u);
    EXPECT_FALSE(std::filesystem::is_empty(directory / "spill"));
  }
  EXPECT_FALSE(std::filesystem::exists(directory / "spill"));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace osiris::worker

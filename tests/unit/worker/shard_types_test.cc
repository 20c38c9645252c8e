// The types of columns that nothing declares, in shards as in one read of all files.
#include "tests/unit/worker/shards_fixture.h"

namespace osiris::worker {
namespace {

struct TypeCase {
  std::vector<std::string> files;
  const char* type;
  const char* values;
};

// As one read of all rows gives them, which no two types of pieces tell.
TEST_F(ShardsTest, TypesAreThoseOfOneReadOfAllFiles) {
  const TypeCase cases[] = {
      {{"c\n007\n", "c\nx\n"}, "VARCHAR", "007;x"},
      {{"c\n1\n", "c\n2.5\n"}, "DOUBLE", "1.0;2.5"},
      {{"c\n1\n", "c\n2\n"}, "BIGINT", "1;2"},
      {{"c\ntrue\n", "c\n1\n"}, "VARCHAR", "true;1"},
      {{"c\n18446744073709551615\n", "c\n-1\n"}, "VARCHAR", "18446744073709551615;-1"},
      {{"c\n18446744073709551615\n", "c\n1\n"}, "UBIGINT", "18446744073709551615;1"},
      {{"c\n99999999999999999999\n", "c\n0.5\n"}, "DOUBLE", "1e+20;0.5"},
      {{"c\n\"\"\n", "c\nx\n"}, "VARCHAR", "NULL;x"},
      {{"c\nx\n", "c\n\"\"\n"}, "VARCHAR", "x;NULL"},
      {{"c\n\"\"\n", "c\n\"\"\n"}, "DOUBLE", "NULL;NULL"},
      {{"c\n", "c\n5\n"}, "BIGINT", "5"},
      {{"c\n5\n", "c\n"}, "BIGINT", "5"},
  };
  for (const TypeCase& one : cases) {
    files_.clear();
    outcomes_.clear();
    for (size_t i = 0; i < one.files.size(); ++i) write(std::to_string(i) + ".csv", one.files[i]);
    EXPECT_EQ(seen({reader()},
                   "SELECT any_value(typeof(c)) || ' ' || string_agg(coalesce(c::VARCHAR, 'NULL'), ';') "
                   "AS t FROM df_read"),
              std::string(one.type) + " " + one.values);
    EXPECT_EQ(result("read")["metrics"]["rows_read"].as_int(),
              std::count(one.values, one.values + strlen(one.values), ';') + 1);
  }
}

TEST_F(ShardsTest, DatesOfTwoOffsetsStayTextAsInOneFile) {
  write("a.csv", "d\n2025-01-01 10:00:00+01:00\n");
  write("b.csv", "d\n2025-01-02 10:00:00+02:00\n");
  const std::string type = "SELECT any_value(typeof(d)) AS t FROM df_read";
  EXPECT_EQ(seen({reader("filesystem.csv_extractor", parse(R"({"parse_dates":["d"]})"))}, type), "VARCHAR");
  files_.pop_back();
  outcomes_.clear();
  write("c.csv", "d\n2025-01-03 10:00:00+01:00\n");
  EXPECT_EQ(seen({reader("filesystem.csv_extractor", parse(R"({"parse_dates":["d"]})"))}, type),
            "TIMESTAMP WITH TIME ZONE");
}

TEST_F(ShardsTest, JsonFilesAreOneReadToo) {
  write("a.json", R"([{"n":1}])");
  write("b.json", R"([{"n":1.5}])");
  EXPECT_EQ(seen({reader("filesystem.json_extractor")},
                 "SELECT any_value(typeof(n)) || ' ' || string_agg(n::VARCHAR, ';') AS t FROM df_read"),
            "DOUBLE 1.0;1.5");
}

// Behind the first records of each file, by which types are settled first.
TEST_F(ShardsTest, AValueFarBehindChangesTheTypesOfAllShards) {
  std::string many = "c,d\n";
  for (int i = 0; i < 3000; ++i) many += "0" + std::to_string(i) + ",2025-01-01 10:00:00\n";
  write("a.csv", "c,d\n007,2025-01-01 10:00:00\n");
  write("b.csv", many + "x,2025-01-01 10:00:00+01:00\n");
  const std::string query =
      "SELECT any_value(typeof(c)) || any_value(typeof(d)) || min(c) FILTER (c LIKE '%7' AND length(c) = 3) || "
      "count(*) "
      "AS t FROM df_read";
  EXPECT_EQ(seen({reader("filesystem.csv_extractor", parse(R"({"parse_dates":["d"]})"))}, query),
            "VARCHARVARCHAR0073002");
  const auto names = sink_.event_names("read");
  EXPECT_EQ(std::count(names.begin(), names.end(), "shards_settled"), 2);
}

TEST_F(ShardsTest, WhereAllTypesAreDeclaredNothingIsLookedAt) {
  write("a.csv", "id\n1\n");
  write("b.csv", "id\n2\n");
  EXPECT_EQ(seen({reader("filesystem.csv_extractor", parse(R"({"columns":["id"],"dtype":{"id":"int64"}})"))},
                 "SELECT string_agg(id::VARCHAR, ';') AS t FROM df_read"),
            "1;2");
  EXPECT_TRUE(sink_.event("shards_settled").is_null());
}

TEST_F(ShardsTest, ParquetFilesAreOneReadToo) {
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  ASSERT_EQ(duckdb_open(nullptr, &database), DuckDBSuccess);
  ASSERT_EQ(duckdb_connect(database, &connection), DuckDBSuccess);
  const auto make = [&](const std::string& name, const std::string& select) {
    write(name, "");
    EXPECT_TRUE(sql::execute(connection, "COPY (" + select + ") TO " +
                                             sql::quote_literal((directory_ / "work" / name).string()) +
                                             " (FORMAT parquet)")
                    .ok());
  };
  make("a.parquet", "SELECT 1::INTEGER AS n, 'a' AS only_here");
  make("b.parquet", "SELECT 4294967296::BIGINT AS n");
  duckdb_disconnect(&connection);
  duckdb_close(&database);
  EXPECT_EQ(
      seen({reader("filesystem.parquet_extractor")},
           "SELECT any_value(typeof(n)) || ' ' || string_agg(n || coalesce(only_here, '-'), ';') AS t FROM df_read"),
      "BIGINT 1a;4294967296-");
}

}  // namespace
}  // namespace osiris::worker

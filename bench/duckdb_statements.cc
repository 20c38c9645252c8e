// duckdb_statements MODE INPUT OUTPUT THREADS MEMORY: the baselines of the rows about SQL.
//
//   three   load, query, write: the three statements that the pipeline's steps come to, on an in-memory database
//   forty   40 short statements, each of the rows of the one before
//   fused   one statement, which is what the machine could do if nothing had to be kept in between
//   parquet makes eight Parquet files of INPUT rows together in the directory OUTPUT, 20 columns of random numbers each
//   group   groups by one of those columns and adds up another
#include <duckdb.h>

#include <cstdio>
#include <string>

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const std::string mode = argv[1], input = argv[2], output = argv[3];
  duckdb_config config;
  duckdb_create_config(&config);
  duckdb_set_config(config, "threads", argv[4]);
  duckdb_set_config(config, "memory_limit", argv[5]);
  duckdb_set_config(config, "temp_directory", (output + ".spill").c_str());
  duckdb_database database;
  duckdb_connection connection;
  if (duckdb_open_ext(nullptr, &database, config, nullptr) != DuckDBSuccess) return 1;
  duckdb_connect(database, &connection);
  const auto run = [&](const std::string& sql) {
    duckdb_result result;
    if (duckdb_query(connection, sql.c_str(), &result) != DuckDBSuccess) {
      std::fprintf(stderr, "%s\n", duckdb_result_error(&result));
      return false;
    }
    duckdb_destroy_result(&result);
    return true;
  };
  const std::string query =
      "SELECT customer, COUNT(*) AS orders, SUM(amount) AS amount, MAX(quantity) AS largest FROM ";
  const std::string rest = " GROUP BY customer ORDER BY customer";
  const std::string read = "read_csv('" + input + "', header = true)";
  bool ok;
  if (mode == "three") {
    ok = run("CREATE TABLE loaded AS SELECT * FROM " + read) &&
         run("CREATE TABLE grouped AS " + query + "loaded" + rest) && run("COPY grouped TO '" + output + "' (HEADER)");
  } else if (mode == "forty") {
    ok = run("CREATE TABLE s0 AS SELECT range AS a FROM range(1000)");
    for (int i = 1; ok && i < 40; ++i)
      ok = run("CREATE TABLE s" + std::to_string(i) + " AS SELECT a + 1 AS a FROM s" + std::to_string(i - 1));
  } else if (mode == "parquet") {
    std::string columns;
    for (int i = 0; i < 20; ++i)
      columns +=
          (i ? ", " : "") + std::string("hash(range, ") + std::to_string(i) + ")::UBIGINT AS c" + std::to_string(i);
    ok = true;
    for (int i = 0; ok && i < 8; ++i)
      ok = run("COPY (SELECT " + columns + " FROM range(" + std::to_string(i) + " * " + input + " // 8, " +
               std::to_string(i + 1) + " * " + input + " // 8)) TO '" + output + "/part-" + std::to_string(i) +
               ".parquet'");
  } else if (mode == "group") {
    ok = run("COPY (SELECT c3 % 1000 AS key, sum(c7 % 1000) AS total FROM read_parquet('" + input +
             "') GROUP BY 1 ORDER BY 1) TO '" + output + "' (HEADER)");
  } else {
    ok = run("COPY (" + query + read + rest + ") TO '" + output + "' (HEADER)");
  }
  duckdb_disconnect(&connection);
  duckdb_close(&database);
  duckdb_destroy_config(&config);
  return ok ? 0 : 1;
}

// csv_statements MODE INPUT OUTPUT THREADS MEMORY: the inputs and baselines of the rows about CSV files, in DuckDB.
//
//   wide, plain, late   makes OUTPUT with INPUT rows: 12 mixed columns; 200 of integers; the same, and 50 of them get
//                       decimals in the last tenth. As JSON, a record a line, where its name ends with .ndjson
//   filter              INPUT → filter → OUTPUT, one statement
//   copy                INPUT → OUTPUT, compressed as their names say
#include <duckdb.h>

#include <cstdio>
#include <string>

namespace {

std::string wide(const std::string& rows) {
  return "SELECT i AS c0, hash(i) % 100 AS c1, (hash(i + 1) % 1000000) / 100 AS c2, 'name ' || hash(i) % 5000 AS c3, "
         "i % 2 = 0 AS c4, hash(i + 2) % 100000 AS c5, 'a text of some words' AS c6, (hash(i) % 900) / 10 AS c7, "
         "'k' || i % 77 AS c8, i * 3 AS c9, CASE WHEN i % 16 = 0 THEN NULL ELSE i END AS c10, 'end' AS c11 "
         "FROM range(" +
         rows + ") t(i)";
}

std::string many(const std::string& rows, bool late) {
  std::string select;
  for (int i = 0; i < 200; ++i) {
    const std::string value = "CAST((i * " + std::to_string(i + 7) + ") % 100003 AS VARCHAR)";
    select +=
        (i ? ", " : "SELECT ") +
        (late && i % 4 == 0 ? "CASE WHEN i >= " + rows + " / 10 * 9 THEN " + value + " || '.5' ELSE " + value + " END"
                            : value) +
        " AS c" + std::to_string(i);
  }
  return select + " FROM range(" + rows + ") t(i)";
}

std::string compression(const std::string& path) {
  return path.ends_with(".gz") ? "gzip" : path.ends_with(".zst") ? "zstd" : "none";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const std::string mode = argv[1], input = argv[2], output = argv[3];
  const std::string read = "read_csv('" + input + "', header = true)";
  const std::string select = mode == "wide"    ? wide(input)
                             : mode == "plain" ? many(input, false)
                             : mode == "late"  ? many(input, true)
                             : mode == "copy"  ? "SELECT * FROM " + read
                                               : "SELECT * FROM " + read + " WHERE c1 < 75";
  duckdb_config config;
  duckdb_create_config(&config);
  duckdb_set_config(config, "threads", argv[4]);
  duckdb_set_config(config, "memory_limit", argv[5]);
  duckdb_set_config(config, "temp_directory", (output + ".spill").c_str());
  duckdb_database database;
  duckdb_connection connection;
  if (duckdb_open_ext(nullptr, &database, config, nullptr) != DuckDBSuccess) return 1;
  duckdb_connect(database, &connection);
  duckdb_result result;
  const std::string format =
      output.ends_with(".ndjson") ? "FORMAT json" : "FORMAT csv, HEADER, COMPRESSION '" + compression(output) + "'";
  const std::string copy = "COPY (" + select + ") TO '" + output + "' (" + format + ")";
  const bool ok = duckdb_query(connection, copy.c_str(), &result) == DuckDBSuccess;
  if (!ok) std::fprintf(stderr, "%s\n", duckdb_result_error(&result));
  duckdb_destroy_result(&result);
  duckdb_disconnect(&connection);
  duckdb_close(&database);
  duckdb_destroy_config(&config);
  return ok ? 0 : 1;
}

#include "tests/e2b/parity_table.h"

#include <fstream>
#include <regex>

#include "protocol/base/text.h"
#include "tests/e2e/project.h"

namespace osiris::e2b_test {
namespace {

const std::string kPeople = "id,name,score\n1,Ann,1.5\n2,Bob,\n3,\"C, D\",3.25\n";

ParityRow csv(const std::string& name, const std::string& query, int exit = 0, const std::string& read_config = "",
              const std::string& write_config = "") {
  ParityRow row;
  row.name = name;
  row.pipeline = e2e::oml(
      "chain", {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    config: {path: people.csv" +
                    read_config + "}\n",
                "  - id: query\n    component: duckdb.processor\n    mode: transform\n    needs: [read]\n    config: "
                "{query: \"" +
                    query + "\"}\n",
                "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n    needs: [query]\n    config: "
                "{path: out/result.csv" +
                    write_config + "}\n"});
  row.exit = exit;
  row.files = {{"people.csv", kPeople}};
  return row;
}

// The same chain with data checks on its query.
ParityRow checked(const std::string& name, const std::string& checks, int exit = 0) {
  ParityRow row = csv(name, "SELECT * FROM df_read ORDER BY id", exit);
  const std::string at = "    needs: [read]\n";
  row.pipeline.insert(row.pipeline.find(at) + at.size(), "    checks: [" + checks + "]\n");
  return row;
}

ParityRow with_people(ParityRow row, const std::string& content) {
  row.files["people.csv"] = content;
  return row;
}

ParityRow without_people(ParityRow row) {
  row.files.clear();
  return row;
}

// A script over people.csv; `config` and `extra` are further lines of the step.
ParityRow python(const std::string& name, const std::string& code, int exit, const std::string& format = "ndjson",
                 const std::string& config = "", const std::string& extra = "") {
  std::string indented;
  for (const std::string& line : split(code, '\n')) indented += "        " + line + "\n";
  ParityRow row;
  row.name = name;
  row.pipeline = e2e::oml(
      "python",
      {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    config: {path: people.csv}\n",
       "  - id: think\n    component: python.processor\n    mode: transform\n    needs: [read]\n" + extra +
           "    config:\n      format: " + format + "\n" + config + "      code: |\n" + indented,
       "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n    needs: [think]\n"
       "    config: {path: out/result.csv}\n"});
  row.exit = exit;
  row.files = {{"people.csv", kPeople}};
  return row;
}

const std::string kCopy =
    "import os, shutil\nprint('copying')\nshutil.copyfile(os.environ['OSIRIS_INPUT'], os.environ['OSIRIS_OUTPUT'])";

// One mock step.
ParityRow mock(const std::string& name, const std::string& config, int exit = 0, const std::string& extra = "") {
  ParityRow row;
  row.name = name;
  row.pipeline = e2e::oml("mock", {e2e::mock_step("a", config, "", extra)});
  row.exit = exit;
  return row;
}

// A mock step that others need.
ParityRow mock_chain(const std::string& name, const std::string& config, int exit) {
  ParityRow row = mock(name, config, exit);
  row.pipeline = e2e::oml(
      "mock", {e2e::mock_step("a", config), e2e::mock_step("b", "rows: 3", "a"), e2e::mock_step("c", "rows: 1", "b")});
  return row;
}

ParityRow example(const std::string& name, const std::string& folder, int exit = 0,
                  const std::vector<std::string>& arguments = {}) {
  ParityRow row;
  row.name = name;
  row.example = folder;
  row.exit = exit;
  row.arguments = arguments;
  return row;
}

// Steps on a real PostgreSQL, which the test starts for rows of this name.
ParityRow postgres(const std::string& name, const std::string& pipeline, int exit = 0) {
  ParityRow row;
  row.name = "Postgres" + name;
  row.files["osiris_connections.yaml"] =
      "version: 1\nconnections:\n  postgres:\n    lake: {host: '${LAKE_HOST}', port: '${LAKE_PORT}', database: shop, "
      "user: app, password: '${LAKE_PASSWORD}'}\n";
  row.pipeline = pipeline;
  row.exit = exit;
  return row;
}

// The same on a real MariaDB.
ParityRow mysql(const std::string& name, const std::string& pipeline, int exit = 0) {
  ParityRow row = postgres(name, pipeline, exit);
  row.name = "Mysql" + name;
  std::string& connections = row.files["osiris_connections.yaml"];
  connections.replace(connections.find("postgres:"), 9, "mysql:");
  return row;
}

// By PostgREST, of which the test has a stand-in over that PostgreSQL.
ParityRow supabase(const std::string& name, const std::string& pipeline, int exit = 0) {
  ParityRow row = postgres(name, pipeline, exit);
  row.name = "Supabase" + name;
  row.files["osiris_connections.yaml"] =
      "version: 1\nconnections:\n  supabase:\n    lake: {url: '${LAKE_URL}', service_role_key: '${LAKE_KEY}'}\n";
  return row;
}

const std::string kSupabaseCopy = R"(oml_version: "0.1.0"
name: lake
steps:
  - id: pull
    component: supabase.extractor
    mode: read
    config: {connection: "@supabase.lake", table: readings, select: "id,at,kwh", order: id, limit: 200}
  - id: store
    component: supabase.writer
    mode: write
    needs: [pull]
    config: {connection: "@supabase.lake", table: copied, write_mode: replace, primary_key: id, batch_size: 200}
  - id: again
    component: supabase.extractor
    mode: read
    needs: [store]
    config: {connection: "@supabase.lake", table: copied}
  - id: write
    component: filesystem.csv_writer
    mode: write
    needs: [again]
    config: {path: out/copied.csv, column_order: query}
)";

const std::string kMysqlCopy = R"(oml_version: "0.1.0"
name: lake
steps:
  - id: pull
    component: mysql.extractor
    mode: read
    config: {connection: "@mysql.lake", table: readings}
  - id: store
    component: mysql.writer
    mode: write
    needs: [pull]
    config: {connection: "@mysql.lake", table: copied, write_mode: replace, create_table: true, primary_key: id}
  - id: again
    component: mysql.extractor
    mode: read
    needs: [store]
    config: {connection: "@mysql.lake", query: "SELECT * FROM copied ORDER BY id"}
  - id: write
    component: filesystem.csv_writer
    mode: write
    needs: [again]
    config: {path: out/copied.csv, column_order: query}
)";

const std::string kPostgresToCsv = R"(oml_version: "0.1.0"
name: lake
steps:
  - id: pull
    component: postgres.extractor
    mode: read
    config: {connection: "@postgres.lake", query: "SELECT * FROM readings ORDER BY id"}
  - id: write
    component: filesystem.csv_writer
    mode: write
    needs: [pull]
    config: {path: out/readings.csv, column_order: query}
)";

const std::string kPostgresCopy = R"(oml_version: "0.1.0"
name: lake
steps:
  - id: pull
    component: postgres.extractor
    mode: read
    config: {connection: "@postgres.lake", table: readings}
  - id: store
    component: postgres.writer
    mode: write
    needs: [pull]
    config: {connection: "@postgres.lake", table: copied, write_mode: replace, primary_key: id}
  - id: again
    component: postgres.extractor
    mode: read
    needs: [store]
    config: {connection: "@postgres.lake", query: "SELECT * FROM copied ORDER BY id"}
  - id: write
    component: filesystem.csv_writer
    mode: write
    needs: [again]
    config: {path: out/copied.csv, column_order: query}
)";

ParityRow with_environment(ParityRow row, const std::vector<std::string>& names) {
  for (const std::string& name : names) row.environment[name] = "value-of-" + name;
  return row;
}

ParityRow with_secret(ParityRow row) {
  row.environment["PARITY_TOKEN"] = "canary-a-value-nobody-may-see";
  row.arguments = {"--{adapter}-pass-env", "PARITY_TOKEN"};
  return row;
}

ParityRow with_arguments(ParityRow row, const std::vector<std::string>& arguments) {
  row.arguments = arguments;
  return row;
}

}  // namespace

void PrintTo(const ParityRow& row, std::ostream* out) { *out << row.name; }

std::vector<ParityRow> parity_table() {
  std::vector<ParityRow> rows = {
      example("Example01", "01-csv-duckdb-csv"),
      example("Example02", "02-mysql-duckdb-csv"),   // from a real MariaDB, which the test starts
      example("Example03", "03-mysql-to-supabase"),  // from a real MariaDB into a real PostgreSQL
      example("Example04", "04-multi-input-join"),
      with_environment(example("Example05", "05-graphql-to-csv"), {"GARDEN_TOKEN"}),  // from an API of the test's
      example("Example06", "06-params-profiles"),
      example("Example07", "07-python"),
      example("Example06Prod", "06-params-profiles", 0, {"--profile", "prod", "--param", "region=EU"}),

      mysql("Copy", kMysqlCopy),
      mysql("Incremental", std::regex_replace(kMysqlCopy, std::regex("table: readings"),
                                              "table: readings, incremental: {column: at, key: [id]}")),
      mysql("CopyRefused", std::regex_replace(kMysqlCopy, std::regex("create_table: true"), "create_table: false"), 1),
      postgres("Extract", kPostgresToCsv),
      postgres("Incremental",
               std::regex_replace(kPostgresToCsv, std::regex("query: \"SELECT \\* FROM readings ORDER BY id\""),
                                  "table: readings, incremental: {column: id, key: [id]}")),
      postgres("Copy", kPostgresCopy),
      postgres("CopyRefused", std::regex_replace(kPostgresCopy, std::regex("primary_key: id"), "primary_key: quality"),
               1),
      postgres("ExtractRefused", std::regex_replace(kPostgresToCsv, std::regex("FROM readings"), "FROM no_such"), 1),

      supabase("Copy", kSupabaseCopy),
      supabase("CopyRefused", std::regex_replace(kSupabaseCopy, std::regex("table: copied, w"), "table: absent, w"), 1),
      supabase("ExtractRefused", std::regex_replace(kSupabaseCopy, std::regex("table: readings"), "table: no_such"), 1),

      csv("CsvChain", "SELECT * FROM df_read ORDER BY id"),
      csv("Crlf", "SELECT * FROM df_read ORDER BY id", 0, "", ", newline: crlf, delimiter: ';', encoding: utf-16"),
      csv("NoRows", "SELECT * FROM df_read WHERE id > 100"),
      checked("Checks", "{unique: id}, {not_null: name}, {row_count: 3}, {relationships: {column: id, to: read}}"),
      checked("ChecksWarn", "{not_null: score, severity: warn, store_failures: true}, {row_count: 4, severity: warn}"),
      checked("ChecksFail", "{range: {column: score, min: 2}, store_failures: true}, {sql: 'SELECT 1 FROM this'}", 1),
      checked("CheckOfNoColumn", "{unique: no_such, severity: warn}", 1),
      csv("SqlError", "SELECT missing_column FROM df_read", 1),
      csv("SqlTouchesFiles", "SELECT * FROM 'people.csv'", 1),
      without_people(csv("MissingFile", "SELECT 1", 1)),
      with_people(csv("EmptyFile", "SELECT * FROM df_read"), ""),
      with_people(csv("Ragged", "SELECT * FROM df_read", 1), "id,name\n1,Ann\n2\n3,C,D,E\n"),
      with_people(csv("WrongEncoding", "SELECT * FROM df_read", 1, ", encoding: ascii"), "id,name\n1,J\xc3\xb6rg\n"),
      csv("MissingDirectory", "SELECT 1 AS one", 1, "", ", create_dirs: false"),

      python("PythonParquet", kCopy, 0, "parquet"),
      python("PythonCsv", kCopy, 0, "csv"),
      python("PythonArtifact",
             kCopy + "\nopen(os.environ['OSIRIS_ARTIFACTS_DIR'] + '/model.txt', 'w').write('weights')", 0),
      python("PythonFails", "def inner():\n    raise ValueError('no luck')\ninner()", 1),
      python("PythonExits", "import sys\nsys.exit(5)", 1),
      python("PythonIsKilled", "import os\nos.kill(os.getpid(), 9)", 1),
      python("PythonLacksAModule", "import no_such_module", 1),
      python("PythonLacksPackages", "pass", 1, "ndjson", "      requirements: [no-such-package]\n"),
      python("PythonLacksItsInterpreter", "pass", 1, "ndjson", "      python: python9.9\n"),
      python("PythonLeavesNothing", "pass", 1),
      python("PythonLeavesGarbage", "import os\nopen(os.environ['OSIRIS_OUTPUT'], 'w').write('garbage')", 1, "parquet"),
      python("PythonTimesOut", "import time\ntime.sleep(1000)", 1, "ndjson", "", "    timeout: 3\n"),

      mock("MockRows", "rows: 1000"),
      mock("MockOutput", "write: out/mock.txt, text: hello"),
      mock("MockEvents", "events: 500"),
      mock("MockFlood", "events: 20000"),
      mock("MockSays", "say: 'twice over, in a list and as a key', rows: 1"),
      mock("MockSleeps", "sleep_ms: 50, rows: 1"),
      mock("MockWaits", "wait_for: /usr/bin/env, rows: 1"),
      mock("MockAllocates", "allocate_bytes: 50000000"),
      mock("MockChild", "child: true, rows: 1"),
      mock_chain("MockFails", "fail: no luck today", 1),
      mock_chain("MockFailsWithACode", "fail: the disk is full, fail_code: exhausted", 1),
      mock_chain("MockFailsAfterRows", "rows: 100, fail_after_rows: 40", 1),
      mock("MockRetried", "fail_first: 2, rows: 5", 0, "retry: {max_attempts: 3, delay: 0}"),
      mock("MockRetriedInVain", "fail_first: 5, rows: 5", 1, "retry: {max_attempts: 2, delay: 0}"),
      mock("MockHangsPolitely", "hang: politely", 1, "timeout: 1"),
      with_arguments(mock("MockHangsDeaf", "hang: deaf", 124), {"--timeout", "3"}),
      mock("MockHangsInAQuery", "hang: query", 1, "timeout: 1"),
      with_secret(mock("MockPrintsSecrets", "print_secrets: true", 1)),
      mock("MockGarbage", "garbage: true, rows: 2"),
      mock_chain("MockExits", "exit: 7", 3),
      mock_chain("MockExitsWithZero", "exit: 0", 3),
      mock("MockCrashes", "signal: 11", 3),
      mock("MockIsKilled", "signal: 9", 3),
      mock("MockAborts", "signal: 6", 3),
  };
  for (ParityRow& row : file_rows()) rows.push_back(std::move(row));
  for (ParityRow& row : shard_rows()) rows.push_back(std::move(row));
  for (ParityRow& row : split_rows()) rows.push_back(std::move(row));
  return rows;
}

std::set<std::string> mock_menu() {
  std::set<std::string> menu;
  std::ifstream spec(e2e::source_dir() / "worker/drivers/mock/spec.yaml");
  const std::regex property(R"(^    ([a-z_]+): \{type: ([a-z]+)(, enum: \[([a-z, ]+)\])?.*)"), word("[a-z]+");
  for (std::string line; std::getline(spec, line);) {
    std::smatch found;
    if (!std::regex_match(line, found, property)) continue;
    const std::string key = found[1], choices = found[4];
    if (choices.empty()) menu.insert(key + ":");
    for (auto at = std::sregex_iterator(choices.begin(), choices.end(), word); at != std::sregex_iterator(); ++at)
      menu.insert(key + ": " + at->str());
  }
  return menu;
}

}  // namespace osiris::e2b_test

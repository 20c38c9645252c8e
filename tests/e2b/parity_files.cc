// Rows of the parity test whose steps read and write files of other forms, or run programs.
#include <sqlite3.h>

#include "protocol/base/text.h"
#include "tests/e2b/parity_table.h"
#include "tests/e2e/project.h"

namespace osiris::e2b_test {
namespace {

const std::string kPeople = "id,name,score\n1,Ann,1.5\n2,Bob,\n3,\"C, D\",3.25\n";

std::string step(const std::string& id, const std::string& component, const std::string& mode,
                 const std::string& config, const std::string& needs = "") {
  return "  - id: " + id + "\n    component: " + component + "\n    mode: " + mode + "\n" +
         (needs.empty() ? "" : "    needs: [" + needs + "]\n") + "    config: {" + config + "}\n";
}

// One component reads, the CSV writer writes.
ParityRow reads(const std::string& name, const std::string& component, const std::string& config, int exit,
                std::map<std::string, std::string> files) {
  ParityRow row;
  row.name = name;
  row.pipeline = e2e::oml(
      "reads", {step("read", component, "read", config),
                step("write", "filesystem.csv_writer", "write", "path: out/result.csv, column_order: query", "read")});
  row.exit = exit;
  row.files = std::move(files);
  return row;
}

// The CSV extractor reads people, one component writes.
ParityRow writes(const std::string& name, const std::string& component, const std::string& config, int exit = 0) {
  ParityRow row;
  row.name = name;
  row.pipeline = e2e::oml("writes", {step("read", "filesystem.csv_extractor", "read", "path: people.csv"),
                                     step("write", component, "write", config, "read")});
  row.exit = exit;
  row.files = {{"people.csv", kPeople}};
  return row;
}

// Into a file that is no database. A database's own bytes differ from run to run, so only a failure is compared.
ParityRow duckdb_write_fails() {
  ParityRow row = writes("DuckdbWriteFails", "duckdb.writer", "path: odd.duckdb, table: people", 1);
  row.files["odd.duckdb"] = "this is no database\n";
  return row;
}

// A file that a web server has, by its address; the test puts its port in the place of 18099.
ParityRow fetches(const std::string& name, const std::string& component, const std::string& file, int exit = 0) {
  ParityRow row = reads("Http" + name, component, "path: \"http://127.0.0.1:18099/lake/" + file + "\"", exit, {});
  return row;
}

// Of PostHog, for which the test stands in.
ParityRow posthog(const std::string& name, const std::string& config, int exit = 0) {
  ParityRow row = reads("Posthog" + name, "posthog.extractor", "connection: \"@posthog.shop\", " + config, exit,
                        {{"osiris_connections.yaml",
                          "version: 1\nconnections:\n  posthog:\n    shop: {api_key: '${LAKE_KEY}', project_id: 7, "
                          "custom_base_url: '${LAKE_URL}'}\n"}});
  return row;
}

// Over a service of objects, which the test starts: it has "lake/in.csv".
ParityRow objects(const std::string& name, const std::string& component, const std::string& in, const std::string& out,
                  int exit = 0) {
  const std::string lake = ", connection: \"@filesystem.lake\"";
  ParityRow row;
  row.name = "S3" + name;
  row.pipeline = e2e::oml(
      "objects", {step("read", "filesystem.csv_extractor", "read", "path: \"" + in + "\"" + lake),
                  step("here", "filesystem.csv_writer", "write", "path: out/result.csv, column_order: query", "read"),
                  step("there", component, "write", "path: \"" + out + "\"" + lake, "read")});
  row.exit = exit;
  row.files = {{"osiris_connections.yaml",
                "version: 1\nconnections:\n  filesystem:\n    lake: {endpoint: '${LAKE_URL}', access_key_id: "
                "PARITYKEY, secret_access_key: '${LAKE_KEY}'}\n"}};
  return row;
}

ParityRow runs(const std::string& name, const std::string& script, int exit = 0) {
  ParityRow row;
  row.name = name;
  row.pipeline = e2e::oml("runs", {step("read", "filesystem.csv_extractor", "read", "path: people.csv"),
                                   step("work", "exec.processor", "transform",
                                        "command: [./work.sh, one, two], files: [work.sh], format: ndjson", "read"),
                                   step("write", "filesystem.csv_writer", "write", "path: out/result.csv", "work")});
  row.exit = exit;
  row.files = {{"people.csv", kPeople}, {"work.sh", "#!/bin/sh\n" + script + "\n"}};
  return row;
}

ParityRow tap(const std::string& name, const std::string& script, int exit = 0) {
  ParityRow row;
  row.name = name;
  row.pipeline =
      e2e::oml("taps", {step("read", "singer.extractor", "read",
                             "tap: tap.py, files: [tap.py], stream: users, discover: false, config: {last: 3}"),
                        step("write", "filesystem.csv_writer", "write", "path: out/result.csv", "read")});
  row.exit = exit;
  row.files = {
      {"tap.py",
       "#!/usr/bin/env python3\nimport json, sys\nsay = lambda **m: print(json.dumps(m))\n"
       "last = json.load(open(sys.argv[2]))['last']\n"
       "say(type='SCHEMA', stream='users', key_properties=[], schema={'properties': {'id': {'type': 'integer'}, "
       "'at': {'type': 'string', 'format': 'date-time'}}})\n" +
           script + "\n"}};
  return row;
}

// The bytes of a database file.
std::string sqlite_file(const std::string& sql) {
  sqlite3* database = nullptr;
  sqlite3_open(":memory:", &database);
  sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr);
  sqlite3_int64 size = 0;
  unsigned char* bytes = sqlite3_serialize(database, "main", &size, 0);
  std::string file(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
  sqlite3_free(bytes);
  sqlite3_close(database);
  return file;
}

}  // namespace

// Made by filesystem.parquet_writer of "id,name\n1,Ann\n2,\n".
const std::string& parquet_file() {
  static const std::string file = *base64_decode(
      "UEFSMRUAFSwVMCwVBBUAFQYVBgAAFlQCAAAABAEBAAAAAAAAAAIAAAAAAAAAFQAVWBUoLBUEFQAVBhUGAAAsGCEAAABBAQB2AQAY"
      "AwAAAEFubhUCGTw1ABgNZHVja2RiX3NjaGVtYRUEABUEJQIYAmlkJSQAFQwlAhgEbmFtZSUAABYEGRwZLCYAHBUEGRUAGRgCaWQV"
      "AhYEFk4WUiYIPBgIAgAAAAAAAAAYCAEAAAAAAAAAFgAoCAIAAAAAAAAAGAgBAAAAAAAAABERAAAAJgAcFQwZFQAZGARuYW1lFQIW"
      "BBZ6FkomWjwYA0FubhgDQW5uFgIoA0FubhgDQW5uEREAAAAWyAEWBCYIFpwBACgeRHVja0RCIHZlcnNpb24gdjEuNS42IChidWls"
      "ZCApGSwcAAAcAAAA5gAAAFBBUjE=");
  return file;
}

std::vector<ParityRow> file_rows() {
  const std::string shop =
      sqlite_file("CREATE TABLE t (id INTEGER, name TEXT); INSERT INTO t VALUES (1, 'Ann'), (2, NULL)");
  const std::string odd = sqlite_file("CREATE TABLE t (id INTEGER); INSERT INTO t VALUES (1), ('two')");
  return {
      reads(
          "JsonFiles", "filesystem.json_extractor", "path: in/*.*json", 0,
          {{"in/b.json", "[{\"id\": 3, \"name\": \"C\"}]"}, {"in/a.ndjson", "{\"id\": 1}\n{\"id\": 2, \"x\": [1]}\n"}}),
      reads("JsonIsWrong", "filesystem.json_extractor", "path: in/a.json", 1,
            {{"in/a.json", "[{\"id\": 1},\n {\"id\": }]"}}),
      reads("JsonNoMatch", "filesystem.json_extractor", "path: in/*.json", 1, {}),
      reads("ParquetPattern", "filesystem.parquet_extractor", "path: lake/**/*.parquet", 0,
            {{"lake/year=2024/month=01/a.parquet", parquet_file()},
             {"lake/year=2025/month=02/a.parquet", parquet_file()}}),
      reads("ParquetIsNone", "filesystem.parquet_extractor", "path: in/*.parquet", 1, {{"in/a.parquet", "id\n1\n"}}),
      reads("SqliteTable", "sqlite.extractor", "path: in/shop.db, table: t", 0, {{"in/shop.db", shop}}),
      reads("SqliteIncremental", "sqlite.extractor", "path: in/shop.db, table: t, incremental: {column: id, key: [id]}",
            0, {{"in/shop.db", shop}}),
      reads("SqliteUnfit", "sqlite.extractor", "path: in/shop.db, table: t", 1, {{"in/shop.db", odd}}),
      reads("DuckdbIsNone", "duckdb.extractor", "path: in/shop.duckdb, table: t", 1, {{"in/shop.duckdb", shop}}),
      duckdb_write_fails(),
      writes("DuckdbWrite", "duckdb.writer", "path: made/people.duckdb, table: people"),
      fetches("Csv", "filesystem.csv_extractor", "in.csv"),
      fetches("Parquet", "filesystem.parquet_extractor", "in.parquet"),
      fetches("IsNone", "filesystem.json_extractor", "none.json", 1),
      posthog("Ids", "data_type: person_distinct_ids"),
      posthog("Refuses", "data_type: events", 1),
      objects("Csv", "filesystem.csv_writer", "s3://lake/in.csv", "s3://lake/out/a b.csv.gz"),
      objects("Parquet", "filesystem.parquet_writer", "s3://lake/in.csv", "s3://lake/out/a.parquet"),
      objects("IsNone", "filesystem.json_writer", "s3://lake/none.csv", "s3://lake/out/a.json", 1),
      writes("JsonWrite", "filesystem.json_writer", "path: out/result.ndjson.gz"),
      writes("ParquetWrite", "filesystem.parquet_writer", "path: out/result.parquet, compression: snappy"),
      writes("ParquetPartitions", "filesystem.parquet_writer", "path: out/set, partition_by: [name]"),
      writes("ParquetPartitionsFail", "filesystem.parquet_writer", "path: out/set, partition_by: [score]", 1),
      runs("Exec", "echo \"$1 $2\"; grep -v Bob \"$OSIRIS_INPUT\" > \"$OSIRIS_OUTPUT\""),
      runs("ExecFails", "echo 'no such luck' >&2; exit 3", 1),
      tap("Singer",
          "for n in range(last): say(type='RECORD', stream='users', record={'id': n, 'at': '2024-02-29T10:00:00Z'})\n"
          "say(type='STATE', value={'last': last})"),
      tap("SingerWritesGarbage", "print('Fetching page 1')", 1),
  };
}

}  // namespace osiris::e2b_test

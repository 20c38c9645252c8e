// Rows of the parity test whose steps run in shards: an adapter that knows nothing of them runs all in its one worker.
#include "tests/e2b/parity_table.h"
#include "tests/e2e/project.h"

namespace osiris::e2b_test {
namespace {

const std::string kFiles = "{files: 'in/*.csv'}";
const std::string kPerShard = "    per_shard: true\n";

std::string read(const std::string& foreach, const std::string& path, const std::string& more = "") {
  return "  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    foreach: " + foreach + "\n" +
         more + "    config: {path: \"" + path + "\"}\n";
}
std::string query(const std::string& sql, const std::string& more = "") {
  return "  - id: query\n    component: duckdb.processor\n    mode: transform\n" + more + "    config: {query: \"" +
         sql + "\"}\n";
}
std::string write(const std::string& path, const std::string& more = "") {
  return "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n" + more + "    config: {path: \"" +
         path + "\", column_order: query}\n";
}

ParityRow row(const std::string& name, const std::vector<std::string>& steps, int exit = 0,
              std::map<std::string, std::string> files = {{"in/b.csv", "id,n\n3,4\n"},
                                                          {"in/a.csv", "id,n\n2,1\n1,2\n"}}) {
  ParityRow made;
  made.name = "Shards" + name;
  made.pipeline = e2e::oml("shards", steps);
  made.exit = exit;
  made.files = std::move(files);
  return made;
}

// Parts of a table of a real server, which the test starts, or of a file.
ParityRow split_row(const std::string& server, const std::string& where, const std::string& more, int exit = 0) {
  const bool is_postgres = server == "postgres";
  ParityRow made;
  made.name = (is_postgres ? "Postgres" : "Mysql") + where;
  made.exit = exit;
  made.files["osiris_connections.yaml"] =
      "version: 1\nconnections:\n  " + server +
      ":\n    lake: {host: '${LAKE_HOST}', port: '${LAKE_PORT}', database: shop, user: app, password: "
      "'${LAKE_PASSWORD}', max_connections: 2}\n";
  made.pipeline =
      e2e::oml("shards", {"  - id: read\n    component: " + server +
                              ".extractor\n    mode: read\n    foreach: {max_parallel: 1, split: {column: id, "
                              "parts: 5" +
                              more + "}}\n    config: {connection: \"@" + server + ".lake\", table: readings}\n",
                          query("SELECT *, $shard AS part FROM df_read", kPerShard),
                          "  - id: sort\n    component: duckdb.processor\n    mode: transform\n    config: "
                          "{query: \"SELECT * FROM df_query ORDER BY id\"}\n",
                          write("out/result.csv"), write("out/${shard.stem}.csv", "    needs: [query]\n" + kPerShard)});
  const size_t second = made.pipeline.rfind("- id: write");
  made.pipeline.replace(second, 11, "- id: parts");
  return made;
}

std::string script(const std::string& code) {
  return "  - id: think\n    component: python.processor\n    mode: transform\n    per_shard: true\n    config:\n"
         "      format: ndjson\n      code: |\n        import json, os\n        rows = "
         "len(open(os.environ['OSIRIS_INPUT'])"
         ".readlines())\n        " +
         code +
         "\n        open(os.environ['OSIRIS_OUTPUT'], 'w').write(json.dumps({'of': '${shard.stem}', 'rows': rows}) + "
         "'\\n')\n";
}

}  // namespace

std::vector<ParityRow> shard_rows() {
  const std::string files = read(kFiles, "${shard.value}");
  // Order is kept per step and shard: programs that run beside each other speak in any.
  const std::string one_by_one = read("{files: 'in/*.csv', max_parallel: 1}", "${shard.value}");
  const std::map<std::string, std::string> mixed = {{"in/a.csv", "id,n\n1,007\n"}, {"in/b.csv", "id,n\n2,x\n"}};
  return {
      row("Union", {files, query("SELECT * FROM df_read"), write("out/result.csv")}),
      row("Types", {files, write("out/result.csv")}, 0, mixed),
      row("PerShard", {files, query("SELECT *, $shard AS f FROM df_read WHERE n < 4", kPerShard),
                       write("out/${shard.index}-${shard.stem}.csv", kPerShard)}),
      row("Values", {read("{values: [b, a]}", "in/${shard.value}.csv"), write("out/result.csv")}),
      row("Range",
          {read("{range: {from: 1, to: 3}}", "in/${shard.value}.csv"),
           query("SELECT n * $shard AS n FROM df_read", kPerShard), write("out/result.csv")},
          0, {{"in/1.csv", "n\n1\n"}, {"in/2.csv", "n\n1\n"}}),
      row("Python", {one_by_one, script("open(os.environ['OSIRIS_ARTIFACTS_DIR'] + '/seen', 'w').write('x')"),
                     write("out/result.csv")}),
      row("PythonFails", {one_by_one, script("assert rows == 2, 'too few'"), write("out/result.csv")}, 1),
      row("Checks",
          {read(kFiles, "${shard.value}", "    checks: [{unique: id}, {row_count: 3}]\n"), write("out/result.csv")}),
      row("Columns", {files, write("out/result.csv")}, 1, {{"in/a.csv", "id,n\n1,2\n"}, {"in/b.csv", "id,m\n1,2\n"}}),
      row("GoesOn",
          {read("{files: 'in/*.csv', max_parallel: 1, on_failure: continue}", "${shard.value}"),
           write("out/${shard.stem}.csv", kPerShard)},
          1, {{"in/a.csv", "id\n1\n"}, {"in/b.csv", "id\n1,2,3\n"}, {"in/c.csv", "id\n3\n"}}),
      row("Names",
          {files, query("SELECT n, $shard AS f FROM df_read", kPerShard), write("out/${shard.index}.csv", kPerShard)},
          0, {{"in/a b.csv", "n\n1\n"}, {"in/it's \"one\".csv", "n\n2\n"}, {"in/d..e.csv", "n\n3\n"}}),
      row("None", {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    foreach: {files: "
                   "'none/*.csv', allow_empty: true}\n    config: {path: \"${shard.value}\", columns: [id, name], "
                   "dtype: {id: int64, name: str}}\n",
                   query("SELECT id, name FROM df_read", kPerShard), write("out/result.csv")}),
      row("Ragged", {one_by_one, write("out/result.csv")}, 1, {{"in/a.csv", "id\n1\n"}, {"in/b.csv", "id\n1,2,3\n"}}),
  };
}

std::vector<ParityRow> split_rows() {
  return {split_row("postgres", "SplitOfOneSnapshot", ""),
          split_row("postgres", "SplitWithoutSnapshot", ", consistency: none"),
          split_row("mysql", "Split", ", consistency: none")};
}

}  // namespace osiris::e2b_test

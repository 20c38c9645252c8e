// Shards and what goes wrong with them, on one machine: lists that change, shards that fail, hang and fill memory and
// disk; and parts of a table.
#include <gmock/gmock.h>
#include <unistd.h>

#include "protocol/base/file.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

std::string reader(const std::string& foreach, const std::string& more = "") {
  return "  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    foreach: " + foreach + "\n" +
         more + "    config: {path: \"${shard.value}\"}\n";
}
std::string query(const std::string& sql, const std::string& more = "") {
  return "  - id: query\n    component: duckdb.processor\n    mode: transform\n" + more + "    config: {query: \"" +
         sql + "\"}\n";
}
std::string writer(const std::string& path, const std::string& more = "") {
  return "  - id: save\n    component: filesystem.csv_writer\n    mode: write\n" + more + "    config: {path: \"" +
         path + "\", column_order: query}\n";
}
// Runs Python before the shards are read: the list is older than what it does.
std::string meanwhile(const std::string& code) {
  return "  - id: meanwhile\n    component: python.processor\n    mode: transform\n    needs: []\n    config:\n      "
         "format: ndjson\n      code: |\n        import os, shutil, time\n        " +
         code + "\n        open(os.environ['OSIRIS_OUTPUT'], 'w').write('{\"a\": 1}\\n')\n";
}

class ShardTrouble : public testing::Test {
 protected:
  Outcome run(const std::vector<std::string>& steps, std::vector<std::string> more = {}) {
    project_.write("p.yaml", oml("p", steps));
    std::vector<std::string> arguments = {"run", "p.yaml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return project_.osiris(arguments);
  }
  void expect_failure(const Outcome& outcome, const std::string& words) {
    EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(words));
    EXPECT_FALSE(std::filesystem::exists(project_.dir() / "out/all.csv")) << "nothing comes of an incomplete union";
  }
  Json shards() {
    const auto document = parse_json(project_.read(project_.session() / "shards.json"));
    EXPECT_TRUE(document.ok());
    return document.ok() ? (*document)["lists"].items().at(0) : Json();
  }
  // A table of 1,000 keys with gaps, 10 rows without one, and times.
  void make_table() {
    std::string rows = "id,name\n";
    for (int i = 0; i < 1000; ++i) rows += std::to_string(i * i) + ",n" + std::to_string(i % 7) + "\n";
    for (int i = 0; i < 10; ++i) rows += ",none\n";
    project_.write("rows.csv", rows);
    const Outcome made =
        run({"  - {id: rows, component: filesystem.csv_extractor, mode: read, config: {path: rows.csv, "
             "dtype: {id: Int64}}}\n",
             "  - {id: table, component: duckdb.writer, mode: write, config: {path: t.duckdb, table: t}}\n"});
    ASSERT_EQ(made.exit, 0) << made.err;
  }
  static std::string table(const std::string& foreach) {
    return "  - id: read\n    component: duckdb.extractor\n    mode: read\n" +
           (foreach.empty() ? "" : "    foreach: " + foreach + "\n") + "    config: {path: t.duckdb, table: t}\n";
  }

  Project project_;
};

TEST_F(ShardTrouble, PartsOfATableAreTheTable) {
  make_table();
  const std::string sorted = "SELECT *, typeof(id) AS t FROM df_read ORDER BY id, name";
  ASSERT_EQ(run({table(""), query(sorted), writer("whole.csv")}).exit, 0);
  const Outcome parts =
      run({table("{split: {column: id, parts: 8, consistency: none}}"), query(sorted), writer("parts.csv")});
  ASSERT_EQ(parts.exit, 0) << parts.err;
  EXPECT_EQ(project_.read("parts.csv"), project_.read("whole.csv"));
  EXPECT_THAT(parts.out + parts.err, HasSubstr("its parts were read at different moments (consistency: none)"));
  const Json list = shards();
  EXPECT_EQ(list["settled"]["read"]["bounds"].size(), 7u);
  EXPECT_EQ(list["settled"]["read"]["bounds"].items().at(0).as_string(), "15625") << "the key of row 125";
  const Json& accepted = list["accepted"]["read"];
  ASSERT_EQ(accepted.size(), 9u);
  EXPECT_EQ(accepted.items().at(3)["rows"], Json(125));
  EXPECT_EQ(accepted.items().at(8)["rows"], Json(10)) << "those without a value";
  EXPECT_FALSE(accepted.items().at(8)["fingerprint"].as_string().empty());
}

TEST_F(ShardTrouble, WhoReadsAtDifferentMomentsHasToSaySo) {
  make_table();
  const Outcome refused = run({table("{split: {column: id, parts: 8}}"), writer("out/all.csv")});
  EXPECT_EQ(refused.exit, 2);
  EXPECT_THAT(refused.err, HasSubstr("write consistency: none"));
  const Outcome dry =
      run({table("{split: {column: id, parts: 8, consistency: none}}"), writer("out/all.csv")}, {"--dry-run"});
  EXPECT_THAT(dry.out, HasSubstr("runs once for each of 9 shards: 0 to null"));
  EXPECT_THAT(dry.out, HasSubstr("its parts are read at different moments (consistency: none)"));
  const Outcome absent = run({table("{split: {column: idd, parts: 8, consistency: none}}"), writer("out/all.csv")});
  expect_failure(absent, "idd");
}

TEST_F(ShardTrouble, AFileThatAppearsIsNotRead) {
  project_.write("in/a.csv", "id\n1\n");
  const Outcome outcome =
      run({meanwhile("shutil.copyfile('" + (project_.dir() / "in/a.csv").string() + "', '" +
                     (project_.dir() / "in/b.csv").string() + "')"),
           reader("{files: 'in/*.csv'}", "    needs: [meanwhile]\n"), writer("out/all.csv", "    needs: [read]\n")});
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(project_.read("out/all.csv"), "id\n1\n");
}

TEST_F(ShardTrouble, AFileThatVanishesFailsItsShard) {
  project_.write("in/a.csv", "id\n1\n");
  project_.write("in/b.csv", "id\n2\n");
  expect_failure(
      run({meanwhile("os.remove('" + (project_.dir() / "in/b.csv").string() + "')"),
           reader("{files: 'in/*.csv'}", "    needs: [meanwhile]\n"), writer("out/all.csv", "    needs: [read]\n")}),
      "shard 1 (in/b.csv): Step read: CSV file not found");
}

TEST_F(ShardTrouble, NamesWithSpacesQuotesAndDotsAreNames) {
  for (const char* name : {"a b", "it's \"one\"", "c..", "d..e", "f$", "${shard.index}", "ü"})
    project_.write("in/" + std::string(name) + ".csv", "id\n1\n");
  const Outcome outcome = run({reader("{files: 'in/*.csv'}"), writer("out/all.csv")});
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(project_.read("out/all.csv"), "id\n1\n1\n1\n1\n1\n1\n1\n");
  const Outcome named = run({reader("{files: 'in/*.csv'}"), writer("out/${shard.stem}.csv", "    per_shard: true\n")});
  EXPECT_EQ(named.exit, 2);
  EXPECT_THAT(named.err, HasSubstr("leads to another directory"));
  project_.write("in/new\nline.csv", "id\n1\n");
  const Outcome control = run({reader("{files: 'in/*.csv'}"), writer("out/all.csv")});
  EXPECT_EQ(control.exit, 2);
  EXPECT_THAT(control.err, HasSubstr("control character"));
}

TEST_F(ShardTrouble, AShardThatHangsFailsByItsTimeout) {
  project_.write("in/a.csv", "id\n1\n");
  project_.write("in/b.csv", "id\n2\n");
  expect_failure(run({reader("{files: 'in/*.csv'}"),
                      "  - id: think\n    component: python.processor\n    mode: transform\n    per_shard: true\n    "
                      "timeout: 10\n    config:\n      format: ndjson\n      code: |\n        import os, shutil, time\n"
                      "        if '${shard.stem}' == 'b': time.sleep(600)\n        "
                      "shutil.copyfile(os.environ['OSIRIS_INPUT'], os.environ['OSIRIS_OUTPUT'])\n",
                      writer("out/all.csv")}),
                 "shard 1 (in/b.csv): step think ran longer than its timeout of 10 s");
}

TEST_F(ShardTrouble, AShardThatRunsOutOfMemoryIsNamed) {
  project_.write("in/a.csv", "id\n1\n");
  project_.write("in/b.csv", "id\n200000000\n");
  const Outcome outcome =
      run({reader("{files: 'in/*.csv'}"),
           query("SELECT len(list(i)) AS n FROM range((SELECT max(id) FROM df_read)) t(i)", "    per_shard: true\n"),
           writer("out/all.csv")},
          {"--memory-limit", "128MiB"});
  expect_failure(outcome, "shard 1 (in/b.csv)");
  EXPECT_THAT(outcome.err, HasSubstr("memory"));
}

// The union is larger than memory and is spilled; the disk is smaller than that.
TEST_F(ShardTrouble, AFullDiskDuringTheUnionIsCalledOne) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may mount";
  for (const char* name : {"a", "b", "c", "d"}) project_.write("in/" + std::string(name) + ".csv", "id\n1\n");
  project_.write("p.yaml",
                 oml("p", {reader("{files: 'in/*.csv'}"),
                           query("SELECT md5(i::VARCHAR) || md5((i + 1)::VARCHAR) AS t FROM range(1000000) t(i)",
                                 "    per_shard: true\n"),
                           writer("out/all.csv")}));
  std::filesystem::create_directories(project_.dir() / "run_logs");
  const std::string at = (project_.dir() / "run_logs").string();
  SpawnOptions options = project_.spawn_options({"run", "p.yaml", "--memory-limit", "128MiB"});
  options.arguments.insert(options.arguments.begin(),
                           {"/usr/bin/unshare", "--mount", "/bin/sh", "-c",
                            "mount -t tmpfs -o size=24m none '" + at + "' && exec \"$0\" \"$@\""});
  const auto result = run_command(options, 120'000, 1 << 20);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->exit.value == 1 || result->exit.value == 3) << result->exit.value << result->standard_error;
  EXPECT_THAT(result->standard_error,
              AnyOf(HasSubstr("No space left"), HasSubstr("disk is full"), HasSubstr("disk space")));
  EXPECT_FALSE(std::filesystem::exists(project_.dir() / "out/all.csv"));
}

TEST_F(ShardTrouble, AHundredThousandShardsRunAndOneMoreIsRefused) {
  const auto range = [](const std::string& to) {
    return "  - id: read\n    component: mock\n    mode: read\n    foreach: {range: {from: 0, to: " + to +
           "}}\n    config: {text: \"${shard.value}\"}\n";
  };
  const Outcome most = run({range("100000")}, {"--dry-run", "--allow-mock"});
  EXPECT_EQ(most.exit, 0) << most.err;
  EXPECT_THAT(most.out, HasSubstr("runs once for each of 100000 shards: 0 to 99999"));
  const Outcome ran = run({range("100000")}, {"--allow-mock"});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(shards()["accepted"]["read"].size(), 100'000u) << "each was taken in once";
  const Outcome refused = run({range("100001")}, {"--dry-run", "--allow-mock"});
  EXPECT_EQ(refused.exit, 2);
  EXPECT_THAT(refused.err, HasSubstr("the range has more than 100000 values"));
}

}  // namespace
}  // namespace osiris::e2e

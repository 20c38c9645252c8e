// Never wrong: random edits of a pipeline, its files and its parameters; after each of them a resumed run must leave
// what a fresh one leaves, byte for byte. OSIRIS_RESUME_EDITS and OSIRIS_RESUME_SEED make it longer and other.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <thread>

#include "protocol/base/file.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

constexpr int kShardsMax = 3, kLargeFiles = 2;
constexpr int kRowsOfALargeFile = 40'000;  // two of them stream: together they have more than a megabyte

int from_environment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

// A pipeline of two files, a chain and a join of SQL, a program's step, files that are read in shards, larger ones that
// stream through SQL to a writer, and writers, each with a knob or two.
struct Model {
  int shards = 2, shard_salt = 1, large_salt = 1;
  int rows[2] = {3, 4}, salts[2] = {1, 2};
  int factor = 2, least = 0, param = 5;
  bool joins = true, keeps_program = false, has_second_writer = true, renames = false, is_broken = false;
  std::string middle = "middle";

  std::string file(int which) const {
    std::string text = "k,v\n";
    for (int i = 0; i < rows[which]; ++i)
      text += std::to_string(i) + "," + std::to_string((i * 7 + salts[which]) % 11) + "\n";
    return text;
  }
  static std::string part_name(int which) { return "part-" + std::to_string(which) + ".csv"; }
  std::string part(int which) const {
    return "k,v\n" + std::to_string(which) + "," + std::to_string(shard_salt * which % 5) + "\n8,1\n";
  }
  static std::string large_name(int which) { return "large-" + std::to_string(which) + ".csv"; }
  std::string large(int which) const {
    std::string text = "k,v,word\n";
    for (int i = 0; i < kRowsOfALargeFile; ++i)
      text += std::to_string(i) + "," + std::to_string((i * 7 + large_salt * which) % 11) + ",some text\n";
    return text;
  }
  static std::string step(const std::string& id, const std::string& component, const std::string& mode,
                          const std::string& needs, const std::string& config, const std::string& extra = "") {
    return "  - id: " + id + "\n    component: " + component + "\n    mode: " + mode + "\n    needs: [" + needs +
           "]\n" + extra + "    config: {" + config + "}\n";
  }
  std::string pipeline() const {
    const std::string last = is_broken ? "SELECT CAST('x' AS INTEGER) AS k, v FROM input_df"
                                       : "SELECT k, v + ${params.p} AS v FROM input_df ORDER BY k, v";
    std::vector<std::string> steps = {
        step("a", "filesystem.csv_extractor", "read", "", "path: in/a.csv"),
        step("b", "filesystem.csv_extractor", "read", "", "path: in/b.csv"),
        step(middle, "duckdb.processor", "transform", "a",
             "query: \"SELECT k, v * " + std::to_string(factor) + " AS v FROM df_a ORDER BY k\""),
        step("both", "duckdb.processor", "transform", middle + ", b",
             "query: \"SELECT * FROM (SELECT m.k, m.v FROM df_" + middle + " m " +
                 (joins ? "JOIN df_b ON m.k = df_b.k" : "UNION ALL SELECT k, v FROM df_b") +
                 ") WHERE v >= " + std::to_string(least) + " ORDER BY ALL\""),
        step("program", "mock", "transform", "both", "rows: " + std::to_string(rows[0]),
             keeps_program ? "    cache: true\n" : ""),
        step("last", "duckdb.processor", "transform", "both", "query: \"" + last + "\""),
        step("parts", "filesystem.csv_extractor", "read", "", "path: \"${shard.value}\"",
             "    foreach: {files: \"in/part-*.csv\"}\n"),
        step("each", "duckdb.processor", "transform", "parts",
             "query: \"SELECT k, v * " + std::to_string(factor) + " AS v, $shard AS part FROM df_parts ORDER BY k\"",
             "    per_shard: true\n"),
        step("marked", "duckdb.processor", "transform", "each, both",
             "query: \"SELECT k, v, part, (SELECT count(*) FROM df_both) AS n, $shard AS again FROM df_each\"",
             "    per_shard: true\n"),
        step("write-parts", "filesystem.csv_writer", "write", "marked",
             "path: \"out/${shard.stem}.csv\", column_order: query", "    per_shard: true\n"),
        step("write-each", "filesystem.csv_writer", "write", "each", "path: out/each.csv"),
        step("large", "filesystem.csv_extractor", "read", "", "path: \"${shard.value}\"",
             "    foreach: {files: \"in/large-*.csv\"}\n"),
        step("grouped", "duckdb.processor", "transform", "large",
             "query: \"SELECT k % 97 AS k, sum(v) * " + std::to_string(factor) +
                 " AS v FROM df_large GROUP BY ALL ORDER BY k\""),
        step("write-grouped", "filesystem.csv_writer", "write", "grouped", "path: out/grouped.csv"),
        step("write", "filesystem.csv_writer", "write", "last",
             std::string("path: out/") + (renames ? "renamed" : "last") + ".csv"),
        step("write-program", "filesystem.csv_writer", "write", "program", "path: out/program.csv")};
    if (has_second_writer)
      steps.push_back(step("write-middle", "filesystem.csv_writer", "write", middle, "path: out/middle.csv"));
    return oml("parity", steps) + "params: {p: {type: integer, default: 5}}\n";
  }

  void edit(std::mt19937& random) {
    const auto up_to = [&](int most) { return static_cast<int>(random() % static_cast<unsigned>(most)); };
    switch (up_to(16)) {
      case 15:
        large_salt = up_to(3);
        break;
      case 13:
        shards = 1 + up_to(kShardsMax);
        break;
      case 14:
        shard_salt = up_to(3);
        break;
      case 0:
        rows[0] = up_to(5);
        break;
      case 1:
        rows[1] = up_to(5);
        break;
      case 2:
        salts[0] = up_to(4);
        break;
      case 3:
        salts[1] = up_to(4);
        break;
      case 4:
        factor = up_to(3);
        break;
      case 5:
        least = up_to(6);
        break;
      case 6:
        param = up_to(3);
        break;
      case 7:
        joins = !joins;
        break;
      case 8:
        keeps_program = !keeps_program;
        break;
      case 9:
        has_second_writer = !has_second_writer;
        break;
      case 10:
        renames = !renames;
        break;
      case 11:
        middle = middle == "middle" ? "centre" : "middle";
        break;
      default:
        is_broken = !is_broken;
        break;
    }
  }
};

class Side {
 public:
  Project project;
  int exit = 0;

  void write(const Model& model) {
    std::error_code gone;
    for (int i = 0; i < kShardsMax; ++i) {
      const fs::path file = fs::path("in") / Model::part_name(i);
      if (i >= model.shards) {
        fs::remove(project.dir() / file, gone);
        fs::remove(project.dir() / "out" / file.filename(), gone);  // no shard writes it any more
      } else if (const auto there = read_file(project.dir() / file); !there.ok() || *there != model.part(i)) {
        project.write(file, model.part(i));
      }
    }
    for (int i = 0; i < kLargeFiles && model.large_salt != large_salt_; ++i)
      project.write(fs::path("in") / Model::large_name(i), model.large(i));
    large_salt_ = model.large_salt;
    // Only what differs: a file that is written again has other times.
    for (const auto& [file, text] :
         {std::pair{"in/a.csv", model.file(0)}, {"in/b.csv", model.file(1)}, {"p.yaml", model.pipeline()}})
      if (const auto there = read_file(project.dir() / file); !there.ok() || *there != text) project.write(file, text);
  }
  void run(const Model& model, const std::string& how) {
    exit =
        project.osiris({"run", "p.yaml", "--allow-mock", "--quiet", how, "--param", "p=" + std::to_string(model.param)})
            .exit;
  }
  std::map<std::string, std::string> outputs() const {
    std::map<std::string, std::string> files;
    std::error_code code;
    for (const auto& each : fs::directory_iterator(project.dir() / "out", code))
      files[each.path().filename()] = *read_file(each.path());
    return files;
  }

 private:
  int large_salt_ = -1;  // of the files that are there
};

TEST(ResumeParity, RandomEditsGiveWhatAFreshRunGives) {
  const int edits = from_environment("OSIRIS_RESUME_EDITS", 300),
            seed = from_environment("OSIRIS_RESUME_SEED", 20261130);
  std::mt19937 random(static_cast<unsigned>(seed));
  Model model;
  Side resumed, fresh;
  for (int i = 0; i < edits; ++i) {
    for (unsigned more = random() % 2 + 1; more > 0; --more) model.edit(random);
    for (Side* side : {&resumed, &fresh}) side->write(model);
    if (random() % 8 == 0) {  // something else is done to an output
      std::error_code gone;
      for (Side* side : {&resumed, &fresh}) fs::remove(side->project.dir() / "out/last.csv", gone);
    }
    if (random() % 16 == 0)
      for (Side* side : {&resumed, &fresh}) side->project.write("out/middle.csv", "k,v\n7,7\n");
    // What a pipeline writes no more is not compared.
    std::error_code ignored;
    for (Side* side : {&resumed, &fresh}) {
      const fs::path out = side->project.dir() / "out";
      fs::remove(out / (model.renames ? "last.csv" : "renamed.csv"), ignored);
      if (!model.has_second_writer) fs::remove(out / "middle.csv", ignored);
    }
    std::thread beside([&] { resumed.run(model, "--resume"); });
    fresh.run(model, "--no-cache");
    beside.join();
    ASSERT_EQ(resumed.exit, fresh.exit) << "edit " << i << " of seed " << seed << "\n" << model.pipeline();
    if (!model.is_broken) {
      ASSERT_EQ(fresh.exit, 0) << "edit " << i << " of seed " << seed << "\n" << model.pipeline();
    }
    if (fresh.exit != 0) continue;  // what was written before the failure depends on which step was first
    ASSERT_EQ(resumed.outputs(), fresh.outputs()) << "edit " << i << " of seed " << seed << "\n" << model.pipeline();
  }
}

}  // namespace
}  // namespace osiris::e2e

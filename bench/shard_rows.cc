#include "bench/shard_rows.h"

#include <fstream>

namespace osiris::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kShards = 32, kNoOps = 40, kManyNoOps = 4000;

std::string step(const std::string& id, const std::string& component, const std::string& mode, const std::string& needs,
                 const std::string& more) {
  return "  - id: " + id + "\n    component: " + component + "\n    mode: " + mode + "\n    needs: [" + needs + "]\n" +
         more;
}

std::string pipeline(const std::string& name, const std::string& steps) {
  return "oml_version: \"0.1.0\"\nname: " + name + "\nsteps:\n" + steps;
}

class Bench {
 public:
  explicit Bench(const ShardBench& bench) : bench_(bench) {}

  Row no_ops() {
    std::string steps;
    for (int i = 0; i < kNoOps; ++i)
      steps +=
          step("s" + std::to_string(i), "mock", "transform", i ? "s" + std::to_string(i - 1) : "", "    config: {}\n");
    write("steps.yaml", pipeline("steps", steps));
    write("shards.yaml", pipeline("shards", no_op_shards(kNoOps)));
    write("many.yaml", pipeline("many", no_op_shards(kManyNoOps)));
    const Pair pair = alternate(
        4 * bench_.rounds + 1, [&] { return wall({"shards.yaml", "--allow-mock"}); },
        [&] { return wall({"steps.yaml", "--allow-mock"}); });
    std::vector<double> many;
    for (int i = 0; i < bench_.rounds; ++i) many.push_back(wall({"many.yaml", "--allow-mock"}));
    const double each = (median(many) - pair.subject) / (kManyNoOps - kNoOps);
    return {"40 no-op shards, wall",
            format(pair.subject, "ms") + ", " + format(each, "ms") + " a shard of 4,000",
            "40 no-op steps: " + format(pair.baseline, "ms"),
            format(pair.ratio(), "×"),
            "≤ 1.2 ×",
            pair.ratio() <= 1.2};
  }

  Row python() {
    for (int i = 0; i < kShards; ++i) write("in/" + std::to_string(i) + ".csv", "n\n" + std::to_string(i) + "\n");
    for (const char* name : {"together", "alone"})
      write(name + std::string(".yaml"), pipeline(name, python_steps(name == std::string("alone"))));
    const Pair pair =
        alternate(bench_.rounds, [&] { return wall({"together.yaml"}); }, [&] { return wall({"alone.yaml"}); });
    return {"32 CPU-bound Python shards, wall",
            format(pair.subject, "ms"),
            "the same with max_parallel: 1: " + format(pair.baseline, "ms"),
            format(1 / pair.ratio(), "×") + " the rate",
            "≥ 1.7 × on 2 cores",
            1 / pair.ratio() >= 1.7};
  }

  Row csv() {
    const fs::path whole = bench_.project / "whole.csv";
    run({bench_.gen_csv, whole, std::to_string(bench_.rows), std::to_string(bench_.groups)});
    cut(whole);
    write("one.yaml", pipeline("one", csv_steps("", whole.string())));
    write("shards-of-csv.yaml",
          pipeline("shards-of-csv", csv_steps("    foreach: {files: \"parts/*.csv\"}\n", "\"${shard.value}\"")));
    const Pair pair =
        alternate(bench_.rounds, [&] { return wall({"shards-of-csv.yaml"}); }, [&] { return wall({"one.yaml"}); });
    fs::remove(whole);
    fs::remove_all(bench_.project / "parts");
    return {"32 CSV shards → SQL → CSV, wall",
            format(pair.subject, "ms"),
            "the same rows in one file: " + format(pair.baseline, "ms"),
            format(pair.ratio(), "×"),
            "≤ 1.1 ×",
            pair.ratio() <= 1.1};
  }

 private:
  static std::string no_op_shards(int count) {
    return step(
        "s", "mock", "read", "",
        "    foreach: {range: {from: 0, to: " + std::to_string(count) + "}}\n    config: {text: \"${shard.value}\"}\n");
  }
  static std::string python_steps(bool alone) {
    return step("load", "filesystem.csv_extractor", "read", "",
                std::string("    foreach: {files: \"in/*.csv\"") + (alone ? ", max_parallel: 1" : "") +
                    "}\n    config: {path: \"${shard.value}\"}\n") +
           step("think", "python.processor", "transform", "load",
                "    per_shard: true\n    config:\n      format: ndjson\n      code: |\n        import os, shutil\n"
                "        sum(i * i for i in range(3000000))\n"
                "        shutil.copyfile(os.environ['OSIRIS_INPUT'], os.environ['OSIRIS_OUTPUT'])\n") +
           step("save", "filesystem.csv_writer", "write", "think", "    config: {path: thought.csv}\n");
  }
  static std::string csv_steps(const std::string& foreach, const std::string& path) {
    return step("load", "filesystem.csv_extractor", "read", "", foreach + "    config: {path: " + path + "}\n") +
           step(
               "query", "duckdb.processor", "transform", "load",
               "    config: {query: \"SELECT customer, COUNT(*) AS orders, SUM(amount) AS amount FROM df_load GROUP BY "
               "customer ORDER BY customer\"}\n") +
           step("save", "filesystem.csv_writer", "write", "query", "    config: {path: out.csv}\n");
  }

  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((bench_.project / file).parent_path());
    std::ofstream(bench_.project / file) << text;
  }
  double wall(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {bench_.osiris, "run"});
    return run(arguments, bench_.project).wall_ms;
  }

  // Into files of as many rows, each with the header.
  void cut(const fs::path& whole) const {
    std::ifstream in(whole);
    std::string header, line;
    std::getline(in, header);
    fs::create_directories(bench_.project / "parts");
    const uint64_t each = bench_.rows / kShards;
    std::ofstream out;
    for (uint64_t row = 0; std::getline(in, line); ++row) {
      if (row % each == 0 && row / each < kShards) {
        out.close();
        out.open(bench_.project / "parts" / ("part-" + std::to_string(100 + row / each) + ".csv"));
        out << header << "\n";
      }
      out << line << "\n";
    }
  }

  const ShardBench& bench_;
};

}  // namespace

std::vector<Row> shard_rows(const ShardBench& bench) {
  Bench rows(bench);
  return {rows.no_ops(), rows.python(), rows.csv()};
}

}  // namespace osiris::bench

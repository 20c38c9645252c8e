// osiris-bench BUILD_DIR local|mysql|postgres|objects [--row NAME]... [--rows N] [--rounds N] [--quick]: measures what
// docs/benchmarks.md quotes, each row against its baseline in the same run, medians of at least five alternating
// rounds, and prints each as a line of a Markdown table once it is there. The servers of mysql and postgres are started
// for it.
//
//   --row NAME   only that row; a name that is none lists them
//   --rows N     of the tables of mysql and postgres, in the place of 2,000,000
//   --rounds N   in the place of five, to try a row
//   --quick      a tenth of the data, to try the program itself
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "bench/copy_rows.h"
#include "bench/csv_rows.h"
#include "bench/database_rows.h"
#include "bench/everyday_rows.h"
#include "bench/measure.h"
#include "bench/mysql_rows.h"
#include "bench/object_rows.h"
#include "bench/rows.h"
#include "bench/servers.h"
#include "bench/shard_rows.h"
#include "bench/singer_rows.h"
#include "bench/worker_latency.h"

namespace {

using namespace osiris::bench;
namespace fs = std::filesystem;

constexpr int kRounds = 5;
constexpr uint64_t kTableRows = 2'000'000;

struct Setup {
  fs::path build, work;
  bool quick = false;
  uint64_t big_rows = 10'000'000, csv_groups = 1'000'000, table_rows = 0;
  int rounds = kRounds;
  std::string osiris() const { return build / "bin/osiris"; }
  std::string worker() const { return build / "lib/osiris/osiris-worker"; }
  std::string program(const char* name) const { return build / "bench" / name; }
};

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

fs::path make_project(const fs::path& directory) {
  write(directory / "osiris.yaml", "version: \"2.0\"\n");
  return directory;
}

std::string noop_pipeline(int steps) {
  std::string text = "oml_version: \"0.1.0\"\nname: noop-" + std::to_string(steps) + "\nsteps:\n";
  for (int i = 0; i < steps; ++i)
    text += "  - id: s" + std::to_string(i) + "\n    component: mock\n    mode: transform\n    needs: [" +
            (i ? "s" + std::to_string(i - 1) : "") + "]\n    config: {}\n";
  return text;
}

Row noop_run(const Setup& setup) {
  const fs::path project = make_project(setup.work / "noop");
  write(project / "three.yaml", noop_pipeline(3));
  const Pair pair = alternate(
      21, [&] { return run({setup.osiris(), "run", "three.yaml", "--allow-mock"}, project).wall_ms; },
      [&] { return run({setup.program("trivial")}).wall_ms; });
  return {"`osiris run` of three no-op steps, wall",
          format(pair.subject, "ms"),
          "spawn and wait of a trivial static binary: " + format(pair.baseline, "ms"),
          format(pair.ratio(), "×"),
          "≤ 25 ×",
          pair.ratio() <= 25};
}

Row isolated_run(const Setup& setup) {
  const fs::path project = make_project(setup.work / "isolated");
  write(project / "three.yaml", noop_pipeline(3));
  const auto wall = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {setup.osiris(), "run", "three.yaml", "--allow-mock"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words, project).wall_ms;
  };
  const Pair pair = alternate(21, [&] { return wall({"--isolate"}); }, [&] { return wall({}); });
  const double more = pair.subject - pair.baseline;
  return {"the same with `--isolate`",
          format(pair.subject, "ms"),
          "without: " + format(pair.baseline, "ms"),
          "+" + format(more, "ms"),
          "≤ +5 ms",
          more <= 5};
}

// What a run adds to the project: its session and summary, without the files that are hard links to the build's.
Row disk_left(const Setup& setup) {
  const fs::path project = make_project(setup.work / "disk");
  write(project / "three.yaml", noop_pipeline(3));
  run({setup.osiris(), "run", "three.yaml", "--allow-mock"}, project);
  double bytes = 0;
  for (const char* root : {"run_logs", "aiop"})
    for (const auto& entry : fs::recursive_directory_iterator(project / root))
      if (entry.is_regular_file() && entry.hard_link_count() == 1) bytes += static_cast<double>(entry.file_size());
  return {"disk left by a run of three steps", format(bytes / 1024, "KiB"), "–", "–", "≤ 16 KiB", bytes <= 16 * 1024};
}

Row first_message(const Setup& setup) {
  std::vector<double> times;
  for (int i = 0; i < 21; ++i) times.push_back(ms_to_first_message(setup.worker()));
  return {"worker exec → first message", format(median(times), "ms"), "–", "–", "≤ 15 ms", median(times) <= 15};
}

Row noop_step(const Setup& setup) {
  std::vector<double> times;
  for (int i = 0; i < kRounds; ++i) {
    const fs::path directory = setup.work / ("steps-" + std::to_string(i));
    fs::create_directories(directory);
    times.push_back(ms_per_noop_step(setup.worker(), directory, 200));
  }
  return {
      "request → response of a no-op step", format(median(times), "ms"), "–", "–", "≤ 0.5 ms", median(times) <= 0.5};
}

std::string csv_pipeline(const fs::path& input) {
  return "oml_version: \"0.1.0\"\nname: big\nsteps:\n"
         "  - id: load\n    component: filesystem.csv_extractor\n    mode: read\n    config: {path: " +
         input.string() +
         "}\n"
         "  - id: query\n    component: duckdb.processor\n    mode: transform\n    needs: [load]\n    config:\n      "
         "query: |\n"
         "        SELECT customer, COUNT(*) AS orders, SUM(amount) AS amount, MAX(quantity) AS largest FROM df_load "
         "GROUP BY customer ORDER BY customer\n"
         "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n    needs: [query]\n    config: {path: "
         "out.csv}\n";
}

std::vector<Row> big_csv(const Setup& setup) {
  const fs::path input = setup.work / "big.csv";
  run({setup.build / "tests/gen_csv", input, std::to_string(setup.big_rows), std::to_string(setup.csv_groups)});
  const fs::path project = make_project(setup.work / "big");
  write(project / "big.yaml", csv_pipeline(input));
  const std::string threads = std::to_string(std::thread::hardware_concurrency());
  const std::string memory = "4GiB";
  std::vector<double> wall[3], peak[3];
  for (int i = 0; i < kRounds; ++i) {
    const Run runs[3] = {
        run({setup.osiris(), "run", "big.yaml", "--memory-limit", memory, "--threads", threads}, project),
        run({setup.program("duckdb_statements"), "three", input, setup.work / "three.csv", threads, memory}),
        run({setup.program("duckdb_statements"), "fused", input, setup.work / "fused.csv", threads, memory})};
    for (int k = 0; k < 3; ++k) {
      wall[k].push_back(runs[k].wall_ms);
      peak[k].push_back(runs[k].peak_mib);
    }
  }
  const double ratio = median(wall[0]) / median(wall[1]), memory_ratio = median(peak[0]) / median(peak[1]),
               fused = median(wall[0]) / median(wall[2]);
  const std::string name = std::to_string(setup.big_rows / 1'000'000) + " M-row CSV → group-by SQL → CSV";
  return {
      {name + ", wall", format(median(wall[0]), "ms"),
       "the same three DuckDB statements: " + format(median(wall[1]), "ms"), format(ratio, "×"), "≤ 1.15 ×",
       ratio <= 1.15},
      {name + ", peak memory", format(median(peak[0]), "MiB"), "the same: " + format(median(peak[1]), "MiB"),
       format(memory_ratio, "×"), "≤ 1.3 ×", memory_ratio <= 1.3},
      {name + ", wall", format(median(wall[0]), "ms"), "one fused DuckDB statement: " + format(median(wall[2]), "ms"),
       format(fused, "×"), "≤ 1.15 ×", fused <= 1.15}};
}

Row many_steps(const Setup& setup) {
  const fs::path project = make_project(setup.work / "many");
  write(project / "1000.yaml", noop_pipeline(1000));
  write(project / "100.yaml", noop_pipeline(100));
  const Pair pair = alternate(
      kRounds, [&] { return run({setup.osiris(), "run", "1000.yaml", "--allow-mock"}, project).wall_ms; },
      [&] { return run({setup.osiris(), "run", "100.yaml", "--allow-mock"}, project).wall_ms; });
  return {"1,000-step pipeline, compile + run of no-ops",
          format(pair.subject, "ms"),
          "100 steps: " + format(pair.baseline, "ms"),
          format(pair.ratio(), "×"),
          "≤ 9 ×, ≤ 250 ms",
          pair.ratio() <= 9 && pair.subject <= 250};
}

Row forty_sql_steps(const Setup& setup) {
  constexpr int kSteps = 40;
  const fs::path project = make_project(setup.work / "forty");
  std::string text = "oml_version: \"0.1.0\"\nname: forty\nsteps:\n";
  for (int i = 0; i < kSteps; ++i) {
    const std::string before = i ? "s" + std::to_string(i - 1) : "";
    text += "  - id: s" + std::to_string(i) + "\n    component: duckdb.processor\n    mode: transform\n    needs: [" +
            before + "]\n    config: {query: \"" +
            (i ? "SELECT a + 1 AS a FROM df_" + before : std::string("SELECT range AS a FROM range(1000)")) + "\"}\n";
  }
  write(project / "forty.yaml", text);
  write(project / "three.yaml", noop_pipeline(3));
  const std::string threads = std::to_string(std::thread::hardware_concurrency());
  const Pair pair = alternate(
      2 * kRounds + 1, [&] { return run({setup.osiris(), "run", "forty.yaml"}, project).wall_ms; },
      [&] {
        return run({setup.program("duckdb_statements"), "forty", "", setup.work / "forty.db", threads, "4GiB"}).wall_ms;
      });
  std::vector<double> empty;
  for (int i = 0; i < kRounds; ++i)
    empty.push_back(run({setup.osiris(), "run", "three.yaml", "--allow-mock"}, project).wall_ms);
  const double step = (pair.subject - median(empty)) / kSteps;
  return {"40 SQL steps, wall",
          format(pair.subject, "ms") + ", " + format(step, "ms") + " a step beyond a run of no-ops",
          "the same 40 statements in one DuckDB process: " + format(pair.baseline, "ms"),
          format(pair.ratio(), "×"),
          "≤ 1.5 ×, < 1 ms a step",
          pair.ratio() <= 1.5 && step < 1};
}

// Steps that wait 300 ms each and need nothing of each other.
std::string waiting_pipeline(int steps) {
  std::string text = "oml_version: \"0.1.0\"\nname: waiting-" + std::to_string(steps) + "\nsteps:\n";
  for (int i = 0; i < steps; ++i)
    text += "  - id: w" + std::to_string(i) +
            "\n    component: exec.processor\n    mode: read\n    needs: []\n    config:\n      format: csv\n"
            "      command: [sh, -c, \"sleep 0.3; echo a > $OSIRIS_OUTPUT; echo 1 >> $OSIRIS_OUTPUT\"]\n";
  return text;
}

Row waiting_steps(const Setup& setup) {
  const fs::path project = make_project(setup.work / "waiting");
  write(project / "eight.yaml", waiting_pipeline(8));
  write(project / "one.yaml", waiting_pipeline(1));
  const Pair pair = alternate(
      kRounds, [&] { return run({setup.osiris(), "run", "eight.yaml"}, project).wall_ms; },
      [&] { return run({setup.osiris(), "run", "one.yaml"}, project).wall_ms; });
  return {"8 steps that wait 300 ms, wall",
          format(pair.subject, "ms"),
          "one of them: " + format(pair.baseline, "ms"),
          format(pair.ratio(), "×"),
          "≤ 1.2 ×",
          pair.ratio() <= 1.2};
}

std::string machine() {
  std::ifstream info("/proc/cpuinfo");
  std::string line, model = "unknown processor";
  while (std::getline(info, line))
    if (line.starts_with("model name")) {
      model = line.substr(line.find(':') + 2);
      break;
    }
  return std::to_string(std::thread::hardware_concurrency()) + " cores of " + model + ", " +
         std::to_string(static_cast<long>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE) >> 30) + " GiB";
}

void local_rows(const Setup& setup, Rows& rows) {
  const auto one = [&](const char* name, Row (*measure)(const Setup&)) {
    rows.add(name, [&] { return std::vector<Row>{measure(setup)}; });
  };
  one("noop-run", noop_run);
  one("noop-isolated", isolated_run);
  one("disk-left", disk_left);
  one("first-message", first_message);
  one("noop-step", noop_step);
  rows.add("csv-group-by", [&] { return big_csv(setup); });
  rows.add("csv", [&] {
    return csv_rows({.osiris = setup.osiris(),
                     .statements = setup.program("csv_statements"),
                     .project = make_project(setup.work / "csv"),
                     .rounds = setup.rounds,
                     .quick = setup.quick});
  });
  one("many-steps", many_steps);
  one("sql-steps", forty_sql_steps);
  one("waiting-steps", waiting_steps);
  rows.add("singer", [&] {
    return std::vector<Row>{singer_row({.osiris = setup.osiris(),
                                        .project = make_project(setup.work / "singer"),
                                        .rows = setup.quick ? 100'000u : 1'000'000u,
                                        .rounds = setup.rounds})};
  });
  rows.add("everyday", [&] {
    return everyday_rows({.osiris = setup.osiris(),
                          .gen_csv = setup.build / "tests/gen_csv",
                          .project = make_project(setup.work / "everyday"),
                          .rows = setup.big_rows,
                          .groups = setup.csv_groups,
                          .rounds = setup.rounds});
  });
  rows.add("shards", [&] {
    return shard_rows({.osiris = setup.osiris(),
                       .gen_csv = setup.build / "tests/gen_csv",
                       .project = make_project(setup.work / "shards"),
                       .rows = setup.quick ? 320'000u : 3'200'000u,
                       .rounds = setup.rounds});
  });
}

// nullopt: no such part.
std::optional<int> measure(const Setup& setup, const std::string& part, Rows& rows) {
  if (part == "mysql" || part == "postgres") {
    Servers servers(setup.osiris(), make_project(setup.work / part),
                    setup.table_rows > 0 ? setup.table_rows : kTableRows / (setup.quick ? 10 : 1));
    if (part == "mysql") {
      mysql_rows(rows, servers, setup.program("mysql_fetch"), setup.rounds);
      copy_rows(rows, servers, setup.rounds);
    } else {
      postgres_rows(rows, servers, setup.rounds);
    }
  } else if (part == "objects") {
    object_rows(rows, {.osiris = setup.osiris(),
                       .statements = setup.program("duckdb_statements"),
                       .project = make_project(setup.work / "objects"),
                       .rows = setup.quick ? 650'000u : 6'500'000u,
                       .rounds = setup.rounds});
  } else if (part == "local") {
    std::printf(
        "Machine: %s.\n\n| what | osiris | baseline in the same run | ratio | target |\n|---|---|---|---|---|\n",
        machine().c_str());
    local_rows(setup, rows);
  } else {
    return std::nullopt;
  }
  return rows.finish();
}

int usage() {
  std::fprintf(stderr,
               "usage: osiris-bench BUILD_DIR local|mysql|postgres|objects [--row NAME]... [--rows N] [--rounds N] "
               "[--quick]\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return usage();
  Setup setup;
  setup.build = fs::absolute(argv[1]);
  std::vector<std::string> wanted;
  for (int at = 3; at < argc; ++at) {
    const std::string option = argv[at];
    if (option == "--quick") {
      setup.quick = true;
      setup.big_rows /= 10;
      setup.csv_groups /= 10;
    } else if (at + 1 < argc && option == "--row") {
      wanted.emplace_back(argv[++at]);
    } else if (at + 1 < argc && option == "--rows") {
      setup.table_rows = std::strtoull(argv[++at], nullptr, 10);
    } else if (at + 1 < argc && option == "--rounds") {
      setup.rounds = std::max(1, std::atoi(argv[++at]));
    } else {
      return usage();
    }
  }
  // The template of a server's data directory is kept there.
  setenv("OSIRIS_BUILD_DIR", setup.build.c_str(), 0);
  char directory[] = "/var/tmp/osiris-bench-XXXXXX";
  setup.work = mkdtemp(directory);
  Rows rows(std::move(wanted));
  const std::optional<int> status = measure(setup, argv[2], rows);
  fs::remove_all(setup.work);
  return status ? *status : usage();
}

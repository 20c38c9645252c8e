#include "bench/everyday_rows.h"

#include <fstream>
#include <thread>

#include "protocol/base/json.h"

namespace osiris::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kFast = 21;  // rounds of what takes milliseconds
constexpr int kLargeRunSteps = 1'000, kLargeRunEvents = 100'000;

std::string step(const std::string& id, const std::string& component, const std::string& mode, const std::string& needs,
                 const std::string& config) {
  return "  - id: " + id + "\n    component: " + component + "\n    mode: " + mode + "\n    needs: [" + needs +
         "]\n    config: {" + config + "}\n";
}

class Bench {
 public:
  explicit Bench(const EverydayBench& bench) : bench_(bench) {}

  // The last step waits, so that what the run takes beside it is what is measured.
  Row resume() {
    std::vector<double> wall, own;
    for (int i = 0; i < bench_.rounds; ++i) {
      forget();
      write_chain("exit 1");
      run({"/bin/sh", "-c", "'" + bench_.osiris + "' run chain.yaml --keep-outputs || true"}, bench_.project);
      write_chain("cp $OSIRIS_INPUT $OSIRIS_OUTPUT");
      const Run resumed = run_osiris({"run", "chain.yaml", "--resume", "--json"});
      const auto document = parse_json(resumed.output);
      wall.push_back(resumed.wall_ms);
      own.push_back(document.ok() ? (*document)["steps"].items().back()["duration_ms"].as_double() : 0);
    }
    const double more = median(wall) - median(own);
    return {"resume of a 10-step pipeline whose last step failed",
            format(median(wall), "ms"),
            "that step: " + format(median(own), "ms"),
            "+" + format(more, "ms"),
            "≤ +50 ms",
            more <= 50};
  }

  std::vector<Row> keeping() {
    const fs::path input = bench_.project / "big.csv";
    run({bench_.gen_csv, input, std::to_string(bench_.rows), std::to_string(bench_.groups)});
    write_big("tenth", input,
              "SELECT customer, COUNT(*) AS orders, SUM(amount) AS amount FROM df_load GROUP BY customer ORDER BY "
              "customer");
    write_big("whole", input, "SELECT * FROM df_load");
    const Pair tenth = keep_and_not("tenth"), whole = keep_and_not("whole");
    fs::remove(input);
    const std::string millions = std::to_string(bench_.rows / 1'000'000) + " M";
    return {{"keeping outputs, a tenth of " + millions + " rows read", format(tenth.subject, "ms"),
             "the same run without: " + format(tenth.baseline, "ms"), format(tenth.ratio(), "×"), "≤ 1.05 ×",
             tenth.ratio() <= 1.05},
            {"keeping outputs, all of " + millions + " rows read", format(whole.subject, "ms"),
             "the same run without: " + format(whole.baseline, "ms"), format(whole.ratio(), "×"), "–", true}};
  }

  Row report() {
    std::string text = "oml_version: \"0.1.0\"\nname: large\nsteps:\n";
    for (int i = 0; i < kLargeRunSteps; ++i)
      text += step("s" + std::to_string(i), "mock", "transform", i ? "s" + std::to_string(i / 2) : "", "");
    write("large.yaml", text);
    const Run made = run_osiris({"run", "large.yaml", "--allow-mock", "--json"});
    const auto document = parse_json(made.output);
    add_events(fs::path(document.ok() ? (*document)["session_dir"].as_string() : "") / "events.jsonl");
    std::vector<double> wall;
    for (int i = 0; i < bench_.rounds; ++i) wall.push_back(run_osiris({"report", "-o", "page.html"}).wall_ms);
    const double mib = static_cast<double>(fs::file_size(bench_.project / "page.html")) / (1 << 20);
    return {"report of a run of 1,000 steps and 100,000 events",
            format(median(wall), "ms") + ", " + format(mib, "MiB"),
            "–",
            "–",
            "< 1 s, ≤ 3 MB",
            median(wall) < 1000 && mib * (1 << 20) <= 3e6};
  }

  Row completion() {
    std::vector<double> wall;
    for (int i = 0; i < kFast; ++i) wall.push_back(run_osiris({"complete", "--", "show", "s"}).wall_ms);
    return {
        "completion of one word, a step of 1,000", format(median(wall), "ms"), "–", "–", "< 20 ms", median(wall) < 20};
  }

 private:
  Run run_osiris(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), bench_.osiris);
    return run(arguments, bench_.project);
  }
  void write(const std::string& file, const std::string& text) const { std::ofstream(bench_.project / file) << text; }
  // As before any run of the pipeline: no hash of an input is remembered and no row kept. The worker's hash stays: what
  // it takes would be a part of both sides, and of no run but an installation's first.
  void forget() const {
    for (const char* part : {"outputs", "runs", "files.json"}) fs::remove_all(bench_.project / ".osiris/cache" / part);
  }

  void write_chain(const std::string& command) const {
    std::string text =
        "oml_version: \"0.1.0\"\nname: chain\nsteps:\n" +
        step("s0", "duckdb.processor", "transform", "", "query: \"SELECT range AS n FROM range(100000)\"");
    for (int i = 1; i < 9; ++i)
      text += step("s" + std::to_string(i), "duckdb.processor", "transform", "s" + std::to_string(i - 1),
                   "query: \"SELECT n + 1 AS n FROM input_df ORDER BY n\"");
    text += step("last", "exec.processor", "transform", "s8",
                 "format: csv, command: [sh, -c, \"sleep 0.3; " + command + "\"]");
    write("chain.yaml", text);
  }

  void write_big(const std::string& name, const fs::path& input, const std::string& query) const {
    write(name + ".yaml",
          "oml_version: \"0.1.0\"\nname: " + name + "\nsteps:\n" +
              step("load", "filesystem.csv_extractor", "read", "", "path: " + input.string()) +
              step("query", "duckdb.processor", "transform", "load", "query: \"" + query + "\"") +
              step("save", "filesystem.csv_writer", "write", "query", "path: out.csv, column_order: query"));
  }

  Pair keep_and_not(const std::string& name) const {
    const auto wall = [&](std::vector<std::string> more) {
      forget();
      std::vector<std::string> words = {"run",  name + ".yaml", "--memory-limit",
                                        "4GiB", "--threads",    std::to_string(std::thread::hardware_concurrency())};
      words.insert(words.end(), more.begin(), more.end());
      return run_osiris(words).wall_ms;
    };
    return alternate(bench_.rounds, [&] { return wall({"--keep-outputs"}); }, [&] { return wall({}); });
  }

  // What steps tell of themselves, up to the number wanted.
  static void add_events(const fs::path& file) {
    std::ifstream there(file);
    std::string line, last;
    int count = 0;
    for (; std::getline(there, line); ++count) last = line;
    const auto event = parse_json(last);
    std::ofstream more(file, std::ios::app);
    for (; event.ok() && count < kLargeRunEvents; ++count)
      more << Json::object({{"ts", (*event)["ts"]},
                            {"session", (*event)["session"]},
                            {"event", "script_event"},
                            {"step_id", "s" + std::to_string(count % kLargeRunSteps)},
                            {"name", "progress"},
                            {"data", Json::object({{"at", count}})}})
                  .dump()
           << "\n";
  }

  const EverydayBench& bench_;
};

}  // namespace

std::vector<Row> everyday_rows(const EverydayBench& bench) {
  Bench rows(bench);
  std::vector<Row> all = {rows.resume()};
  for (Row& row : rows.keeping()) all.push_back(std::move(row));
  all.push_back(rows.report());
  all.push_back(rows.completion());
  return all;
}

}  // namespace osiris::bench

#include "bench/csv_rows.h"

#include <algorithm>
#include <fstream>
#include <thread>

namespace osiris::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMemory = "4GiB";

std::string threads() { return std::to_string(std::thread::hardware_concurrency()); }

struct Rounds {
  std::vector<double> wall, peak;
  void add(const Run& run) {
    wall.push_back(run.wall_ms);
    peak.push_back(run.peak_mib);
  }
};

class Bench {
 public:
  explicit Bench(const CsvBench& bench) : bench_(bench) {}

  std::vector<Row> filter() {
    const fs::path input = make("wide", rows(5'600'000));
    write_pipeline("filter", input, "SELECT * FROM df_load WHERE c1 < 75", "out.csv");
    Rounds ours, theirs;
    for (int i = 0; i < bench_.rounds; ++i) {
      ours.add(run_pipeline("filter"));
      theirs.add(run_statement("filter", input, "theirs.csv"));
    }
    fs::remove(input);
    const double ratio = median(ours.wall) / median(theirs.wall), peak = median(ours.peak);
    return {{"5.6 M × 12 CSV → filter → CSV, wall", format(median(ours.wall), "ms"),
             "one fused DuckDB statement: " + format(median(theirs.wall), "ms"), format(ratio, "×"), "≤ 0.8 ×",
             ratio <= 0.8},
            {"5.6 M × 12 CSV → filter → CSV, peak memory", format(peak, "MiB"),
             "the same: " + format(median(theirs.peak), "MiB"), format(peak / median(theirs.peak), "×"), "≤ 500 MiB",
             peak <= 500}};
  }

  // Of CSV, and of JSON, whose columns are settled before its rows stream.
  Row memory(const std::string& what, const std::string& suffix, const std::vector<uint64_t>& thousands) {
    std::vector<double> peaks;
    std::string shown;
    for (const uint64_t each : thousands) {
      const fs::path input = make("wide", rows(each * 1'000), suffix);
      write_pipeline("memory", input, "SELECT * FROM df_load WHERE c1 < 75", "out.csv");
      Rounds ours;
      for (int i = 0; i < bench_.rounds; ++i) ours.add(run_pipeline("memory"));
      peaks.push_back(median(ours.peak));
      shown += (shown.empty() ? "" : ", ") + format(peaks.back(), "MiB");
      fs::remove(input);
    }
    const auto [least, most] = std::minmax_element(peaks.begin(), peaks.end());
    return {what, shown, "itself", format(*most / *least, "×"), "flat: ≤ 1.2 ×", *most / *least <= 1.2};
  }

  Row compressed(const std::string& suffix) {
    const fs::path input = make("wide", rows(1'000'000), suffix);
    write_pipeline("compressed", input, "", "out.csv" + suffix);
    const std::string output = "theirs.csv" + suffix;
    const Pair pair = alternate(
        bench_.rounds, [&] { return run_pipeline("compressed").wall_ms; },
        [&] { return run_statement("copy", input, output).wall_ms; });
    fs::remove(input);
    return {"1 M × 12 CSV" + suffix + " → CSV" + suffix,
            format(pair.subject, "ms"),
            "DuckDB COPY: " + format(pair.baseline, "ms"),
            format(pair.ratio(), "×"),
            "≤ 1 ×",
            pair.ratio() <= 1};
  }

  Row widening() {
    const fs::path late = make("late", rows(100'000)), plain = make("plain", rows(100'000));
    write_pipeline("late", late, "SELECT count(*) AS n FROM df_load", "out.csv");
    write_pipeline("plain", plain, "SELECT count(*) AS n FROM df_load", "out.csv");
    const Pair pair = alternate(
        bench_.rounds, [&] { return run_pipeline("late").wall_ms; }, [&] { return run_pipeline("plain").wall_ms; });
    return {"200 columns × 100 k rows, 50 of them widen late",
            format(pair.subject, "ms"),
            "the same without: " + format(pair.baseline, "ms"),
            format(pair.ratio(), "×"),
            "≤ 1.3 ×",
            pair.ratio() <= 1.3};
  }

 private:
  uint64_t rows(uint64_t full) const { return bench_.quick ? full / 10 : full; }

  fs::path make(const std::string& kind, uint64_t rows, const std::string& suffix = "") const {
    fs::path file = bench_.project / (kind + (suffix == ".ndjson" ? "" : ".csv") + suffix);
    run_statement(kind, std::to_string(rows), file);
    return file;
  }

  Run run_statement(const std::string& mode, const fs::path& input, const fs::path& output) const {
    return run({bench_.statements, mode, input, output, threads(), kMemory}, bench_.project);
  }

  Run run_pipeline(const std::string& name) const {
    return run({bench_.osiris, "run", name + ".yaml", "--memory-limit", kMemory, "--threads", threads()},
               bench_.project);
  }

  // Without a query the writer reads the file's rows. `materialize` in the rows of types: all columns are stored.
  void write_pipeline(const std::string& name, const fs::path& input, const std::string& query,
                      const std::string& output) const {
    const bool stores = name == "late" || name == "plain";
    std::ofstream text(bench_.project / (name + ".yaml"));
    text << "oml_version: \"0.1.0\"\nname: " << name << "\nsteps:\n  - id: load\n"
         << "    component: filesystem." << (input.extension() == ".ndjson" ? "json" : "csv")
         << "_extractor\n    mode: read\n    config: {path: " << input.string() << "}\n"
         << (stores ? "    materialize: true\n" : "");
    if (!query.empty())
      text << "  - id: query\n    component: duckdb.processor\n    mode: transform\n    needs: [load]\n"
           << "    config: {query: \"" << query << "\"}\n";
    text << "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n    needs: ["
         << (query.empty() ? "load" : "query") << "]\n    config: {path: " << output << ", column_order: query}\n";
  }

  const CsvBench& bench_;
};

}  // namespace

std::vector<Row> csv_rows(const CsvBench& bench) {
  Bench rows(bench);
  std::vector<Row> all = rows.filter();
  all.push_back(rows.memory("1, 4, 16 M rows of the same, peak memory", "", {1'000, 4'000, 16'000}));
  all.push_back(rows.memory("0.25, 1, 4 M × 12 NDJSON → filter → CSV, peak memory", ".ndjson", {250, 1'000, 4'000}));
  all.push_back(rows.compressed(".gz"));
  all.push_back(rows.compressed(".zst"));
  all.push_back(rows.widening());
  return all;
}

}  // namespace osiris::bench

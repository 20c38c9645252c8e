#include "bench/fleet_rows.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "bench/cloud.h"

namespace osiris::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kShards = 64, kSandboxes = 16, kWaitMs = 500, kCores = 2;

std::string numbered(const std::string& head, int count, const std::string& config) {
  return "oml_version: \"0.1.0\"\nname: fleet\nsteps:\n  - id: read\n    component: " + head +
         "\n    mode: read\n    foreach: {range: {from: 0, to: " + std::to_string(count) + "}}\n    config: " + config +
         "\n";
}

std::string format_whole(double value, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof text, "%.0f %s", value, unit);
  return text;
}

std::vector<std::string> many(int sandboxes) { return {"--e2b-sandboxes", std::to_string(sandboxes)}; }

// Wall and calls of shards that wait, with delays. What a worker takes to start and to be copied is what one sandbox
// takes for one shard, beyond its calls.
std::vector<Row> waiting(const FleetBench& bench) {
  const Cloud cloud(bench.build, bench.work / "fleet-wait",
                    {"--create-ms", std::to_string(bench.create_ms), "--rtt-ms", std::to_string(bench.round_trip_ms)});
  cloud.write("one.yaml", numbered("mock", 1, "{rows: 1}"));
  cloud.write("wait.yaml", numbered("mock", kShards, "{rows: 1, sleep_ms: " + std::to_string(kWaitMs) + "}"));
  const Cloud near(bench.build, bench.work / "fleet-near", {});
  near.write("one.yaml", numbered("mock", 1, "{rows: 1}"));
  std::vector<double> start, wall;
  size_t calls = 0;
  for (int i = 0; i < 3; ++i) {
    start.push_back(near.run("e2b", "one.yaml").wall_ms);
    cloud.server().clear_requests();
    wall.push_back(cloud.run("e2b", "wait.yaml", many(kSandboxes)).wall_ms);
    calls = cloud.requests().size();
  }
  const double own = median(start);
  const double budget =
      bench.create_ms + kShards / kSandboxes * kWaitMs + 14.0 * bench.round_trip_ms + kSandboxes * own / kCores;
  const size_t later = kShards - kSandboxes, allowed = 8 + 6 * kSandboxes + later;
  return {{"e2b: 64 shards that wait 500 ms in 16 sandboxes, wall", format(median(wall), "ms"),
           "create + 4 × 500 ms + 14 round trips + 16 × a run without delays (" + format(own, "ms") +
               ") on 2 cores: " + format(budget, "ms"),
           format(median(wall) / budget, "×"), "≤ 1 ×", median(wall) <= budget},
          {"the same, remote calls", std::to_string(calls),
           "8 + 6 × 16 + 1 for each later shard: " + std::to_string(allowed), "–", "≤ " + std::to_string(allowed),
           calls <= allowed}};
}

std::vector<Row> unions(const FleetBench& bench) {
  const Cloud cloud(bench.build, bench.work / "fleet-union", {});
  fs::create_directories(cloud.project() / "out");
  const std::string rows = std::to_string(bench.union_rows / kSandboxes);
  const std::string make =
      "  - id: make\n    component: duckdb.processor\n    mode: transform\n    needs: [read]\n    per_shard: true\n"
      "    config: {query: \"SELECT i AS id, hash(i + $shard) AS a, hash(i * 7 + $shard) AS b, hash(i * 31 + $shard) "
      "AS "
      "c FROM range(" +
      rows + ") t(i)\"}\n";
  cloud.write("union.yaml",
              numbered("mock", kSandboxes, "{rows: 1}") + make +
                  "  - id: count\n    component: duckdb.processor\n    mode: transform\n    needs: [make]\n"
                  "    config: {query: \"SELECT count(*) AS n, sum(a) AS a FROM df_make\"}\n"
                  "  - id: save\n    component: filesystem.csv_writer\n    mode: write\n    needs: "
                  "[count]\n    config: {path: out/n.csv}\n");
  std::vector<double> wall_many, wall_one, peak_many, peak_one;
  for (int i = 0; i < 3; ++i) {
    const auto many_run = cloud.run("e2b", "union.yaml", many(kSandboxes));
    const auto one_run = cloud.run("e2b", "union.yaml", many(1));
    wall_many.push_back(many_run.wall_ms);
    wall_one.push_back(one_run.wall_ms);
    peak_many.push_back(many_run.peak_mib);
    peak_one.push_back(one_run.peak_mib);
  }
  const double megabytes = static_cast<double>(bench.union_rows) * 32 / 1e6;
  const double growth = median(peak_many) - median(peak_one);
  return {{"e2b: union of " + format_whole(megabytes, "MB") + " from 16 sandboxes into the first, loopback",
           format(median(wall_many), "ms"), "the same in one sandbox: " + format(median(wall_one), "ms"),
           format(median(wall_many) / median(wall_one), "×"), "–", true},
          {"e2b: the host's peak memory, 16 sandboxes", format(median(peak_many), "MiB"),
           "one: " + format(median(peak_one), "MiB"), format(growth, "MiB more"), "+ ≤ 64 MiB", growth <= 64}};
}

}  // namespace

std::vector<Row> fleet_rows(const FleetBench& bench) {
  std::vector<Row> rows = waiting(bench);
  for (Row& row : unions(bench)) rows.push_back(std::move(row));
  return rows;
}

}  // namespace osiris::bench

#include "bench/fleet_rows.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "bench/cloud.h"

namespace osiris::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kShards = 64, kSandboxes = 16, kWaitMs = 500, kCores = 2, kForkMs = 50, kRounds = 3;

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

std::vector<std::string> delays(const FleetBench& bench) {
  return {"--create-ms", std::to_string(bench.create_ms),    "--fork-ms", std::to_string(kForkMs),
          "--rtt-ms",    std::to_string(bench.round_trip_ms)};
}

// Of a sandbox of two that is made of the other one, without delays: the fork, which copies its files (C), and how long
// a worker takes to say hello in it (S). Measured between the runs that are held to it.
struct OfOneSandbox {
  std::vector<double> start_ms, copy_ms;

  void measure(const Cloud& near) {
    const auto run = near.run("e2b", "two.yaml", many(2));
    start_ms.push_back(first_event(run.session, "worker_started")["duration_ms"].as_double());
    copy_ms.push_back(last_event(run.session, "sandbox_created")["duration_ms"].as_double());
  }
  // 16 × (S + C) / 2 cores.
  double of_all() const { return kSandboxes * (median(start_ms) + median(copy_ms)) / kCores; }
  std::string shown() const {
    return "16 × (S " + format(median(start_ms), "ms") + " + C " + format(median(copy_ms), "ms") + ") / 2 cores";
  }
};

// From asking for the forks to the last relay that is there.
double ready_ms(const std::filesystem::path& session) {
  const auto us = [](const Json& event) { return static_cast<double>(unix_us(event["ts"].as_string())); };
  const Json forked = last_event(session, "sandbox_created"), last = last_event(session, "sandbox_ready");
  return (us(last) - us(forked)) / 1000 + forked["duration_ms"].as_double();
}

// Renewals of leases apart: how many there are is a matter of time.
struct Calls {
  size_t made = 0, renewals = 0;
};
Calls calls_of(const Cloud& cloud) {
  Calls calls;
  const Json requests = cloud.requests();
  for (const Json& each : requests.items())
    ++(each["route"].as_string() == "POST /sandboxes/{id}/timeout" ? calls.renewals : calls.made);
  return calls;
}

// Wall, calls and readiness of shards that wait, with delays.
std::vector<Row> waiting(const FleetBench& bench) {
  const Cloud near(bench.build, bench.work / "fleet-near", {});
  near.write("two.yaml", numbered("mock", 2, "{rows: 1, text: \"${shard.value}\"}"));
  const Cloud cloud(bench.build, bench.work / "fleet-wait", delays(bench));
  const std::string waits = "{rows: 1, text: \"${shard.value}\", sleep_ms: " + std::to_string(kWaitMs) + "}";
  cloud.write("wait.yaml", numbered("mock", kShards, waits));
  cloud.write("ready.yaml", numbered("mock", kSandboxes + 1, waits));
  OfOneSandbox one;
  std::vector<double> wall, ready;
  Calls calls;
  for (int i = 0; i < kRounds; ++i) {
    one.measure(near);
    cloud.server().clear_requests();
    wall.push_back(cloud.run("e2b", "wait.yaml", many(kSandboxes)).wall_ms);
    if (const Calls these = calls_of(cloud); these.made > calls.made) calls = these;
    // One more than the 16 that are made of it.
    ready.push_back(ready_ms(cloud.run("e2b", "ready.yaml", many(kSandboxes + 1)).session));
  }
  const double budget =
      bench.create_ms + kForkMs + kShards / kSandboxes * kWaitMs + 14.0 * bench.round_trip_ms + one.of_all();
  const double ready_budget = kForkMs + 3.0 * bench.round_trip_ms + one.of_all();
  const size_t later = kShards - kSandboxes, allowed = 8 + 6 * kSandboxes + later;
  return {
      {"e2b: 64 shards that wait 500 ms in 16 sandboxes, wall", format(median(wall), "ms"),
       "create + fork + 4 × 500 ms + 14 round trips + " + one.shown() + ": " + format(budget, "ms"),
       format(median(wall) / budget, "×"), "≤ 1 ×", median(wall) <= budget},
      {"the same, remote calls", std::to_string(calls.made) + ", and " + std::to_string(calls.renewals) + " renewals",
       "8 + 6 × 16 + 1 for each later shard: " + std::to_string(allowed) + ", and renewals",
       format(static_cast<double>(calls.made) / static_cast<double>(allowed), "×"), "≤ " + std::to_string(allowed),
       calls.made <= allowed},
      {"e2b: 16 clones of a prepared sandbox ready", format(median(ready), "ms"),
       "fork + 3 round trips + " + one.shown() + ": " + format(ready_budget, "ms"),
       format(median(ready) / ready_budget, "×"), "≤ 1 ×", median(ready) <= ready_budget}};
}

std::string rows_of(const std::string& rows, const std::string& needs, const std::string& more,
                    const std::string& key) {
  return "  - id: make\n    component: duckdb.processor\n    mode: transform\n    needs: [" + needs + "]\n" + more +
         "    config: {query: \"SELECT i AS id, hash(i + " + key +
         ") AS a, hash(i * 7) AS b, hash(i * 31) AS c FROM range(" + rows + ") t(i)\"}\n";
}

// Megabytes a second of shards' rows, from the first byte that comes here to the last that has gone up again.
double union_rate(const Cloud& cloud) {
  int64_t first_us = 0, last_us = 0;
  uint64_t bytes = 0;
  const Json requests = cloud.requests();
  for (const Json& each : requests.items()) {
    const int64_t end_us = unix_us(each["time"].as_string());
    if (each["route"].as_string() == "GET /files") {
      const int64_t begin_us = end_us - each["duration_us"].as_int();
      first_us = bytes == 0 ? begin_us : std::min(first_us, begin_us);
      bytes += each["response_bytes"].as_uint();
    } else if (each["route"].as_string() == "POST /files") {
      last_us = std::max(last_us, end_us);
    }
  }
  return static_cast<double>(bytes) / static_cast<double>(last_us - first_us);
}

// The same of one sandbox's artifacts, packing included.
double artifact_rate(const fs::path& session) {
  const Json collected = first_event(session, "artifacts_collected");
  const int64_t from_us = unix_us(first_event(session, "cleanup_complete")["ts"].as_string());
  return collected["bytes"].as_double() / static_cast<double>(unix_us(collected["ts"].as_string()) - from_us);
}

std::vector<Row> unions(const FleetBench& bench) {
  const Cloud cloud(bench.build, bench.work / "fleet-union", delays(bench));
  fs::create_directories(cloud.project() / "out");
  cloud.write("union.yaml",
              numbered("mock", kSandboxes, "{rows: 1, text: \"${shard.value}\"}") +
                  rows_of(std::to_string(bench.union_rows / kSandboxes), "read", "    per_shard: true\n", "$shard") +
                  "  - id: count\n    component: duckdb.processor\n    mode: transform\n    needs: [make]\n"
                  "    config: {query: \"SELECT count(*) AS n, sum(a) AS a FROM df_make\"}\n"
                  "  - id: save\n    component: filesystem.csv_writer\n    mode: write\n    needs: "
                  "[count]\n    config: {path: out/n.csv}\n");
  cloud.write("whole.yaml", "oml_version: \"0.1.0\"\nname: whole\nsteps:\n" +
                                rows_of(std::to_string(bench.union_rows), "", "", "1") +
                                "  - id: save\n    component: filesystem.parquet_writer\n    mode: write\n    needs: "
                                "[make]\n    config: {path: out/whole.parquet}\n");
  std::vector<double> rate_many, rate_one, peak_many, peak_one;
  for (int i = 0; i < kRounds; ++i) {
    cloud.server().clear_requests();
    peak_many.push_back(cloud.run("e2b", "union.yaml", many(kSandboxes)).peak_mib);
    rate_many.push_back(union_rate(cloud));
    peak_one.push_back(cloud.run("e2b", "union.yaml", many(1)).peak_mib);
    rate_one.push_back(artifact_rate(cloud.run("e2b", "whole.yaml").session));
  }
  const double megabytes = static_cast<double>(bench.union_rows) * 32 / 1e6;
  const double ratio = median(rate_many) / median(rate_one), growth = median(peak_many) - median(peak_one);
  return {{"e2b: union of " + format_whole(megabytes, "MB") + " from 16 sandboxes into the first",
           format(median(rate_many), "MB/s"), "artifacts of one sandbox: " + format(median(rate_one), "MB/s"),
           format(ratio, "×"), "≥ 0.4 ×", ratio >= 0.4},
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

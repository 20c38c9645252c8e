// osiris-bench-e2b BUILD_DIR [--quick] [GROUP...]: the rows of the table that are about the e2b adapter, against the
// local E2B server. Calls, wall time and many sandboxes are measured with an injected create time of 150 ms (a fork: 50
// ms) and round trips of 80 ms; the rest without delays. Groups: calls wall first events fleet artifacts bytes; all of
// them when none is named.
#include <unistd.h>
#include <zlib.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>

#include "bench/cloud.h"
#include "bench/fleet_rows.h"
#include "bench/measure.h"
#include "bench/zstd_download.h"
#include "protocol/base/clock.h"
#include "protocol/base/sha256.h"

namespace {

using namespace osiris;
using namespace osiris::bench;
namespace fs = std::filesystem;

constexpr int kRounds = 5;
constexpr int kCreateMs = 150, kRoundTripMs = 80;
constexpr uint64_t kSmallUpload = 64 * 1024;

struct Setup {
  fs::path build, work;
  int steps_max = 100;
  uint64_t events = 100'000;
  uint64_t artifact_rows = 1'560'000;  // 100 MB of CSV
};

std::string header(const std::string& name) { return "oml_version: \"0.1.0\"\nname: " + name + "\nsteps:\n"; }

std::string noop_steps(int steps) {
  std::string text = header("noop-" + std::to_string(steps));
  for (int i = 0; i < steps; ++i)
    text += "  - {id: s" + std::to_string(i) + ", component: mock, mode: transform, needs: [" +
            (i ? "s" + std::to_string(i - 1) : "") + "], config: {}}\n";
  return text;
}

std::string csv_chain() {
  return header("chain") +
         "  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n"
         "  - {id: query, component: duckdb.processor, mode: transform, needs: [read], config: {query: \"SELECT * FROM "
         "df_read ORDER BY id\"}}\n"
         "  - {id: write, component: filesystem.csv_writer, mode: write, needs: [query], config: {path: out.csv}}\n";
}

std::string csv_rows(int rows, const char* text) {
  std::string csv = "id,name\n";
  for (int i = 0; i < rows; ++i) csv += std::to_string(i) + "," + text + std::to_string(i * 7919) + "\n";
  return csv;
}

std::vector<std::string> delays() {
  return {"--create-ms", std::to_string(kCreateMs), "--rtt-ms", std::to_string(kRoundTripMs)};
}

std::string whole(double value, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof text, "%.0f %s", value, unit);
  return text;
}

// ---- Calls and wall time, with delays

std::vector<Row> calls(const Setup& setup) {
  const Cloud cloud(setup.build, setup.work / "calls", delays());
  int64_t before = 0;
  std::string per_run;
  bool met = true;
  for (int steps = 1; steps <= setup.steps_max; steps *= 10) {
    cloud.write("noop.yaml", noop_steps(steps));
    cloud.server().clear_requests();
    const auto run = cloud.run("e2b", "noop.yaml");
    const size_t count = cloud.requests().size();
    before = std::max(before, cloud.requests_before(unix_us(first_event(run.session, "step_start")["ts"].as_string())));
    per_run += (per_run.empty() ? "" : ", ") + std::to_string(count) + " (N = " + std::to_string(steps) + ")";
    met = met && count <= 8;
  }
  return {
      {"e2b: remote calls before the first step starts", std::to_string(before), "64 in the Python original", "–",
       "≤ 4", before <= 4},
      {"e2b: remote calls per run of N steps", per_run, "69 + 3 N in the Python original", "–", "≤ 8 for any N", met}};
}

// Latency on every call, a network that is slow in all it does, or no delay at all.
enum class Delay { kCalls, kHandshakes, kNone };

Row overhead(const Setup& setup, Delay delay) {
  const bool handshakes = delay == Delay::kHandshakes;
  const Cloud cloud(setup.build, setup.work / ("overhead-" + std::to_string(static_cast<int>(delay))),
                    handshakes ? delays() : std::vector<std::string>());
  const auto latency = [](const char* route, int ms) {
    return Json::object({{"route", route}, {"action", Json::object({{"type", "latency"}, {"ms", ms}})}});
  };
  if (delay == Delay::kCalls &&
      !cloud.server().set_faults(Json::array({latency("*", kRoundTripMs), latency("POST /v2/sandboxes", kCreateMs)})))
    std::abort();
  cloud.write("chain.yaml", csv_chain());
  cloud.write("in.csv", csv_rows(1000, "row "));
  bool verified = true;
  const Pair pair = alternate(
      kRounds + 2,
      [&] {
        const auto run = cloud.run("e2b", "chain.yaml");
        verified = verified && first_event(run.session, "sandbox_killed")["verified"].as_bool();
        return run.wall_ms;
      },
      [&] { return cloud.run("local", "chain.yaml").wall_ms; });
  verified = verified && cloud.server().sandboxes().size() == 0;
  constexpr double kBudgetMs = kCreateMs + kRoundTripMs + 6 * kRoundTripMs;
  const double extra = pair.subject - pair.baseline;
  if (handshakes)
    return {"the same, with each TCP handshake a round trip too",
            whole(extra, "ms"),
            "local: " + whole(pair.baseline, "ms"),
            "–",
            "–",
            verified};
  if (delay == Delay::kNone)
    return {"the same without delays: the worker sent, unpacked and started, a sandbox made and removed",
            whole(extra, "ms"),
            "local: " + whole(pair.baseline, "ms"),
            "–",
            "≤ +150 ms",
            extra <= 150 && verified};
  return {"e2b: wall of CSV → SQL → CSV minus the same run local; sandbox without worker, clean-up verified",
          whole(extra, "ms"),
          "local: " + whole(pair.baseline, "ms") + "; create and 64 round trips take " +
              whole(kCreateMs + 65 * kRoundTripMs, "ms"),
          "–",
          "≤ create + 6 round trips = " + whole(kBudgetMs, "ms"),
          extra <= kBudgetMs && verified};
}

// ---- Bytes

// The worker as it would travel with gzip instead: one member at the best level.
uint64_t gzip_bytes(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  uLongf size = compressBound(bytes.size());
  std::string packed(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                bytes.size(), 9) != Z_OK)
    std::abort();
  return size;
}

std::vector<Row> bytes(const Setup& setup) {
  const Cloud cloud(setup.build, setup.work / "bytes", {});
  cloud.write(
      "chain.yaml",
      header("two") +
          "  - {id: big, component: filesystem.csv_extractor, mode: read, config: {path: big.csv}}\n"
          "  - {id: small, component: filesystem.csv_extractor, mode: read, needs: [], config: {path: small.csv}}\n"
          "  - {id: join, component: duckdb.processor, mode: transform, needs: [big, small], config: {query: \"SELECT "
          "count(*) AS n FROM df_big, df_small\"}}\n"
          "  - {id: write, component: filesystem.csv_writer, mode: write, needs: [join], config: {path: out.csv}}\n");
  cloud.write("big.csv", csv_rows(50'000, "unchanged "));
  cloud.write("small.csv", csv_rows(100, "first "));
  const auto sent_by = [&](const std::vector<std::string>& options) {
    cloud.server().clear_requests();
    cloud.run("e2b", "chain.yaml", options);
    return cloud.bytes_sent();
  };
  const uint64_t cold = sent_by({});
  const uint64_t gzip = gzip_bytes(setup.build / "lib/osiris/osiris-worker");
  const std::vector<std::string> shape = {"--e2b-cpu", "4", "--e2b-mem", "2"},
                                 keep = {"--e2b-keep", "--e2b-lease", "600"};
  sent_by(shape);
  const uint64_t known = sent_by(shape);
  sent_by(keep);
  cloud.write("small.csv", csv_rows(100, "second "));
  const uint64_t kept = sent_by(keep);
  const uint64_t changed = fs::file_size(cloud.project() / "small.csv"),
                 all = changed + fs::file_size(cloud.project() / "big.csv");
  const auto amount = [](uint64_t count) { return whole(static_cast<double>(count), "bytes"); };
  return {{"e2b: bytes uploaded, second run in a kept sandbox", amount(kept),
           "changed inputs: " + amount(changed) + " of " + amount(all), "–", "≤ 64 KiB + changed inputs",
           kept <= kSmallUpload + changed},
          {"e2b: bytes uploaded, second run from a known template", amount(known), "all inputs: " + amount(all), "–",
           "≤ 64 KiB + all inputs", known <= kSmallUpload + all},
          {"e2b: bytes uploaded, cold (worker as zstd with its unpacker, and inputs)", amount(cold),
           "the worker alone as gzip -9: " + amount(gzip),
           format(static_cast<double>(cold) / static_cast<double>(gzip), "×"), "the smaller of the two", cold < gzip}};
}

// ---- Without delays: first event, artifacts, events

// Both as the host got them: from the worker's hello to its first event.
Row first_event_latency(const Setup& setup) {
  const Cloud cloud(setup.build, setup.work / "first", {});
  cloud.write("noop.yaml", noop_steps(1));
  setenv("OSIRIS_RPC_DEBUG", "1", 1);
  std::vector<double> times;
  for (int i = 0; i < kRounds + 4; ++i) {
    std::ifstream wire(cloud.run("e2b", "noop.yaml").session / "adapter/rpc.log");
    int64_t hello_us = 0;
    for (std::string line; std::getline(wire, line);) {
      if (hello_us == 0 && line.find("\"type\":\"hello\"") != std::string::npos) hello_us = unix_us(line);
      if (hello_us == 0 || line.find("\"type\":\"event\"") == std::string::npos) continue;
      times.push_back(static_cast<double>(unix_us(line) - hello_us) / 1000);
      break;
    }
  }
  unsetenv("OSIRIS_RPC_DEBUG");
  return {"e2b: worker started → first event",
          format(median(times), "ms"),
          "150 ms in the seed document",
          "–",
          "≤ 25 ms",
          median(times) <= 25};
}

constexpr int kArtifactFiles = 4;

std::string artifacts_pipeline(uint64_t rows) {
  std::string text = header("artifacts") +
                     "  - id: make\n    component: duckdb.processor\n    mode: transform\n    needs: []\n    config:\n"
                     "      query: \"SELECT range AS id, md5(range::VARCHAR) AS code, range % 1000 AS shop, range * "
                     "7919 % 100003 / 100.0 AS amount, "
                     "'customer ' || range % 50000 AS customer FROM range(" +
                     std::to_string(rows) + ")\"\n";
  for (int i = 0; i < kArtifactFiles; ++i) {
    const std::string n = std::to_string(i);
    text += "  - {id: part" + n +
            ", component: duckdb.processor, mode: transform, needs: [make], config: {query: \"SELECT * FROM df_make "
            "WHERE id % 4 = " +
            n + "\"}}\n" + "  - {id: write" + n + ", component: filesystem.csv_writer, mode: write, needs: [part" + n +
            "], config: {path: out/part" + n + ".csv}}\n";
  }
  return text;
}

Row artifacts(const Setup& setup) {
  const Cloud cloud(setup.build, setup.work / "artifacts", {});
  cloud.write("artifacts.yaml", artifacts_pipeline(setup.artifact_rows));
  fs::create_directories(cloud.project() / "out");
  // One run leaves its sandbox, and with it its outputs, on the server: what the baseline downloads.
  const auto kept = cloud.run("e2b", "artifacts.yaml", {"--e2b-keep", "--e2b-lease", "3600"});
  const std::string id = first_event(kept.session, "sandbox_created")["sandbox_id"].as_string();
  e2b_server::HttpClient client(cloud.server().url());
  const auto connected = client.request("POST", "/v2/sandboxes/" + id + "/connect",
                                        {{"x-api-key", cloud.server().api_key()}, {"content-type", "application/json"}},
                                        "{\"timeout\":3600}");
  const e2b_server::SandboxHandle sandbox{cloud.server().url(), id, connected.json()["envdAccessToken"].as_string()};
  std::vector<DownloadedFile> files;
  uint64_t total = 0;
  const fs::path directory = setup.work / "downloaded";
  fs::create_directories(directory);
  for (int i = 0; i < kArtifactFiles; ++i) {
    const std::string name = "part" + std::to_string(i) + ".csv";
    files.push_back({"/home/user/.osiris/runs/" + kept.report["session_id"].as_string() + "/outputs/" +
                         std::to_string(i + 1) + "/" + name,
                     directory / name});
    total += fs::file_size(cloud.project() / "out" / name);
  }
  const auto osiris_ms = [&] {
    const auto run = cloud.run("e2b", "artifacts.yaml");
    // From the end of the last step: packing, the way here, unpacking and checking.
    const int64_t from = unix_us(first_event(run.session, "cleanup_complete")["ts"].as_string());
    return static_cast<double>(unix_us(first_event(run.session, "artifacts_collected")["ts"].as_string()) - from) /
           1000;
  };
  const auto baseline_ms = [&] {
    const int64_t started_ns = system_clock().monotonic_ns();
    if (download_through_zstd(sandbox, files) != total) std::abort();
    return static_cast<double>(system_clock().monotonic_ns() - started_ns) / 1e6;
  };
  const Pair pair = alternate(kRounds, osiris_ms, baseline_ms);
  const auto rate = [&](double ms) { return whole(static_cast<double>(total) / 1e3 / ms, "MB/s"); };
  const double ratio = pair.baseline / pair.subject;
  return {"e2b: " + whole(static_cast<double>(total) / 1e6, "MB") + " of artifacts back, loopback",
          rate(pair.subject),
          "GET of the same files through zstd -1 on both ends: " + rate(pair.baseline),
          format(ratio, "×"),
          "≥ 0.95 ×",
          ratio >= 0.95};
}

std::vector<Row> events(const Setup& setup) {
  const Cloud cloud(setup.build, setup.work / "events", {});
  const uint64_t few = setup.events / 10;
  for (const uint64_t count : {setup.events, few})
    cloud.write(std::to_string(count) + ".yaml",
                header("events") + "  - {id: talk, component: mock, mode: transform, config: {events: " +
                    std::to_string(count) + "}}\n");
  uint64_t lost = 0;
  std::vector<double> wall[2], peak[2];
  for (int i = 0; i < kRounds; ++i)
    for (const int k : {0, 1}) {
      const uint64_t count = k == 0 ? setup.events : few;
      const auto run = cloud.run("e2b", std::to_string(count) + ".yaml");
      wall[k].push_back(run.wall_ms);
      peak[k].push_back(run.peak_mib);
      lost += count - count_events(run.session, "mock_event");
    }
  // What nine tenths of the events take: the rest of a run is in both.
  const double rate = static_cast<double>(setup.events - few) / (median(wall[0]) - median(wall[1])) * 1000;
  const double growth = median(peak[0]) - median(peak[1]);
  return {{"e2b: " + std::to_string(setup.events) + " events streamed",
           whole(rate, "events/s") + ", " + std::to_string(lost) + " lost", "–", "–", "≥ 50000/s, none lost",
           rate >= 50'000 && lost == 0},
          {"e2b: the host's peak memory meanwhile", format(median(peak[0]), "MiB"),
           std::to_string(few) + " events: " + format(median(peak[1]), "MiB"), "–", "flat: + ≤ 8 MiB", growth <= 8}};
}

// With the packed worker of another one beside it each run would pack the worker anew, as none of an installation does.
void check_packed_worker(const fs::path& build) {
  const fs::path worker = build / "lib/osiris/osiris-worker";
  constexpr size_t kMagicAndLength = 8, kHash = 64;
  char head[kMagicAndLength + kHash] = {};
  std::ifstream(worker.string() + ".zst", std::ios::binary).read(head, sizeof head);
  const auto digest = sha256_file(worker);
  if (digest && digest->sha256 == std::string_view(head + kMagicAndLength, kHash)) return;
  std::fprintf(stderr, "bench: %s.zst is not of this worker; build osiris_packed_worker\n", worker.c_str());
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: osiris-bench-e2b BUILD_DIR [--quick] [GROUP...]\n");
    return 2;
  }
  Setup setup;
  setup.build = fs::absolute(argv[1]);
  check_packed_worker(setup.build);
  char directory[] = "/var/tmp/osiris-bench-XXXXXX";
  setup.work = mkdtemp(directory);
  std::set<std::string> groups;
  for (int i = 2; i < argc; ++i) {
    if (std::strcmp(argv[i], "--quick") != 0) {
      groups.insert(argv[i]);
      continue;
    }
    setup.steps_max = 10;
    setup.events /= 10;
    setup.artifact_rows /= 10;
  }
  const auto wanted = [&](const char* group) { return groups.empty() || groups.count(group) > 0; };
  if (wanted("calls")) print(calls(setup));
  if (wanted("wall"))
    print({overhead(setup, Delay::kCalls), overhead(setup, Delay::kHandshakes), overhead(setup, Delay::kNone)});
  if (wanted("first")) print({first_event_latency(setup)});
  // Both before this process has held large files: a child's peak is never below its parent's.
  if (wanted("events")) print(events(setup));
  if (wanted("fleet"))
    print(fleet_rows({.build = setup.build,
                      .work = setup.work,
                      .create_ms = kCreateMs,
                      .round_trip_ms = kRoundTripMs,
                      .union_rows = setup.artifact_rows * 2}));
  if (wanted("artifacts")) print({artifacts(setup)});
  if (wanted("bytes")) print(bytes(setup));
  fs::remove_all(setup.work);
  return 0;
}

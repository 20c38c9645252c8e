// osiris-bench-ssh BUILD_DIR: the rows of the table that are about the example adapter `ssh`, against Debian's sshd on
// loopback behind a link that holds every byte back, each way. The worker is there already. What the bytes of a run
// take at the rate of the same link is measured beside it, by a copy of many: the target is for the rest.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "bench/measure.h"
#include "protocol/base/clock.h"
#include "protocol/base/subprocess.h"
#include "tests/ssh/slow_link.h"
#include "tests/ssh/sshd.h"

namespace {

using namespace osiris;
using namespace osiris::bench;

constexpr int kRounds = 5;
constexpr std::chrono::milliseconds kOneWay{40};
constexpr int kRoundTripMs = 2 * kOneWay.count();
constexpr int kRoundTrips = 6;
constexpr size_t kCopyBytes = size_t{32} << 20;

std::string whole(double value, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof text, "%.0f %s", value, unit);
  return text;
}

class Bench {
 public:
  Bench() : sshd_(project_.dir() / "machine") {
    std::string csv = "id,name\n";
    for (int i = 0; i < 1000; ++i) csv += std::to_string(i) + ",row " + std::to_string(i * 7919) + "\n";
    project_.write("in.csv", csv);
    project_.write("chain.yaml", R"(oml_version: "0.1.0"
name: chain
steps:
  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}
  - {id: query, component: duckdb.processor, mode: transform, needs: [read],
     config: {query: "SELECT * FROM df_read ORDER BY id"}}
  - {id: write, component: filesystem.csv_writer, mode: write, needs: [query], config: {path: out.csv}}
)");
    wall_ms(by_ssh());  // sends the worker
  }

  std::vector<Row> rows() {
    ssh_tests::SlowLink link(sshd_.port(), kOneWay);
    return {standing(link), handshake(link), without_delay()};
  }

 private:
  static std::vector<std::string> local() { return {"run", "chain.yaml"}; }
  std::vector<std::string> by_ssh() const { return ssh_tests::with_ssh(sshd_, local()); }
  double wall_ms(const std::vector<std::string>& arguments) const {
    const int64_t began = system_clock().monotonic_ns();
    const e2e::Outcome outcome = project_.osiris(arguments);
    if (outcome.exit != 0) {
      std::fprintf(stderr, "%s%s", outcome.out.c_str(), outcome.err.c_str());
      std::exit(1);
    }
    return static_cast<double>(system_clock().monotonic_ns() - began) / 1e6;
  }
  Pair pair() const {
    return alternate(kRounds, [&] { return wall_ms(by_ssh()); }, [&] { return wall_ms(local()); });
  }

  // How long `bytes` take through the client and this link.
  double copy_ms(size_t bytes) const {
    SpawnOptions options;
    options.arguments = {"/usr/bin/ssh", "-F", sshd_.client_config().string(), "far", "cat > /dev/null"};
    options.environment = {{"PATH", "/usr/bin:/bin"}};
    const int64_t began = system_clock().monotonic_ns();
    const auto copied = run_command(options, 60'000, 1024, std::string(bytes, 'x'));
    if (!copied.ok() || !copied->exit.success()) std::exit(1);
    return static_cast<double>(system_clock().monotonic_ns() - began) / 1e6;
  }

  Row standing(ssh_tests::SlowLink& link) {
    const ssh_tests::StandingConnection connection(sshd_, link.port());
    const uint64_t before = link.bytes();
    wall_ms(by_ssh());
    const auto run_bytes = static_cast<double>(link.bytes() - before);
    const double per_byte_ms = (copy_ms(kCopyBytes) - copy_ms(1)) / static_cast<double>(kCopyBytes);
    const double copy = run_bytes * per_byte_ms;
    const Pair both = pair();
    const double extra = both.subject - both.baseline;
    const double budget_ms = kRoundTrips * kRoundTripMs + copy;
    return {"ssh: wall of CSV → SQL → CSV minus the same run local, over a connection that stands, a round trip " +
                whole(kRoundTripMs, "ms"),
            whole(extra, "ms"),
            "local: " + whole(both.baseline, "ms"),
            format((extra - copy) / kRoundTripMs, "round trips"),
            "≤ 6 round trips + copy of " + whole(run_bytes / 1000, "kB") + " at " +
                whole(1 / per_byte_ms / 1000, "MB/s") + " = " + whole(budget_ms, "ms"),
            extra <= budget_ms};
  }
  Row handshake(ssh_tests::SlowLink& link) {
    sshd_.reach_by(link.port());
    const Pair both = pair();
    const double extra = both.subject - both.baseline;
    return {"the same, with the connection made for the run",
            whole(extra, "ms"),
            "local: " + whole(both.baseline, "ms"),
            format(extra / kRoundTripMs, "round trips"),
            "–",
            true};
  }
  Row without_delay() {
    const ssh_tests::StandingConnection connection(sshd_, sshd_.port());
    const Pair both = pair();
    return {"the same over a connection that stands, without delay",
            whole(both.subject - both.baseline, "ms"),
            "local: " + whole(both.baseline, "ms"),
            "–",
            "–",
            true};
  }

  e2e::Project project_;
  ssh_tests::Sshd sshd_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: osiris-bench-ssh BUILD_DIR\n");
    return 2;
  }
  ::setenv("OSIRIS_BUILD_DIR", argv[1], 1);
  print(Bench().rows());
  return 0;
}

#include "bench/object_rows.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "protocol/base/file.h"
#include "protocol/http/curl_transport.h"
#include "tests/remote/object_server.h"

namespace osiris::bench {
namespace {

namespace fs = std::filesystem;
using test::ObjectServer;

constexpr std::chrono::milliseconds kDelay(20);
constexpr const char* kThreads = "2";

class Lake {
 public:
  explicit Lake(const ObjectBench& bench) : bench_(bench), local_(bench.project / "local") {
    fs::create_directories(local_);
    statements("parquet", std::to_string(bench_.rows), local_);
    for (const auto& entry : fs::directory_iterator(local_)) {
      auto bytes = read_file(entry.path(), uint64_t{4} << 30);
      if (!bytes.ok()) std::exit(1);
      names_.push_back(entry.path().filename());
      bytes_ += bytes->size();
      server_.put("lake/orders/" + names_.back(), *std::move(bytes));
    }
    fs::remove_all(local_);
    fs::create_directories(local_);
    server_.on_request([](const test::ObjectRequest&, size_t) {
      std::this_thread::sleep_for(kDelay);
      return std::optional<test::ObjectFault>();
    });
    std::ofstream(bench_.project / "osiris_connections.yaml")
        << "version: 1\nconnections:\n  filesystem:\n    lake: {default: true, endpoint: \"" + server_.url() +
               "\", access_key_id: AKID, secret_access_key: \"${BENCH_SECRET}\"}\n";
    fs::permissions(bench_.project / "osiris_connections.yaml", fs::perms::owner_read | fs::perms::owner_write);
    std::ofstream(bench_.project / "group.yaml")
        << "oml_version: \"0.1.0\"\nname: group\nsteps:\n  - id: read\n    component: filesystem.parquet_extractor\n"
           "    mode: read\n    config: {connection: \"@filesystem.lake\", path: \"s3://lake/orders/*.parquet\"}\n"
           "  - id: group\n    component: duckdb.processor\n    mode: transform\n    needs: [read]\n"
           "    config: {query: \"SELECT c3 % 1000 AS key, sum(c7 % 1000) AS total FROM df_read GROUP BY 1 ORDER BY "
           "1\"}\n"
           "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n    needs: [group]\n"
           "    config: {path: out.csv}\n";
  }

  double ours() {
    const uint64_t before = server_.bytes_sent();
    const double wall = run({bench_.osiris, "run", "group.yaml"}, bench_.project, {{"BENCH_SECRET", "secret"}}).wall_ms;
    read_.push_back(static_cast<double>(server_.bytes_sent() - before));
    return wall;
  }

  // All objects at once, each by one request, then the statement.
  double theirs() {
    const auto start = std::chrono::steady_clock::now();
    {
      http::CurlTransport transport;
      std::vector<std::thread> threads;
      for (const std::string& name : names_)
        threads.emplace_back([&, name] {
          std::ofstream file(local_ / name, std::ios::binary);
          http::Request request;
          request.url = server_.url("/lake/orders/" + name);
          http::SendOptions options;
          options.sink = [&](const http::Response&, uint64_t, std::string_view bytes) {
            file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
            return file ? Status() : Status(Error(Code::kExhausted, "the disk is full"));
          };
          if (http::send(transport, request, options).failure) std::exit(1);
        });
      for (std::thread& thread : threads) thread.join();
    }
    statements("group", local_ / "*.parquet", bench_.project / "theirs.csv");
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  }

  // What was read, as a share of the two columns' bytes.
  double share() const { return median(read_) / (static_cast<double>(bytes_) * 2 / 20); }
  double read_mib() const { return median(read_) / (1 << 20); }
  double whole_mib() const { return static_cast<double>(bytes_) / (1 << 20); }

 private:
  void statements(const std::string& mode, const std::string& input, const std::string& output) {
    run({bench_.statements, mode, input, output, kThreads, "4GiB"});
  }

  const ObjectBench& bench_;
  const fs::path local_;
  ObjectServer server_;
  std::vector<std::string> names_;
  uint64_t bytes_ = 0;
  std::vector<double> read_;
};

std::vector<Row> columns(const ObjectBench& bench) {
  Lake lake(bench);
  const Pair pair = alternate(bench.rounds, [&] { return lake.ours(); }, [&] { return lake.theirs(); });
  const std::string name =
      "group-by over 2 of 20 columns of " + format(lake.whole_mib(), "MiB") + " of Parquet in S3, 20 ms a request";
  return {{name + ", wall", format(pair.subject, "ms"),
           "download of the whole objects, then DuckDB: " + format(pair.baseline, "ms"),
           format(1 / pair.ratio(), "× faster"), "≥ 3 × faster", pair.ratio() <= 1.0 / 3},
          {name + ", bytes read", format(lake.read_mib(), "MiB"), "the two columns", format(lake.share(), "×"),
           "≤ 1.2 ×", lake.share() <= 1.2}};
}

}  // namespace

void object_rows(Rows& rows, const ObjectBench& bench) {
  rows.add("objects", [&] { return columns(bench); });
}

}  // namespace osiris::bench

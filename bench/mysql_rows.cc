#include "bench/mysql_rows.h"

#include <cstdlib>
#include <fstream>

#include "protocol/base/json.h"

namespace osiris::bench {
namespace {

namespace fs = std::filesystem;

constexpr char kQuery[] = "SELECT * FROM orders";

class Server {
 public:
  explicit Server(const MysqlBench& bench)
      : bench_(bench), host_(std::getenv("MARIADB_HOST")), port_(std::getenv("MARIADB_PORT")) {
    write("osiris_connections.yaml", "version: 1\nconnections:\n  mysql:\n    bench: {default: true, host: " + host_ +
                                         ", port: " + port_ +
                                         ", database: bench, user: bench, password: \"${BENCH_PASSWORD}\"}\n");
    fs::permissions(bench.project / "osiris_connections.yaml", fs::perms::owner_read | fs::perms::owner_write);
    const std::string pull =
        "steps:\n  - id: pull\n    component: mysql.extractor\n    mode: read\n    config: {connection: "
        "\"@mysql.bench\", query: \"" +
        std::string(kQuery) + "\"}\n";
    write("extract.yaml", "oml_version: \"0.1.0\"\nname: extract\n" + pull);
    write("copy.yaml", "oml_version: \"0.1.0\"\nname: copy\n" + pull +
                           "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n    needs: [pull]\n"
                           "    config: {path: out.csv}\n");
  }

  Run osiris(const char* pipeline) const {
    return run({bench_.osiris, "--json", "run", pipeline}, bench_.project, {{"BENCH_PASSWORD", "bench"}});
  }
  // The plain client, as its manual exports a table: rows as they come, separated by tabs.
  Run client() const {
    return run({"sh", "-c",
                "mariadb --quick -B -h " + host_ + " -P " + port_ + " -u bench bench -e '" + kQuery + "' > client.tsv"},
               bench_.project, {{"MYSQL_PWD", "bench"}});
  }
  Run fetch() const { return run({bench_.fetch, host_, port_, "bench", "bench", "bench", kQuery}); }

 private:
  void write(const char* name, const std::string& text) const { std::ofstream(bench_.project / name) << text; }

  const MysqlBench& bench_;
  const std::string host_, port_;
};

std::string million(uint64_t rows) { return format(static_cast<double>(rows) / 1e6, "M-row"); }

Row relation(const MysqlBench& bench, const Server& server) {
  const auto extract_rate = [&] {
    const auto report = parse_json(server.osiris("extract.yaml").output);
    const auto& step = (*report)["steps"].items().at(0);
    return static_cast<double>(bench.rows) / (step["duration_ms"].as_double() / 1000);
  };
  const auto fetch_rate = [&] { return (*parse_json(server.fetch().output))["rows_per_second"].as_double(); };
  const Pair pair = alternate(bench.rounds, extract_rate, fetch_rate);
  return {million(bench.rows) + " MySQL table × 10 → worker relation",
          format(pair.subject / 1e6, "M rows/s"),
          "bare Connector/C fetch loop: " + format(pair.baseline / 1e6, "M rows/s"),
          format(pair.ratio(), "×"),
          "≥ 0.8 ×",
          pair.ratio() >= 0.8};
}

std::vector<Row> csv(const MysqlBench& bench, const Server& server) {
  std::vector<double> ours, peak, client, fetch;
  for (int i = 0; i < bench.rounds; ++i) {
    const Run copied = server.osiris("copy.yaml");
    ours.push_back(copied.wall_ms);
    peak.push_back(copied.peak_mib);
    client.push_back(server.client().wall_ms);
    fetch.push_back(server.fetch().wall_ms);
  }
  const std::string name = million(bench.rows) + " MySQL table × 10 → CSV";
  const std::string shown = format(median(ours), "ms") + ", " + format(median(peak), "MiB");
  const double of_client = median(ours) / median(client), of_fetch = median(ours) / median(fetch);
  return {{name, shown, "`mariadb --quick -B`: " + format(median(client), "ms"), format(of_client, "×"), "≤ 0.6 ×",
           of_client <= 0.6},
          {name, shown, "Connector/C, fetch and drop: " + format(median(fetch), "ms"), format(of_fetch, "×"), "≤ 1.5 ×",
           of_fetch <= 1.5}};
}

}  // namespace

std::vector<Row> mysql_rows(const MysqlBench& bench) {
  const Server server(bench);
  std::vector<Row> rows = {relation(bench, server)};
  for (Row& row : csv(bench, server)) rows.push_back(std::move(row));
  return rows;
}

}  // namespace osiris::bench

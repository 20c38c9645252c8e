#include "bench/mysql_rows.h"

#include "protocol/base/json.h"

namespace osiris::bench {
namespace {

constexpr char kQuery[] = "SELECT * FROM orders";

class Reads {
 public:
  Reads(Servers& servers, std::string fetch, int rounds)
      : servers_(servers), fetch_(std::move(fetch)), rounds_(rounds), port_(std::to_string(servers.mariadb().port())) {
    const std::string pull =
        "steps:\n  - id: pull\n    component: mysql.extractor\n    mode: read\n    config: {connection: "
        "\"@mysql.bench\", query: \"" +
        std::string(kQuery) + "\"}\n";
    servers.write("extract.yaml", "oml_version: \"0.1.0\"\nname: extract\n" + pull);
    servers.write("copy.yaml",
                  "oml_version: \"0.1.0\"\nname: copy\n" + pull +
                      "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n    needs: [pull]\n"
                      "    config: {path: out.csv}\n");
  }

  std::vector<Row> relation() const {
    const auto rows = static_cast<double>(servers_.rows());
    const auto extract_rate = [&] {
      const auto report = parse_json(servers_.osiris("extract.yaml").output);
      const auto& step = (*report)["steps"].items().at(0);
      return rows / (step["duration_ms"].as_double() / 1000);
    };
    const auto fetch_rate = [&] { return (*parse_json(fetch().output))["rows_per_second"].as_double(); };
    const Pair pair = alternate(rounds_, extract_rate, fetch_rate);
    return {{table() + "worker relation", format(pair.subject / 1e6, "M rows/s"),
             "bare Connector/C fetch loop: " + format(pair.baseline / 1e6, "M rows/s"), format(pair.ratio(), "×"),
             "≥ 0.8 ×", pair.ratio() >= 0.8}};
  }

  std::vector<Row> csv() const {
    Costs ours, plain, fetched;
    for (int i = 0; i < rounds_; ++i) {
      ours.add(servers_.osiris("copy.yaml"));
      plain.add(client());
      fetched.add(fetch());
    }
    const std::string shown = spent(ours) + ", " + format(ours.peak_mib(), "MiB");
    const double of_client = ours.wall_ms() / plain.wall_ms(), of_fetch = ours.wall_ms() / fetched.wall_ms();
    return {{table() + "CSV", shown, "`mariadb --quick -B`: " + spent(plain), format(of_client, "×"), "≤ 0.6 ×",
             of_client <= 0.6},
            {table() + "CSV", shown, "Connector/C, fetch and drop: " + spent(fetched), format(of_fetch, "×"), "≤ 1.5 ×",
             of_fetch <= 1.5}};
  }

 private:
  static std::string spent(const Costs& costs) {
    return format(costs.wall_ms(), "ms") + ", " + format(costs.cpu_s(), "s of CPU");
  }
  std::string table() const {
    return format(static_cast<double>(servers_.rows()) / 1e6, "M-row") + " MySQL table × 10 → ";
  }
  // The plain client, as its manual exports a table: rows as they come, separated by tabs.
  Run client() const {
    return servers_.shell(servers_.mariadb_client() + "--quick -B bench -e '" + kQuery + "' > client.tsv");
  }
  Run fetch() const { return run({fetch_, "127.0.0.1", port_, "bench", "bench", "bench", kQuery}); }

  Servers& servers_;
  const std::string fetch_;
  const int rounds_;
  const std::string port_;
};

}  // namespace

void mysql_rows(Rows& rows, Servers& servers, const std::string& fetch, int rounds) {
  rows.add("mysql-relation", [&] { return Reads(servers, fetch, rounds).relation(); });
  rows.add("mysql-csv", [&] { return Reads(servers, fetch, rounds).csv(); });
}

}  // namespace osiris::bench

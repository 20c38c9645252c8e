#include "bench/copy_rows.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "tests/postgres/postgres_server.h"

namespace osiris::bench {
namespace {

namespace fs = std::filesystem;
using test::PostgresServer;

void must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "bench: %s\n", status.error().message.c_str());
  std::exit(1);
}

std::string pipeline(const std::string& name, const std::string& read, const std::string& write) {
  return "oml_version: \"0.1.0\"\nname: " + name + "\nsteps:\n  - id: read\n    mode: read\n    " + read +
         "\n  - id: write\n    mode: write\n    needs: [read]\n    " + write + "\n";
}

class Copies {
 public:
  explicit Copies(const MysqlBench& bench)
      : bench_(bench), host_(std::getenv("MARIADB_HOST")), port_(std::getenv("MARIADB_PORT")) {
    test::PostgresOptions options;
    options.settings = {"max_wal_size=8GB", "shared_buffers=512MB"};
    auto started = PostgresServer::start(std::move(options));
    must(started.ok() ? Status() : Status(started.error()));
    server_ = *std::move(started);
    must(server_->execute("CREATE ROLE bench LOGIN PASSWORD 'bench'"));
    must(server_->execute("CREATE DATABASE bench OWNER bench"));
    must(server_->execute("ALTER SCHEMA public OWNER TO bench", "bench"));
    write("osiris_connections.yaml",
          "version: 1\nconnections:\n  mysql:\n    bench: {default: true, host: " + host_ + ", port: " + port_ +
              ", database: bench, user: bench, password: \"${BENCH_PASSWORD}\"}\n    loaded: {host: " + host_ +
              ", port: " + port_ +
              ", database: loaded, user: bench, password: \"${BENCH_PASSWORD}\"}\n  postgres:\n    bench: {default: "
              "true, host: 127.0.0.1, port: " +
              std::to_string(server_->port()) + ", database: bench, user: bench, password: \"${BENCH_PASSWORD}\"}\n");
    fs::permissions(bench_.project / "osiris_connections.yaml", fs::perms::owner_read | fs::perms::owner_write);
    const std::string read = "component: mysql.extractor\n    config: {connection: \"@mysql.bench\", table: orders}";
    for (const char* verify : {"count", "full"})
      write(
          std::string(verify) + ".yaml",
          pipeline(verify, read,
                   "component: postgres.writer\n    config: {connection: \"@postgres.bench\", table: copied, verify: " +
                       std::string(verify) + "}"));
    write("export.yaml",
          pipeline("export", read,
                   "component: filesystem.csv_writer\n    config: {path: orders.csv, column_order: query}"));
    write("load.yaml",
          pipeline("load",
                   "component: filesystem.csv_extractor\n    config: {path: orders.csv, parse_dates: [placed_at, "
                   "seen_at, day]}",
                   "component: mysql.writer\n    config: {connection: \"@mysql.loaded\", table: loaded}"));
  }

  Row to_postgres(const char* verify, double target) {
    std::vector<double> ours, theirs;
    for (int i = 0; i < bench_.rounds; ++i) {
      make_copied();
      ours.push_back(osiris(verify));
      make_copied();
      theirs.push_back(shell("mariadb --quick -NB " + account() + " bench -e 'SELECT * FROM orders' | " + psql() +
                             "-c \"COPY copied FROM STDIN (NULL 'NULL')\""));
    }
    return row(name(" MariaDB table × 10 → PostgreSQL, verify: ") + verify, ours,
               "`mariadb --quick -B` piped into COPY", theirs, target);
  }

  Row from_csv() {
    osiris("export");
    std::vector<double> ours, theirs;
    for (int i = 0; i < bench_.rounds; ++i) {
      make_loaded();
      ours.push_back(osiris("load"));
      make_loaded();
      theirs.push_back(
          shell("mariadb --local-infile=1 " + account() +
                " loaded -e \"LOAD DATA LOCAL INFILE 'orders.csv' INTO TABLE loaded CHARACTER SET utf8mb4 FIELDS "
                "TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\\\"' IGNORE 1 LINES (id, customer, @amount, placed_at, "
                "@quantity, seen_at, day, is_paid, rate, token) SET amount = NULLIF(@amount, ''), quantity = "
                "NULLIF(@quantity, '')\""));
    }
    return row(name(" CSV × 10 → MariaDB, counted"), ours, "LOAD DATA of the same file", theirs, 0.8);
  }

 private:
  void write(const std::string& file, const std::string& text) { std::ofstream(bench_.project / file) << text; }
  std::string name(const std::string& rest) const {
    return format(static_cast<double>(bench_.rows) / 1e6, "M-row") + rest;
  }
  std::string account() const { return "-h " + host_ + " -P " + port_ + " -u bench"; }
  std::string psql() const {
    return "psql -qX -h 127.0.0.1 -p " + std::to_string(server_->port()) + " -U bench -d bench ";
  }

  double osiris(const std::string& file) {
    return run({bench_.osiris, "run", file + ".yaml"}, bench_.project, {{"BENCH_PASSWORD", "bench"}}).wall_ms;
  }
  double shell(const std::string& command) {
    return run({"sh", "-c", command}, bench_.project, {{"MYSQL_PWD", "bench"}, {"PGPASSWORD", "bench"}}).wall_ms;
  }
  // The same table for both.
  void make_copied() {
    must(server_->execute(
        "DROP TABLE IF EXISTS copied; CREATE TABLE copied (id bigint, customer varchar(40), amount numeric(12,2), "
        "placed_at timestamp, quantity int, seen_at timestamp, day date, is_paid smallint, rate double precision, "
        "token char(32)); ALTER TABLE copied OWNER TO bench; CHECKPOINT",
        "bench"));
  }
  void make_loaded() {
    shell("mariadb " + account() +
          " loaded -e 'CREATE OR REPLACE TABLE loaded (id BIGINT UNSIGNED NOT NULL, customer VARCHAR(40) NOT NULL, "
          "amount DOUBLE, placed_at DATETIME, quantity INT, seen_at DATETIME(6), day DATETIME, is_paid TINYINT, rate "
          "DOUBLE, token CHAR(32))'");
  }

  Row row(const std::string& what, const std::vector<double>& ours, const std::string& baseline,
          const std::vector<double>& theirs, double target) const {
    const auto rate = [&](const std::vector<double>& ms) {
      return format(static_cast<double>(bench_.rows) / median(ms) / 1000, "M rows/s");
    };
    const double ratio = median(theirs) / median(ours);
    return {what,           rate(ours), baseline + ": " + rate(theirs), format(ratio, "×"), "≥ " + format(target, "×"),
            ratio >= target};
  }

  const MysqlBench& bench_;
  const std::string host_, port_;
  std::unique_ptr<PostgresServer> server_;
};

}  // namespace

std::vector<Row> copy_rows(const MysqlBench& bench) {
  Copies copies(bench);
  return {copies.to_postgres("count", 2), copies.to_postgres("full", 1.5), copies.from_csv()};
}

}  // namespace osiris::bench

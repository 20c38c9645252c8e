#include "bench/servers.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "tests/mysql/bench_table.h"

namespace osiris::bench {
namespace {

namespace fs = std::filesystem;
using test::MariaDbServer;
using test::PostgresServer;

constexpr char kPassword[] = "bench";

template <class Server>
std::unique_ptr<Server> must_start(Result<std::unique_ptr<Server>> started) {
  must(started.ok() ? Status() : Status(started.error()));
  return *std::move(started);
}

std::string connection(const std::string& name, const std::string& database, uint16_t port) {
  return "    " + name + ": {host: 127.0.0.1, port: " + std::to_string(port) + ", database: " + database +
         ", user: bench, password: \"${BENCH_PASSWORD}\"}\n";
}

}  // namespace

void must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "bench: %s\n", status.error().message.c_str());
  std::exit(1);
}

std::string copy_pipeline(const std::string& read, const std::string& write) {
  return "oml_version: \"0.1.0\"\nname: copy\nsteps:\n  - id: read\n    mode: read\n    " + read +
         "\n  - id: write\n    mode: write\n    needs: [read]\n    " + write + "\n";
}

Servers::Servers(std::string osiris, fs::path project, uint64_t rows)
    : osiris_(std::move(osiris)), project_(std::move(project)), rows_(rows) {}

MariaDbServer& Servers::mariadb() {
  if (mariadb_) return *mariadb_;
  test::MariaDbOptions options;
  options.arguments = {"--innodb-buffer-pool-size=512M", "--innodb-log-file-size=512M",
                       "--innodb-autoextend-increment=64"};
  mariadb_ = must_start(MariaDbServer::start(options));
  must(test::make_bench_table(*mariadb_, rows_));
  write_connections();
  return *mariadb_;
}

PostgresServer& Servers::postgres() {
  if (postgres_) return *postgres_;
  test::PostgresOptions options;
  options.settings = {"max_wal_size=8GB", "shared_buffers=512MB", "checkpoint_timeout=1h"};
  postgres_ = must_start(PostgresServer::start(std::move(options)));
  must(postgres_->execute("CREATE ROLE bench LOGIN PASSWORD 'bench'"));
  must(postgres_->execute("CREATE DATABASE bench OWNER bench"));
  must(postgres_->execute("ALTER SCHEMA public OWNER TO bench", "bench"));
  write_connections();
  return *postgres_;
}

// Without a log: it is only read from here on.
void Servers::make_orders() {
  PostgresServer& server = postgres();
  if (std::exchange(has_orders_, true)) return;
  must(server.execute(
      "CREATE UNLOGGED TABLE orders (id bigint NOT NULL, customer varchar(40) NOT NULL, amount numeric(12,2), "
      "placed_at timestamp NOT NULL, seen_at timestamptz, day date, quantity int, is_paid boolean, rate double "
      "precision, token uuid);"
      "INSERT INTO orders SELECT i, 'customer ' || lpad((i * 7919 % 100003)::text, 6, '0') || ' of the north', CASE "
      "WHEN i % 50 <> 0 THEN (i * 104729 % 1000000007) / 100.0 END, timestamp '2024-01-01' + i * interval '31 s', "
      "timestamptz '2024-01-01' + i * interval '17 s', date '2024-01-01' + (i % 1000)::int, CASE WHEN i % 20 <> 0 THEN "
      "i % 1000 END, i % 3 = 0, i / 7.0, md5(i::text)::uuid FROM generate_series(1, " +
          std::to_string(rows_) +
          "::bigint) AS i;"
          "ALTER TABLE orders ADD PRIMARY KEY (id); ALTER TABLE orders OWNER TO bench",
      "bench"));
  must(server.execute("VACUUM ANALYZE orders", "bench"));
}

void Servers::write_connections() const {
  std::string text = "version: 1\nconnections:\n";
  if (mariadb_)
    text += "  mysql:\n" + connection("bench", "bench", mariadb_->port()) +
            connection("loaded", "loaded", mariadb_->port());
  if (postgres_) text += "  postgres:\n" + connection("bench", "bench", postgres_->port());
  write("osiris_connections.yaml", text);
  fs::permissions(project_ / "osiris_connections.yaml", fs::perms::owner_read | fs::perms::owner_write);
}

void Servers::write(const std::string& file, const std::string& text) const { std::ofstream(project_ / file) << text; }

Run Servers::osiris(const std::string& pipeline) const {
  return run({osiris_, "--json", "run", pipeline}, project_, {{"BENCH_PASSWORD", kPassword}});
}

Run Servers::shell(const std::string& command) const {
  return run({"sh", "-c", command}, project_, {{"MYSQL_PWD", kPassword}, {"PGPASSWORD", kPassword}});
}

std::string Servers::mariadb_client() {
  return "mariadb -h 127.0.0.1 -P " + std::to_string(mariadb().port()) + " -u bench ";
}

std::string Servers::psql() {
  return "psql -qX -v ON_ERROR_STOP=1 -h 127.0.0.1 -p " + std::to_string(postgres().port()) + " -U bench -d bench ";
}

}  // namespace osiris::bench

#include "bench/copy_rows.h"

namespace osiris::bench {
namespace {

constexpr char kRead[] = "component: mysql.extractor\n    config: {connection: \"@mysql.bench\", table: orders}";

class Copies {
 public:
  Copies(Servers& servers, int rounds) : servers_(servers), rounds_(rounds) { servers.mariadb(); }

  std::vector<Row> to_postgres(const std::string& verify, double target) {
    servers_.postgres();
    servers_.write("into.yaml",
                   copy_pipeline(kRead,
                                 "component: postgres.writer\n    config: {connection: \"@postgres.bench\", table: "
                                 "copied, verify: " +
                                     verify + "}"));
    Costs ours, theirs;
    for (int i = 0; i < rounds_; ++i) {
      make_copied();
      ours.add(servers_.osiris("into.yaml"));
      make_copied();
      theirs.add(servers_.shell(servers_.mariadb_client() + "--quick -NB bench -e 'SELECT * FROM orders' | " +
                                servers_.psql() + "-c \"COPY copied FROM STDIN (NULL 'NULL')\""));
    }
    return {row(" MariaDB table × 10 → PostgreSQL, verify: " + verify, ours, "`mariadb --quick -B` piped into COPY",
                theirs, target)};
  }

  std::vector<Row> from_csv() {
    servers_.write("export.yaml", copy_pipeline(kRead,
                                                "component: filesystem.csv_writer\n    config: {path: orders.csv, "
                                                "column_order: query}"));
    servers_.write(
        "load.yaml",
        copy_pipeline("component: filesystem.csv_extractor\n    config: {path: orders.csv, parse_dates: "
                      "[placed_at, seen_at, day]}",
                      "component: mysql.writer\n    config: {connection: \"@mysql.loaded\", table: loaded}"));
    servers_.osiris("export.yaml");
    Costs ours, theirs;
    for (int i = 0; i < rounds_; ++i) {
      make_loaded();
      ours.add(servers_.osiris("load.yaml"));
      make_loaded();
      theirs.add(servers_.shell(
          servers_.mariadb_client() +
          "--local-infile=1 loaded -e \"LOAD DATA LOCAL INFILE 'orders.csv' INTO TABLE loaded CHARACTER SET utf8mb4 "
          "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\\\"' IGNORE 1 LINES (id, customer, @amount, placed_at, "
          "@quantity, seen_at, day, is_paid, rate, token) SET amount = NULLIF(@amount, ''), quantity = "
          "NULLIF(@quantity, '')\""));
    }
    return {row(" CSV × 10 → MariaDB, counted", ours, "LOAD DATA of the same file", theirs, 0.8)};
  }

 private:
  // The same table for both.
  void make_copied() {
    must(servers_.postgres().execute(
        "DROP TABLE IF EXISTS copied; CREATE TABLE copied (id bigint, customer varchar(40), amount numeric(12,2), "
        "placed_at timestamp, quantity int, seen_at timestamp, day date, is_paid smallint, rate double precision, "
        "token char(32)); ALTER TABLE copied OWNER TO bench; CHECKPOINT",
        "bench"));
  }
  void make_loaded() {
    must(servers_.mariadb().execute(
        "CREATE OR REPLACE TABLE loaded.loaded (id BIGINT UNSIGNED NOT NULL, customer VARCHAR(40) NOT NULL, amount "
        "DOUBLE, placed_at DATETIME, quantity INT, seen_at DATETIME(6), day DATETIME, is_paid TINYINT, rate DOUBLE, "
        "token CHAR(32))"));
  }

  Row row(const std::string& what, const Costs& ours, const std::string& baseline, const Costs& theirs,
          double target) const {
    const uint64_t rows = servers_.rows();
    const double ratio = theirs.wall_ms() / ours.wall_ms();
    return {format(static_cast<double>(rows) / 1e6, "M-row") + what,
            ours.rate(rows) + ", " + format(ours.peak_mib(), "MiB"),
            baseline + ": " + theirs.rate(rows),
            format(ratio, "×"),
            "≥ " + format(target, "×"),
            ratio >= target};
  }

  Servers& servers_;
  const int rounds_;
};

}  // namespace

void copy_rows(Rows& rows, Servers& servers, int rounds) {
  rows.add("mysql-postgres-count", [&] { return Copies(servers, rounds).to_postgres("count", 2); });
  rows.add("mysql-postgres-full", [&] { return Copies(servers, rounds).to_postgres("full", 1.5); });
  rows.add("csv-mysql", [&] { return Copies(servers, rounds).from_csv(); });
}

}  // namespace osiris::bench

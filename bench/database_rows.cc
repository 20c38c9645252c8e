#include "bench/database_rows.h"

namespace osiris::bench {
namespace {

std::string read(const std::string& what) {
  return "component: postgres.extractor\n    config: {connection: \"@postgres.bench\", " + what + "}";
}

std::string into_table(const std::string& verify) {
  return "component: postgres.writer\n    config: {connection: \"@postgres.bench\", table: copied, verify: " + verify +
         "}";
}

class Copies {
 public:
  Copies(Servers& servers, int rounds) : servers_(servers), rounds_(rounds) { servers.make_orders(); }

  std::vector<Row> counted() {
    Costs ours, theirs;
    for (int i = 0; i < rounds_; ++i) {
      ours.add(copy(read("table: orders"), "count"));
      theirs.add(pipe());
    }
    const double speed = theirs.wall_ms() / ours.wall_ms(), cpu = ours.cpu_s() / theirs.cpu_s();
    const std::string name = table() + "PostgreSQL, counted";
    return {{name + ", wall", shown(ours), "`psql` binary COPY piped into `psql`: " + theirs.rate(servers_.rows()),
             format(speed, "×"), "≥ 1.0 ×", speed >= 1},
            {name + ", client CPU", format(ours.cpu_s(), "s"), "both `psql`: " + format(theirs.cpu_s(), "s"),
             format(cpu, "×"), "≤ 1.2 ×", cpu <= 1.2}};
  }

  std::vector<Row> compared() {
    Costs ours, theirs;
    for (int i = 0; i < rounds_; ++i) {
      ours.add(copy(read("table: orders"), "full"));
      theirs.add(pipe());
    }
    return {{table() + "PostgreSQL, all values compared, wall", shown(ours),
             "`psql` binary COPY piped into `psql`: " + theirs.rate(servers_.rows()),
             format(theirs.wall_ms() / ours.wall_ms(), "×"), "–"}};
  }

  std::vector<Row> in_chunks() {
    const std::string chunks =
        "table: orders, partition: {column: id, parts: 1, chunk_rows: " + std::to_string(servers_.rows() / 4) + "}";
    Costs ours, whole;
    for (int i = 0; i < rounds_; ++i) {
      ours.add(copy(read(chunks), "count"));
      whole.add(copy(read("table: orders"), "count"));
    }
    const double ratio = whole.wall_ms() / ours.wall_ms();
    return {{table() + "PostgreSQL in four chunks, wall", shown(ours),
             "in one transaction: " + whole.rate(servers_.rows()), format(ratio, "×"), "≥ 0.9 ×", ratio >= 0.9}};
  }

  std::vector<Row> to_parquet() {
    servers_.write("parquet.yaml", copy_pipeline(read("table: orders"),
                                                 "component: filesystem.parquet_writer\n    config: {path: "
                                                 "out.parquet}"));
    Costs ours, theirs;
    for (int i = 0; i < rounds_; ++i) {
      ours.add(servers_.osiris("parquet.yaml"));
      theirs.add(servers_.shell(servers_.psql() + "-c 'COPY orders TO STDOUT (FORMAT binary)' > copied.bin"));
    }
    const double ratio = theirs.wall_ms() / ours.wall_ms();
    return {{table() + "Parquet, wall", shown(ours), "`psql` binary COPY into a file: " + theirs.rate(servers_.rows()),
             format(ratio, "×"), "≥ 0.6 ×", ratio >= 0.6}};
  }

  // The server makes the rows of the table ten times over while it sends them.
  std::vector<Row> ten_times() {
    const std::string more =
        "query: \"SELECT id + part * " + std::to_string(servers_.rows()) +
        " AS id, customer, amount, placed_at, seen_at, day, quantity, is_paid, rate, token FROM orders, "
        "generate_series(0::bigint, 9) AS part\"";
    const double smaller = copy(read("table: orders"), "count").peak_mib, larger = copy(read(more), "count").peak_mib;
    return {{"ten times the rows, peak memory", format(larger, "MiB"), "once: " + format(smaller, "MiB"),
             format(larger / smaller, "×"), "≤ 1.2 ×, ≤ 128 MiB", larger <= 1.2 * smaller && larger <= 128}};
  }

 private:
  Run copy(const std::string& from, const std::string& verify) {
    clear();
    servers_.write("copy.yaml", copy_pipeline(from, into_table(verify)));
    return servers_.osiris("copy.yaml");
  }
  Run pipe() {
    clear();
    must(servers_.postgres().execute("CREATE TABLE copied (LIKE orders); ALTER TABLE copied OWNER TO bench", "bench"));
    return servers_.shell(servers_.psql() + "-c 'COPY orders TO STDOUT (FORMAT binary)' | " + servers_.psql() +
                          "-c 'COPY copied FROM STDIN (FORMAT binary)'");
  }
  void clear() { must(servers_.postgres().execute("DROP TABLE IF EXISTS copied; CHECKPOINT", "bench")); }
  std::string table() const { return std::to_string(servers_.rows() / 1000) + " k-row PostgreSQL table × 10 → "; }
  std::string shown(const Costs& costs) const {
    return costs.rate(servers_.rows()) + ", " + format(costs.peak_mib(), "MiB");
  }

  Servers& servers_;
  const int rounds_;
};

}  // namespace

void postgres_rows(Rows& rows, Servers& servers, int rounds) {
  rows.add("postgres-copy", [&] { return Copies(servers, rounds).counted(); });
  rows.add("postgres-full", [&] { return Copies(servers, rounds).compared(); });
  rows.add("postgres-chunks", [&] { return Copies(servers, rounds).in_chunks(); });
  rows.add("postgres-parquet", [&] { return Copies(servers, rounds).to_parquet(); });
  rows.add("postgres-tenfold", [&] { return Copies(servers, rounds).ten_times(); });
}

}  // namespace osiris::bench

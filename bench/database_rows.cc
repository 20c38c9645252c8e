#include "bench/database_rows.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "tests/postgres/postgres_server.h"

namespace osiris::bench {
namespace {

using test::PostgresServer;

constexpr char kPassword[] = "bench";

void must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "bench: %s\n", status.error().message.c_str());
  std::exit(1);
}

void make_orders(PostgresServer& server, uint64_t rows) {
  must(server.execute(
      "CREATE TABLE orders_" + std::to_string(rows) +
          " (id bigint NOT NULL, customer varchar(40) NOT NULL, amount numeric(12,2), placed_at timestamp NOT NULL, "
          "seen_at timestamptz, day date, quantity int, is_paid boolean, rate double precision, token uuid);"
          "INSERT INTO orders_" +
          std::to_string(rows) +
          " SELECT i, 'customer ' || lpad((i * 7919 % 100003)::text, 6, '0') || ' of the north', CASE WHEN i % 50 <> 0 "
          "THEN (i * 104729 % 1000000007) / 100.0 END, timestamp '2024-01-01' + i * interval '31 s', timestamptz "
          "'2024-01-01' + i * interval '17 s', date '2024-01-01' + (i % 1000)::int, CASE WHEN i % 20 <> 0 THEN i % "
          "1000 "
          "END, i % 3 = 0, i / 7.0, md5(i::text)::uuid FROM generate_series(1, " +
          std::to_string(rows) + "::bigint) AS i",
      "bench"));
  must(server.execute("ALTER TABLE orders_" + std::to_string(rows) + " ADD PRIMARY KEY (id)", "bench"));
  must(server.execute("VACUUM ANALYZE orders_" + std::to_string(rows), "bench"));
}

std::string pipeline(uint64_t rows, const std::string& write, const std::string& read = "") {
  return "oml_version: \"0.1.0\"\nname: copy\nsteps:\n  - id: read\n    component: postgres.extractor\n    mode: read\n"
         "    config: {connection: \"@postgres.bench\", table: orders_" +
         std::to_string(rows) + read + "}\n  - id: write\n    mode: write\n    needs: [read]\n    " + write + "\n";
}

std::string into_table(const std::string& verify) {
  return "component: postgres.writer\n    config: {connection: \"@postgres.bench\", table: copied, verify: " + verify +
         "}";
}

void write(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }

struct Copies {
  std::vector<double> wall_ms, cpu_s, peak_mib;
  void add(const Run& run) {
    wall_ms.push_back(run.wall_ms);
    cpu_s.push_back(run.cpu_s);
    peak_mib.push_back(run.peak_mib);
  }
};

}  // namespace

std::vector<Row> postgres_rows(const DatabaseBench& bench) {
  const uint64_t rows = bench.quick ? 200'000 : 2'000'000, more = 10 * rows;
  test::PostgresOptions options;
  options.settings = {"max_wal_size=8GB", "shared_buffers=512MB"};
  auto started = PostgresServer::start(std::move(options));
  must(started.ok() ? Status() : Status(started.error()));
  PostgresServer& server = **started;
  must(server.execute("CREATE ROLE bench LOGIN PASSWORD 'bench'"));
  must(server.execute("CREATE DATABASE bench OWNER bench"));
  for (const uint64_t count : {rows, more}) make_orders(server, count);
  must(server.execute("ALTER SCHEMA public OWNER TO bench; GRANT SELECT ON ALL TABLES IN SCHEMA public TO bench",
                      "bench"));

  const std::string port = std::to_string(server.port());
  write(bench.project / "osiris_connections.yaml",
        "version: 1\nconnections:\n  postgres:\n    bench: {default: true, host: 127.0.0.1, port: " + port +
            ", database: bench, user: bench, password: \"${BENCH_PASSWORD}\"}\n");
  namespace fs = std::filesystem;
  fs::permissions(bench.project / "osiris_connections.yaml", fs::perms::owner_read | fs::perms::owner_write);
  for (const uint64_t count : {rows, more})
    write(bench.project / ("copy" + std::to_string(count) + ".yaml"), pipeline(count, into_table("count")));
  write(bench.project / "full.yaml", pipeline(rows, into_table("full")));
  write(bench.project / "chunks.yaml",
        pipeline(rows, into_table("count"),
                 ", partition: {column: id, parts: 1, chunk_rows: " + std::to_string(rows / 4) + "}"));
  write(bench.project / "parquet.yaml",
        pipeline(rows, "component: filesystem.parquet_writer\n    config: {path: out.parquet}"));

  const auto clear = [&] { must(server.execute("DROP TABLE IF EXISTS copied; CHECKPOINT", "bench")); };
  const auto osiris = [&](const std::string& file) {
    clear();
    return run({bench.osiris, "run", file + ".yaml"}, bench.project, {{"BENCH_PASSWORD", kPassword}});
  };
  const auto copy = [&](uint64_t count) { return osiris("copy" + std::to_string(count)); };
  const std::string psql = "psql -qX -h 127.0.0.1 -p " + port + " -U bench -d bench ";
  const auto pipe = [&] {
    clear();
    must(server.execute(
        "CREATE TABLE copied (LIKE orders_" + std::to_string(rows) + "); ALTER TABLE copied OWNER TO bench", "bench"));
    return run({"sh", "-c",
                psql + "-c 'COPY orders_" + std::to_string(rows) + " TO STDOUT (FORMAT binary)' | " + psql +
                    "-c 'COPY copied FROM STDIN (FORMAT binary)'"},
               {}, {{"PGPASSWORD", kPassword}});
  };
  const auto to_file = [&] {
    return run(
        {"sh", "-c", psql + "-c 'COPY orders_" + std::to_string(rows) + " TO STDOUT (FORMAT binary)' > copied.bin"},
        bench.project, {{"PGPASSWORD", kPassword}});
  };
  Copies ours, theirs, full, chunks, parquet, file;
  for (int i = 0; i < bench.rounds; ++i) {
    ours.add(copy(rows));
    theirs.add(pipe());
    full.add(osiris("full"));
    chunks.add(osiris("chunks"));
    parquet.add(osiris("parquet"));
    file.add(to_file());
  }
  const double larger = copy(more).peak_mib, smaller = median(ours.peak_mib);
  const double speed = median(theirs.wall_ms) / median(ours.wall_ms), cpu = median(ours.cpu_s) / median(theirs.cpu_s);
  const double compared = median(theirs.wall_ms) / median(full.wall_ms),
               files = median(file.wall_ms) / median(parquet.wall_ms);
  const double in_chunks = median(ours.wall_ms) / median(chunks.wall_ms);
  const std::string table = std::to_string(rows / 1000) + " k-row PostgreSQL table × 10 → ",
                    name = table + "PostgreSQL, counted";
  const auto rate = [&](const Copies& copies) {
    return format(static_cast<double>(rows) / median(copies.wall_ms) / 1000, "M rows/s");
  };
  return {{name + ", wall", rate(ours), "`psql` binary COPY piped into `psql`: " + rate(theirs), format(speed, "×"),
           "≥ 1.0 ×", speed >= 1},
          {name + ", client CPU", format(median(ours.cpu_s), "s"), "both `psql`: " + format(median(theirs.cpu_s), "s"),
           format(cpu, "×"), "≤ 1.2 ×", cpu <= 1.2},
          {table + "PostgreSQL, all values compared, wall", rate(full), "the same pipe: " + rate(theirs),
           format(compared, "×"), "–"},
          {table + "PostgreSQL in four chunks, wall", rate(chunks), "in one transaction: " + rate(ours),
           format(in_chunks, "×"), "≥ 0.9 ×", in_chunks >= 0.9},
          {table + "Parquet, wall", rate(parquet), "`psql` binary COPY into a file: " + rate(file), format(files, "×"),
           "≥ 0.6 ×", files >= 0.6},
          {"ten times the rows, peak memory", format(larger, "MiB"), "the rows above: " + format(smaller, "MiB"),
           format(larger / smaller, "×"), "≤ 1.2 ×, ≤ 128 MiB", larger <= 1.2 * smaller && larger <= 128}};
}

}  // namespace osiris::bench

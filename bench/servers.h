// The servers of the rows about databases. Each is started, and its table of orders made, when a row first needs it;
// the rows that follow find both. They sync nothing to the disk, for osiris and the baselines alike.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "bench/measure.h"
#include "tests/mysql/mariadb_server.h"
#include "tests/postgres/postgres_server.h"

namespace osiris::bench {

class Servers {
 public:
  // `rows`: of each table `orders`. `project`: a directory with an osiris.yaml, whose osiris_connections.yaml is kept
  // up with the servers: @mysql.bench, @mysql.loaded (an empty database) and @postgres.bench.
  Servers(std::string osiris, std::filesystem::path project, uint64_t rows);

  test::MariaDbServer& mariadb();    // with bench.orders, 10 mixed columns
  test::PostgresServer& postgres();  // an empty database `bench` of the role `bench`
  void make_orders();                // `orders` in it, 10 mixed columns; once
  uint64_t rows() const { return rows_; }
  const std::filesystem::path& project() const { return project_; }

  // Of the project. The password is in the environment of all of them.
  void write(const std::string& file, const std::string& text) const;
  Run osiris(const std::string& pipeline) const;
  Run shell(const std::string& command) const;
  // How a command of the shell begins.
  std::string mariadb_client();
  std::string psql();

 private:
  void write_connections() const;

  const std::string osiris_;
  const std::filesystem::path project_;
  const uint64_t rows_;
  bool has_orders_ = false;
  std::unique_ptr<test::MariaDbServer> mariadb_;
  std::unique_ptr<test::PostgresServer> postgres_;
};

// Ends the program with the error.
void must(const Status& status);
// A pipeline of two steps; `read` and `write` are what follows `mode:`.
std::string copy_pipeline(const std::string& read, const std::string& write);

}  // namespace osiris::bench

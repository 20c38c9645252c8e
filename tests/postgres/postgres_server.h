// A real PostgreSQL server for tests, demos and benchmarks: its own data directory below a new temporary one, a free
// loopback port, TLS with an authority of its own. It is stopped by its process id and everything it wrote is removed.
// Debian's package brings the programs in a directory of their version; no cluster of the system is touched. Where the
// tests run as root the server runs as `nobody`, because it refuses to be root.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/subprocess.h"
#include "tests/support/full_disk.h"

namespace osiris::test {

struct PostgresOptions {
  bool tls = false;                    // offers TLS with a certificate for `tls_name`
  std::string tls_name = "localhost";  // a DNS name
  bool tls_is_expired = false;         // the certificate is of yesterday
  std::vector<std::string> settings;   // more of the server's: "wal_level=minimal"
  std::string hba;                     // instead of log-ins by SCRAM from 127.0.0.1
  bool disk_may_fill = false;          // disk() makes the databases' files grow no more
};

class PostgresServer {
 public:
  // Ready for connections; an Error with the end of the server's log otherwise.
  static Result<std::unique_ptr<PostgresServer>> start(PostgresOptions options = {});
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  uint16_t port() const { return port_; }
  const std::filesystem::path& directory() const { return directory_; }
  // The authority that signed the server's certificate (with tls), and one that signed nothing.
  std::filesystem::path ca_file() const { return directory_ / "ca.pem"; }
  std::filesystem::path other_ca_file() const { return directory_ / "other-ca.pem"; }

  // As the superuser over the socket file. Several statements may be separated by ';'.
  Status execute(const std::string& sql, const std::string& database = "postgres");
  // Rows as lines, values separated by '|', NULL as "NULL".
  Result<std::string> query(const std::string& sql, const std::string& database = "postgres");

  FullDisk disk() const { return {directory_, "data/base/"}; }

  // What a crash looks like (an immediate shutdown), and a server that comes back from it at the same port.
  void crash();
  Status start_again();

 private:
  PostgresServer() = default;
  Status install(const PostgresOptions& options);
  Status launch();
  Status wait_until_ready();
  void end(int signal_number);

  std::filesystem::path directory_;
  uint16_t port_ = 0;
  PostgresOptions options_;
  std::unique_ptr<Subprocess> process_;
};

}  // namespace osiris::test

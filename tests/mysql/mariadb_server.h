// A real MariaDB server for tests, demos and benchmarks: its own data directory below a new temporary one, a free
// loopback port, TLS with an authority of its own. It is stopped by its process id and everything it wrote is removed.
// The package mariadb-server-core brings the server without a service; the system tables are made once per build
// directory.
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

struct MariaDbOptions {
  bool tls = false;                    // offers TLS with a certificate for `tls_name`
  std::string tls_name = "localhost";  // a DNS name
  bool tls_is_expired = false;         // the certificate is of yesterday
  uint16_t port = 0;                   // 0: a free one
  std::vector<std::string> arguments;  // more of mariadbd's options
  bool disk_may_fill = false;          // disk() makes the files of the database `shop` grow no more
};

class MariaDbServer {
 public:
  // Ready for connections; an Error with the end of the server's log otherwise.
  static Result<std::unique_ptr<MariaDbServer>> start(MariaDbOptions options = {});
  ~MariaDbServer();
  MariaDbServer(const MariaDbServer&) = delete;
  MariaDbServer& operator=(const MariaDbServer&) = delete;

  uint16_t port() const { return port_; }
  // The authority that signed the server's certificate (with tls), and one that signed nothing.
  std::filesystem::path ca_file() const { return directory_ / "ca.pem"; }
  std::filesystem::path other_ca_file() const { return directory_ / "other-ca.pem"; }

  // As root over the socket file. Several statements may be separated by ';'.
  Status execute(const std::string& sql);
  // Rows as lines, values separated by '|', NULL as "NULL".
  Result<std::string> query(const std::string& sql);

  FullDisk disk() const { return {directory_, "data/shop/"}; }

  // What a crash looks like (SIGKILL), and a server that stops answering (SIGSTOP) and answers again (SIGCONT).
  void kill();
  void freeze();
  void thaw();

 private:
  MariaDbServer() = default;
  Status install();
  Status launch(const MariaDbOptions& options);
  Status wait_until_ready();

  std::filesystem::path directory_;
  uint16_t port_ = 0;
  std::unique_ptr<Subprocess> process_;
};

// The program's path; empty where the package is missing.
std::filesystem::path mariadbd_program();

}  // namespace osiris::test

// Speaks the part of MySQL 8's protocol that Debian's MariaDB cannot: caching_sha2_password, checked as the real server
// checks it (it keeps SHA256(SHA256(password)) and verifies the client's proof against it), over TLS and plain TCP. It
// also misbehaves on demand: stops talking, sends rows no real server would send, asks for log-in methods long
// abandoned.
//
// One thread serves one connection after another. After the log-in any statement is answered OK, SELECT 1 and prepared
// statements with `result`.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "protocol/base/subprocess.h"

using SSL_CTX = struct ssl_ctx_st;

namespace osiris::test {

struct StandInOptions {
  std::string user = "reader";
  std::string password = "p@ss/w:rd";
  bool is_cached = false;             // the account is known already: the fast path
  std::filesystem::path certificate;  // PEM; empty: no TLS offered
  std::filesystem::path key;
  std::string greeting_plugin = "caching_sha2_password";
  std::string switch_to;  // a plugin it asks for instead of the client's; empty: none
  enum class Silence { kNever, kFromTheStart, kInsteadOfTls, kAfterLogin, kAfterRows } silence = Silence::kNever;
  // What every prepared statement returns: one column `a`, its type as in the protocol, and its rows as raw packets.
  uint8_t column_type = 0xfd;  // VAR_STRING
  std::vector<std::string> rows;
};

class StandIn {
 public:
  explicit StandIn(StandInOptions options = {});
  ~StandIn();
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;

  uint16_t port() const { return port_; }

  // What it saw. [any thread]
  int connections() const { return connections_; }
  int logins() const { return logins_; }
  bool used_tls() const { return used_tls_; }
  bool used_rsa() const { return used_rsa_; }
  bool used_fast_path() const { return used_fast_path_; }
  // Every byte that came over a connection without TLS on it (yet).
  std::string plain_bytes() const;
  // Blocks until it has fallen silent (options.silence).
  void wait_until_silent() const { silent_.wait(false); }

 private:
  class Session;
  void serve();

  StandInOptions options_;
  FileDescriptor listener_;
  uint16_t port_ = 0;
  SSL_CTX* tls_ = nullptr;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> is_cached_{false};
  std::atomic<int> current_{-1};  // the connection being served
  std::atomic<int> connections_{0}, logins_{0};
  std::atomic<bool> used_tls_{false}, used_rsa_{false}, used_fast_path_{false}, silent_{false};
  mutable std::mutex mutex_;
  std::string plain_bytes_;
  std::thread thread_;
};

}  // namespace osiris::test

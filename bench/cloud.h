// The subject of the e2b rows: osiris in a project of its own, against a local E2B server of its own (the real one,
// over real HTTP, with its injected delays), and what the two of them wrote down.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/json.h"
#include "tests/e2b_server/testing/server_process.h"

namespace osiris::bench {

class Cloud {
 public:
  // Dies with a message when the server does not start.
  Cloud(const std::filesystem::path& build, const std::filesystem::path& project,
        const std::vector<std::string>& server_arguments);

  struct Ended {
    double wall_ms = 0;
    double peak_mib = 0;  // of the host process: the worker is the server's
    std::filesystem::path session;
    Json report;  // of `osiris run --json`
  };
  // `osiris run FILE --adapter NAME`; dies with a message when it fails.
  Ended run(const std::string& adapter, const std::string& file, const std::vector<std::string>& more = {}) const;

  void write(const std::filesystem::path& file, std::string_view text) const;
  const std::filesystem::path& project() const { return project_; }
  const e2b_server::ServerProcess& server() const { return server_; }

  // Requests since the last clear, without the tests' own; and the bytes of their bodies.
  Json requests() const { return server_.requests(); }
  uint64_t bytes_sent() const;
  // Those that had begun when `unix_us` came.
  int64_t requests_before(int64_t unix_us) const;

 private:
  e2b_server::ServerProcess server_;
  std::filesystem::path build_, project_;
};

// The first, and the last, event of this name in the session's events.jsonl; dies when there is none.
Json first_event(const std::filesystem::path& session, std::string_view name);
Json last_event(const std::filesystem::path& session, std::string_view name);
uint64_t count_events(const std::filesystem::path& session, std::string_view name);

// "2026-01-02T03:04:05.678901Z" or with +00:00, as microseconds since 1970.
int64_t unix_us(std::string_view iso8601);

}  // namespace osiris::bench

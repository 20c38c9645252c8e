// What the command line decides.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace osiris::e2b_server {

struct Options {
  std::string listen = "127.0.0.1:0";
  std::string api_key;
  std::filesystem::path data;
  std::filesystem::path faults;  // empty: none
  std::filesystem::path record;  // empty: in memory only
  int64_t create_ms = 0;         // a create takes at least this long
  int64_t rtt_ms = 0;            // every round trip, TCP handshakes included
  int64_t sandboxes_max = 1100;  // running at once, then 429
  int64_t calls_max = 20'000;    // per route in 30 s, then 429 with Retry-After; 0: no limit
  int64_t header_ms = 5'000;     // a request's head must have come by then
  int64_t hours_max = 24;        // longest life of a sandbox
  int64_t parent_pid = 0;        // end when this is no longer the parent; 0: never
  enum class Isolation { kAuto, kNamespaces, kDirectories } isolation = Isolation::kAuto;
  enum class Network { kHost, kIsolated } network = Network::kHost;
};

}  // namespace osiris::e2b_server

// What the command line decides.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace osiris::e2b_server {

struct Options {
  std::string listen = "127.0.0.1:0";
  std::string api_key;
  std::filesystem::path data;
  std::filesystem::path faults;    // empty: none
  std::filesystem::path record;    // empty: in memory only
  int64_t create_ms = 0;           // a create takes at least this long
  int64_t fork_ms = 0;             // likewise a fork, of any number
  int64_t rtt_ms = 0;              // every round trip, TCP handshakes included
  int64_t sandboxes_max = 1100;    // running at once, then 429
  int64_t calls_max = 20'000;      // per route in 30 s, then 429 with Retry-After; 0: no limit
  int64_t header_ms = 5'000;       // a request's head must have come by then
  int64_t life_max_s = 24 * 3600;  // longest life of a sandbox
  int64_t parent_pid = 0;          // end when this is no longer the parent; 0: never
  enum class Isolation { kAuto, kNamespaces, kDirectories } isolation = Isolation::kAuto;
  std::map<std::string, std::string> names;  // of the name server of isolated sandboxes: NAME -> ADDRESS
  enum class Network { kHost, kIsolated } network = Network::kHost;
  // How much of the API there is, and how what is not there is answered.
  enum class Api {
    kNewest,
    kV1Answers400,  // E2B's public infrastructure of August 2026: no POST /v2/sandboxes and /v2/sandboxes/{id}/connect
    kV1Answers404,  // nothing below /v2 and /v3 that has an older form; unknown routes as a plain router answers them
    kV1Answers405,  // the same
  } api = Api::kNewest;
  bool honours_keys = true;  // Idempotency-Key
};

}  // namespace osiris::e2b_server

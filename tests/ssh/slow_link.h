// A slow link: a proxy on loopback that holds every byte back for a while, each way, and keeps their order. What a
// link's width costs is not its business: its delay is.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "protocol/base/fd.h"

namespace osiris::ssh_tests {

class SlowLink {
 public:
  // To a port of loopback. A round trip takes twice `one_way` longer than without.
  SlowLink(int to_port, std::chrono::milliseconds one_way);
  ~SlowLink();  // cuts what goes over it
  SlowLink(const SlowLink&) = delete;

  int port() const { return port_; }
  int connections() const { return connections_; }  // so far
  uint64_t bytes() const { return bytes_; }         // that it took so far, both ways
  // How many round trips followed one another, counted by what was sent: the first of these bytes, the first that were
  // sent when an answer to them could have come, and so on. What is sent before that is sent beside.
  int round_trips() const { return round_trips_; }
  void count_anew() {  // while nothing is under way
    round_trips_ = 0;
    trip_began_ms_ = 0;
  }

 private:
  void serve();
  void count_trip();

  const int to_port_;
  const std::chrono::milliseconds one_way_;
  int port_ = 0;
  FileDescriptor listener_;
  FileDescriptor stop_;  // an eventfd
  std::atomic<int> connections_{0}, round_trips_{0};
  std::atomic<int64_t> trip_began_ms_{0};
  std::atomic<uint64_t> bytes_{0};
  std::thread thread_;
};

}  // namespace osiris::ssh_tests

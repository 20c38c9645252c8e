// A slow link: a proxy on loopback that holds every byte back for a while, each way, and keeps their order. What a
// link's width costs is not its business: its delay is.
#pragma once

#include <atomic>
#include <chrono>
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

 private:
  void serve();

  const int to_port_;
  const std::chrono::milliseconds one_way_;
  int port_ = 0;
  FileDescriptor listener_;
  FileDescriptor stop_;  // an eventfd
  std::atomic<int> connections_{0};
  std::thread thread_;
};

}  // namespace osiris::ssh_tests

// A TCP proxy before a database server that cuts the line at a statement, COMMIT for one: before the server has it, or
// after it has done it and before the client is told.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "protocol/base/fd.h"

namespace osiris::test {

class CuttingProxy {
 public:
  enum class Cut { kBefore, kAfter };

  // `statement`: how the statement begins. `goes_on`: later connections are carried; otherwise they are refused.
  CuttingProxy(uint16_t server_port, std::string statement, Cut cut, bool goes_on);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  uint16_t port() const { return port_; }
  bool has_cut() const { return has_cut_; }

 private:
  void listen();
  void carry(int client, int server);

  const uint16_t server_port_;
  const std::string statement_;
  const Cut cut_;
  const bool goes_on_;
  uint16_t port_ = 0;
  FileDescriptor listener_;
  EventDescriptor stop_;
  std::atomic<bool> has_cut_{false};
  std::thread thread_;
};

}  // namespace osiris::test

// A proxy before a database server that cuts the line at a statement, COMMIT for one: before the server has it, or
// after it has done it and before the client is told.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "tests/postgres/proxy.h"

namespace osiris::test {

class CuttingProxy {
 public:
  enum class Cut { kBefore, kAfter };

  // `statement`: how the statement begins. `goes_on`: later connections are carried; otherwise they are refused.
  CuttingProxy(uint16_t server_port, std::string statement, Cut cut, bool goes_on);

  uint16_t port() const { return proxy_.port(); }
  bool has_cut() const { return has_cut_; }

 private:
  Proxy::Fate look(bool from_client, const std::string& bytes);

  const std::string statement_;
  const Cut cut_;
  const bool goes_on_;
  bool is_cutting_ = false;
  std::atomic<bool> has_cut_{false};
  Proxy proxy_;  // last: it calls look()
};

}  // namespace osiris::test

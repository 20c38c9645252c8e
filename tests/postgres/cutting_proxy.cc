#include "tests/postgres/cutting_proxy.h"

#include <utility>

namespace osiris::test {

CuttingProxy::CuttingProxy(uint16_t server_port, std::string statement, Cut cut, bool goes_on)
    : statement_(std::move(statement)),
      cut_(cut),
      goes_on_(goes_on),
      proxy_(server_port, [this](bool from_client, const std::string& bytes) { return look(from_client, bytes); }) {}

Proxy::Fate CuttingProxy::look(bool from_client, const std::string& bytes) {
  if (has_cut_) return Proxy::Fate::kPass;
  if (from_client && bytes.find(statement_) != std::string::npos) is_cutting_ = true;
  // The answer to the statement stays here.
  if (!is_cutting_ || (from_client && cut_ == Cut::kAfter)) return Proxy::Fate::kPass;
  if (!goes_on_) proxy_.close();
  has_cut_ = true;
  return Proxy::Fate::kCut;
}

}  // namespace osiris::test

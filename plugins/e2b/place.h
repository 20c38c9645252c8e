// E2B as a place for workers: sandboxes by its control plane (api/control_plane.h), each reached through its envd.
#pragma once

#include <osiris/sdk/clones.hpp>
#include <osiris/sdk/place.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/e2b/api/control_plane.h"
#include "plugins/e2b/api/wire.h"
#include "plugins/e2b/network.h"

namespace osiris::e2b {

class E2bPlace : public adapter_sdk::Place, public adapter_sdk::Clones {
 public:
  // Takes the transport to the service over. `sleep` and `note` are those of ApiClient.
  E2bPlace(std::unique_ptr<http::Transport> network, const ApiConfig& config, http::RetryPolicy policy,
           std::function<bool(http::Milliseconds)> sleep,
           std::function<void(const http::Request&, const http::RetryNote&)> note);

  ApiClient& api() { return api_; }
  WatchedTransport& wire() { return watched_; }

  const adapter_sdk::ServiceDescription& service() const override { return service_description(); }
  std::string home() const override { return "/home/user"; }
  adapter_sdk::Milliseconds request_timeout() const override { return api_.config().timeouts.total; }
  uint64_t calls() const override { return watched_.calls(); }

  adapter_sdk::Machine create(const adapter_sdk::MachineSpec& wanted, const adapter_sdk::CallLimits& limits) override;
  adapter_sdk::CreateFailure classify_create_failure(const plugin::Failure& failure) const override;
  bool may_honour_tokens() const override;
  bool is_template_failure(const plugin::Failure& failure) const override;
  std::vector<adapter_sdk::Machine> find(const adapter_sdk::Metadata& metadata) override;
  adapter_sdk::Machine take_over(const std::string& id, int64_t lease_s) override;
  adapter_sdk::Machine look(const std::string& id, const adapter_sdk::CallLimits& limits) override;
  void renew(const std::string& id, int64_t lease_s, const adapter_sdk::CallLimits& limits) override;
  bool is_end_of_life(const plugin::Failure& failure) const override;
  std::string_view short_life_hint() const override;
  void kill(const std::string& id, const adapter_sdk::CallLimits& limits) override;
  bool is_refusal(const plugin::Failure& failure) const override;
  bool is_gone(const std::string& id, const adapter_sdk::CallLimits& limits) override;
  bool may_pass(const plugin::Failure& failure) const override;
  std::string hint(std::string_view failure_class) const override;
  size_t clones_max() const override { return kForksMax; }
  std::vector<std::variant<adapter_sdk::Machine, plugin::Failure>> clone(
      const std::string& id, size_t count, int64_t lease_s, const adapter_sdk::CallLimits& limits) override;
  bool is_clone_unsupported(const plugin::Failure& failure) const override {
    return failure.code() == OSIRIS_UNSUPPORTED;
  }
  adapter_sdk::Verdict verify(const std::string& id, const adapter_sdk::MachineSpec& wanted,
                              const adapter_sdk::CallLimits& limits) override;
  std::string shown_rules(const adapter_sdk::Egress& egress) const override;
  std::unique_ptr<adapter_sdk::MachineAccess> access(const adapter_sdk::Machine& machine,
                                                     adapter_sdk::Milliseconds stall_limit) override;

 private:
  const std::unique_ptr<http::Transport> network_;
  WatchedTransport watched_;
  ApiClient api_;
};

}  // namespace osiris::e2b

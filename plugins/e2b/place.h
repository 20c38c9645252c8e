// E2B as a place for workers: sandboxes by its control plane (api/control_plane.h), each reached through its envd.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "plugins/e2b/api/control_plane.h"
#include "plugins/e2b/api/wire.h"
#include "plugins/e2b/service.h"
#include "plugins/sdk/place/place.h"

namespace osiris::e2b {

class E2bPlace : public sdk::Place {
 public:
  // Takes the transport to the service over. `sleep` and `note` are those of ApiClient.
  E2bPlace(std::unique_ptr<http::Transport> network, const ApiConfig& config, http::RetryPolicy policy,
           std::function<bool(http::Milliseconds)> sleep,
           std::function<void(const http::Request&, const http::RetryNote&)> note);

  ApiClient& api() { return api_; }
  WatchedTransport& wire() { return watched_; }

  const sdk::Service& service() const override { return service_; }
  std::string home() const override { return "/home/user"; }
  sdk::Milliseconds request_timeout() const override { return api_.config().timeouts.total; }
  uint64_t calls() const override { return watched_.calls(); }

  Result<sdk::Machine> create(const sdk::MachineSpec& wanted, const sdk::CallLimits& limits) override;
  sdk::CreateFailure classify_create_failure(const Error& create_error) const override;
  bool may_honour_tokens() const override;
  bool is_template_failure(const Error& create_error) const override;
  Result<std::vector<sdk::Machine>> find(const sdk::Metadata& metadata) override;
  Result<sdk::Machine> take_over(const std::string& id, int64_t lease_s) override;
  Result<sdk::Machine> look(const std::string& id, const sdk::CallLimits& limits) override;
  Status renew(const std::string& id, int64_t lease_s, const sdk::CallLimits& limits) override;
  bool is_end_of_life(const Error& renew_error) const override;
  std::string_view short_life_hint() const override;
  Status kill(const std::string& id, const sdk::CallLimits& limits) override;
  bool is_refusal(const Error& error) const override;
  Result<bool> is_gone(const std::string& id, const sdk::CallLimits& limits) override;
  Json shown_rules(const sdk::Egress& egress) const override;
  std::unique_ptr<sdk::MachineAccess> access(const sdk::Machine& machine, sdk::Milliseconds stall_limit) override;

 private:
  const E2bService service_;
  const std::unique_ptr<http::Transport> network_;
  WatchedTransport watched_;
  ApiClient api_;
};

}  // namespace osiris::e2b

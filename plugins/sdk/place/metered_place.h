// A place whose machines are paid for by the second: every call that makes a machine, or makes one live longer, is
// entered in a ledger before it is made, and is not made where the ledger says no.
#pragma once

#include <osiris/sdk/ledger.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "plugins/sdk/place/place.h"

namespace osiris::sdk {

using adapter_sdk::Ledger;
using adapter_sdk::Nanodollars;

// What ends a run that has come to its cap, and refuses one whose cap is too low: category runtime.budget.
Error budget_spent_error(const Ledger& ledger);
Error budget_too_low_error(const Ledger& ledger, int64_t lease_s);

// [any thread]
class MeteredPlace : public Place {
 public:
  // Takes the place over. `rate_of`: what a machine costs per second, from what the service says of
  // it; nullopt: that does not tell.
  MeteredPlace(std::unique_ptr<Place> inner, std::shared_ptr<Ledger> ledger,
               std::function<std::optional<Nanodollars>(const Machine&)> rate_of)
      : inner_(std::move(inner)), shared_(std::move(ledger)), ledger_(*shared_), rate_of_(std::move(rate_of)) {}

  const Service& service() const override { return inner_->service(); }
  std::string home() const override { return inner_->home(); }
  Milliseconds request_timeout() const override { return inner_->request_timeout(); }
  uint64_t calls() const override { return inner_->calls(); }

  // With a cap, and where the rate is not known, the new machine is looked at; one that costs more than the cap allows
  // is killed.
  Result<Machine> create(const MachineSpec& wanted, const CallLimits& limits) override;
  CreateFailure classify_create_failure(const Error& create_error) const override;
  bool may_honour_tokens() const override { return inner_->may_honour_tokens(); }
  bool is_template_failure(const Error& error) const override;
  Result<std::vector<Machine>> find(const Metadata& metadata) override;
  Result<Machine> take_over(const std::string& id, int64_t lease_s) override;
  Result<Machine> look(const std::string& id, const CallLimits& limits) override;
  int64_t affordable_lease_s(const std::string& id, int64_t wanted_s) const override;
  Status renew(const std::string& id, int64_t lease_s, const CallLimits& limits) override;
  bool is_end_of_life(const Error& error) const override { return inner_->is_end_of_life(error); }
  std::string_view short_life_hint() const override { return inner_->short_life_hint(); }
  Status kill(const std::string& id, const CallLimits& limits) override;
  bool is_refusal(const Error& error) const override { return inner_->is_refusal(error); }
  Result<bool> is_gone(const std::string& id, const CallLimits& limits) override;
  size_t clones_max() const override { return inner_->clones_max(); }
  // As many as the ledger allows; for the rest the outcome is its error.
  Result<std::vector<Result<Machine>>> clone(const Machine& parent, size_t count, int64_t lease_s,
                                             const CallLimits& limits) override;
  bool is_clone_unsupported(const Error& clone_error) const override;
  Result<Verdict> verify(const std::string& id, const MachineSpec& wanted, const CallLimits& limits) override {
    return inner_->verify(id, wanted, limits);
  }
  Json shown_rules(const Egress& egress) const override { return inner_->shown_rules(egress); }
  std::unique_ptr<MachineAccess> access(const Machine& machine, Milliseconds stall_limit) override {
    return inner_->access(machine, stall_limit);
  }

 private:
  bool leaves_doubt(const Error& create_error) const;
  Status price(const std::string& id);

  const std::unique_ptr<Place> inner_;
  const std::shared_ptr<Ledger> shared_;
  Ledger& ledger_;
  const std::function<std::optional<Nanodollars>(const Machine&)> rate_of_;
  std::mutex mutex_;
  std::set<std::string> killed_;  // under mutex_: the service took the kill
};

}  // namespace osiris::sdk

// An adapter's place (osiris/sdk/place.hpp) as the sdk holds machines of it: what it throws are errors as values here,
// and its texts are Json.
#pragma once

#include <osiris/sdk/clones.hpp>
#include <osiris/sdk/place.hpp>

#include <memory>
#include <string>
#include <vector>

#include "plugins/sdk/api/service.h"
#include "plugins/sdk/place/place.h"

namespace osiris::adapter_sdk {

// [any thread]
class AdapterPlace : public sdk::Place {
 public:
  // Borrows the place.
  explicit AdapterPlace(adapter_sdk::Place& place)
      : place_(place), clones_(dynamic_cast<Clones*>(&place)), service_(place.service(), &place) {}
  // Takes it over.
  explicit AdapterPlace(std::unique_ptr<adapter_sdk::Place> place) : AdapterPlace(*place) { owned_ = std::move(place); }

  const sdk::Service& service() const override { return service_; }
  std::string home() const override { return place_.home(); }
  sdk::Milliseconds request_timeout() const override { return place_.request_timeout(); }
  uint64_t calls() const override { return place_.calls(); }

  Result<Machine> create(const MachineSpec& wanted, const CallLimits& limits) override;
  CreateFailure classify_create_failure(const Error& create_error) const override;
  bool may_honour_tokens() const override { return place_.may_honour_tokens(); }
  bool is_template_failure(const Error& create_error) const override;
  Result<std::vector<Machine>> find(const Metadata& metadata) override;
  Result<Machine> take_over(const std::string& id, int64_t lease_s) override;
  Result<Machine> look(const std::string& id, const CallLimits& limits) override;
  Status renew(const std::string& id, int64_t lease_s, const CallLimits& limits) override;
  bool is_end_of_life(const Error& renew_error) const override;
  std::string_view short_life_hint() const override { return place_.short_life_hint(); }
  Status kill(const std::string& id, const CallLimits& limits) override;
  bool is_refusal(const Error& error) const override;
  Result<bool> is_gone(const std::string& id, const CallLimits& limits) override;
  size_t clones_max() const override { return clones_ ? clones_->clones_max() : 0; }
  Result<std::vector<Result<Machine>>> clone(const Machine& parent, size_t count, int64_t lease_s,
                                             const CallLimits& limits) override;
  bool is_clone_unsupported(const Error& clone_error) const override;
  Result<Verdict> verify(const std::string& id, const MachineSpec& wanted, const CallLimits& limits) override;
  Json shown_rules(const Egress& egress) const override;
  std::unique_ptr<sdk::MachineAccess> access(const Machine& machine, sdk::Milliseconds stall_limit) override;

 private:
  std::unique_ptr<adapter_sdk::Place> owned_;
  adapter_sdk::Place& place_;
  Clones* const clones_;  // null: it makes none
  const DescribedService service_;
};

}  // namespace osiris::adapter_sdk

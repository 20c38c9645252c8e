// The stages of plugins/sdk/place/remote_adapter.h for an adapter that brings what is its own in the types of
// osiris/sdk/remote_adapter.hpp.
#include <osiris/sdk/remote_adapter.hpp>

#include <memory>
#include <span>
#include <utility>

#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/abi/request.h"
#include "plugins/sdk/abi/shown_options.h"
#include "plugins/sdk/api/convert.h"
#include "plugins/sdk/api/place.h"
#include "plugins/sdk/place/metered_place.h"
#include "plugins/sdk/place/remote_adapter.h"

namespace osiris::adapter_sdk {

struct RemoteAdapter::Parts {
  class Stages;

  Parts(plugin::Host host, RemoteAdapter& outer);
  ~Parts();

  std::shared_ptr<Ledger> ledger;
  RateOf rate_of;
  Place* place = nullptr;  // the adapter's own, inside the place of `stages`
  const std::unique_ptr<Stages> stages;
};

class RemoteAdapter::Parts::Stages : public sdk::RemoteAdapter {
 public:
  Stages(plugin::Host host, Parts& parts, adapter_sdk::RemoteAdapter& outer)
      : sdk::RemoteAdapter(host), parts_(parts), outer_(outer) {}

  using sdk::RemoteAdapter::cancelled;
  using sdk::RemoteAdapter::release_now;
  using sdk::RemoteAdapter::set_up;
  using sdk::RemoteAdapter::sleep;

  // The request of the stage that goes on: the functions below are called within it.
  template <class Stage>
  auto within(const plugin::Request& request, Stage stage) {
    request_ = &request;
    return stage();
  }
  adapter_sdk::Place& own_place() {
    sdk::value_or_throw(place());
    return *parts_.place;
  }

 private:
  Status check(const sdk::RunRequest&) const override {
    return status_of([&] { outer_.check(*request_); });
  }
  const ServiceDescription& description() const override { return outer_.service(); }
  Result<std::unique_ptr<sdk::Place>> connect() override {
    OSIRIS_ASSIGN(std::unique_ptr<adapter_sdk::Place> own, value_of([&] { return outer_.connect(); }));
    parts_.place = own.get();
    std::unique_ptr<sdk::Place> place = std::make_unique<AdapterPlace>(std::move(own));
    if (parts_.ledger) place = std::make_unique<sdk::MeteredPlace>(std::move(place), parts_.ledger, parts_.rate_of);
    return place;
  }
  Status begin(const sdk::RunRequest&) override {
    return status_of([&] { outer_.begin(*request_); });
  }
  Result<Template> choose_template(const sdk::RunRequest&, bool again) override {
    return value_of([&] { return outer_.choose_template(*request_, again); });
  }
  std::optional<Error> ends_early(const std::string& machine_id) override {
    const auto failure = value_of([&] { return outer_.ends_early(machine_id); });
    if (!failure) return failure.error();
    return *failure ? std::optional(to_error(**failure)) : std::nullopt;
  }
  Milliseconds early_grace() const override { return outer_.early_grace(); }
  void released() override { outer_.released(); }

  Parts& parts_;
  adapter_sdk::RemoteAdapter& outer_;
  const plugin::Request* request_ = nullptr;
};

RemoteAdapter::Parts::Parts(plugin::Host host, RemoteAdapter& outer)
    : stages(std::make_unique<Stages>(host, *this, outer)) {}
RemoteAdapter::Parts::~Parts() = default;

RemoteAdapter::RemoteAdapter(plugin::Host host) : Adapter(host), parts_(std::make_unique<Parts>(host, *this)) {}

// While this object still stands: giving back asks the place, which may ask sleep() and host().
RemoteAdapter::~RemoteAdapter() { parts_->stages->release_now(); }

void RemoteAdapter::set_up(const RemoteSettings& remote, const osiris_option* options, size_t count,
                           const std::vector<plugin::Setting>& settings) {
  parts_->stages->set_up(remote, sdk::shown_options(std::span(options, count), settings));
}

void RemoteAdapter::meter(std::shared_ptr<Ledger> ledger, RateOf rate_of) {
  parts_->ledger = std::move(ledger);
  parts_->rate_of = std::move(rate_of);
}

void RemoteAdapter::validate(const plugin::Request& request) {
  parts_->stages->within(request, [&] { parts_->stages->validate(request); });
}

std::string RemoteAdapter::prepare(const plugin::Request& request) {
  return parts_->stages->within(request, [&] { return parts_->stages->prepare(request); });
}

plugin::RunResult RemoteAdapter::execute(const plugin::Request& request) {
  return parts_->stages->within(request, [&] { return parts_->stages->execute(request); });
}

std::string RemoteAdapter::collect(const plugin::Request& request) {
  return parts_->stages->within(request, [&] { return parts_->stages->collect(request); });
}

void RemoteAdapter::cancel() noexcept { parts_->stages->cancel(); }

std::optional<plugin::Failure> RemoteAdapter::ends_early(const std::string& machine_id) {
  if (!parts_->ledger || !parts_->ledger->is_down_to_reserve(machine_id)) return std::nullopt;
  return budget_spent(*parts_->ledger);
}

Milliseconds RemoteAdapter::early_grace() const {
  return parts_->ledger ? parts_->ledger->terms().reserve / 2 : Milliseconds(0);
}

Place& RemoteAdapter::place() { return parts_->stages->own_place(); }
const std::atomic<bool>& RemoteAdapter::cancelled() const { return parts_->stages->cancelled(); }
bool RemoteAdapter::sleep(Milliseconds wait) { return parts_->stages->sleep(wait); }

plugin::Failure budget_spent(const Ledger& ledger) { return sdk::to_failure(sdk::budget_spent_error(ledger)); }

plugin::Failure budget_too_low(const Ledger& ledger, int64_t lease_s) {
  return sdk::to_failure(sdk::budget_too_low_error(ledger, lease_s));
}

}  // namespace osiris::adapter_sdk

// osiris/sdk/remote_adapter.hpp: an adapter whose worker runs on a machine that a service lends for the time of a run.
// What differs from service to service is a Place (<osiris/sdk/place.hpp>) and the few functions below; the stages are
// the same:
//
//   validate   options and connections make sense for such a machine; no network
//   prepare    the index of the run package
//   execute    template (if one is wanted) > machine > one upload > start > one message; then only listening. The
//              machine stays leased for collect after OK or a failed step
//   collect    one download, every file verified; the machine is released and its end verified
//
// A machine that fails before anything of the user's has happened, or that vanishes before a step acted outside of it,
// is replaced by a fresh one; the event <noun>_replaced says so. Events: resource_acquired and resource_released with
// the kind <noun>, egress_rules, package_uploaded, artifacts_collected; metrics: <id>_overhead_ms, remote_calls.
#pragma once

#include <osiris/adapter.hpp>
#include <osiris/sdk/egress.hpp>
#include <osiris/sdk/ledger.hpp>
#include <osiris/sdk/options.hpp>
#include <osiris/sdk/place.hpp>
#include <osiris/sdk/service.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace osiris::adapter_sdk {

// What every such adapter lets its user choose. Derive your configuration from it, and give each member an option.
struct RemoteSettings : EnvironmentOptions, EgressOptions {
  Milliseconds timeout{0};         // of the run
  Milliseconds lease{0};           // life of the machine without news from this host; whole seconds
  Milliseconds create_timeout{0};  // of one create
  Milliseconds request_timeout{0};
  Milliseconds retry_budget{0};  // how long a call that fails is tried again
  int64_t heartbeat_ms = 0;      // of the worker; 0: as the host says
  bool install_deps = false;
  // For what is installed where no secret may be: by the build of a template, on a machine of which others are made.
  std::map<std::string, std::string> build_environment;
  bool keep = false;     // the machine, for the next run of the same pipeline
  int64_t machines = 1;  // at most, at the same time: for the shards of a run
  Metadata metadata;     // beside that of the SDK

  int64_t lease_s() const { return std::chrono::ceil<std::chrono::seconds>(lease).count(); }
};

// Functions are called, and throw, as those of plugin::Adapter do: [run] but for cancel(), plugin::Failure.
class RemoteAdapter : public plugin::Adapter {
 public:
  ~RemoteAdapter() override;  // releases what is held; no function of a derived class is called any more

  void validate(const plugin::Request& request) final;
  std::string prepare(const plugin::Request& request) final;
  plugin::RunResult execute(const plugin::Request& request) final;
  std::string collect(const plugin::Request& request) final;
  void cancel() noexcept final;

 protected:
  explicit RemoteAdapter(plugin::Host host);

  // Of configure. `options`: all of the adapter's, of which the sensitive ones are kept out of documents.
  template <size_t N>
  void set_up(const RemoteSettings& remote, const std::array<osiris_option, N>& options,
              const std::vector<plugin::Setting>& settings) {
    set_up(remote, options.data(), N, settings);
  }
  void set_up(const RemoteSettings& remote, const osiris_option* options, size_t count,
              const std::vector<plugin::Setting>& settings);
  // Of configure, for a service that bills by the second: every call that makes a machine, or makes one live longer, is
  // entered in the ledger before it is made, and is not made where the ledger says no. `rate_of`: what a machine costs
  // per second, by what the service says of it; nullopt: that does not tell. Called from any thread, also while this
  // object is destroyed: it must not need the derived class.
  using RateOf = std::function<std::optional<Nanodollars>(const Machine&)>;
  void meter(std::shared_ptr<Ledger> ledger, RateOf rate_of);

  // Of validate, beside what the SDK looks at: the environment and the hosts of the plan.
  virtual void check(const plugin::Request& /*request*/) const {}
  virtual const ServiceDescription& service() const = 0;
  // On the first use of the service, because configure may not touch the network. The place may be asked until this
  // class's destructor has returned.
  virtual std::unique_ptr<Place> connect() = 0;
  // Of execute, before the service is asked for anything: logs are opened, and where the run goes is said.
  virtual void begin(const plugin::Request& /*request*/) {}
  // What the machine is made from; made now where it has to be. `again`: what was found by its name is broken.
  virtual Template choose_template(const plugin::Request& request, bool again) = 0;

  // While workers work, at every turn of a run loop, from any thread but one at a time: why the run is to end now, with
  // what is complete fetched.
  // Here: the ledger is down to the reserve of this machine.
  virtual std::optional<plugin::Failure> ends_early(const std::string& machine_id);
  // What the worker has then to stop its steps and pack what is complete. Here: half of the ledger's reserve.
  virtual Milliseconds early_grace() const;
  // The machines were given back, or could not be; within the stage that did it. Must not throw.
  virtual void released() {}

  // What connect() made, on its first use; throws what connect() throws.
  Place& place();
  const std::atomic<bool>& cancelled() const;
  // [any thread] False once cancelled; at once then.
  bool sleep(Milliseconds wait);

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace osiris::adapter_sdk

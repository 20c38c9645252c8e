// An adapter whose worker runs on a machine of some service. What differs from service to service is behind Place and
// the few functions that a derived class brings; the stages are the same:
//
//   validate   options and connections make sense for such a machine, no network
//   prepare    the index of the run package
//   execute    template (if one is wanted) > machine > one upload > start > one message; then only listening. The
//              machine stays leased for collect after OK or a failed step
//   collect    one download, every file checked; the machine is released and its end verified
//
// When a machine is replaced by a fresh one: replacement.h.
#pragma once

#include <osiris/adapter.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/abi/request.h"
#include "plugins/sdk/channel/waker.h"
#include "plugins/sdk/fleet/fleet_plan.h"
#include "plugins/sdk/package/package_contents.h"
#include "plugins/sdk/place/held_machine.h"
#include "plugins/sdk/place/place.h"
#include "plugins/sdk/place/remote_settings.h"
#include "plugins/sdk/run/run_loop.h"

namespace osiris::sdk {

// [run] throughout, but for cancel().
class RemoteAdapter : public plugin::Adapter {
 public:
  ~RemoteAdapter() override;  // releases what is held

  void validate(const plugin::Request& request) final;
  std::string prepare(const plugin::Request& request) final;
  plugin::RunResult execute(const plugin::Request& request) final;
  std::string collect(const plugin::Request& request) final;
  void cancel() noexcept final;

 protected:
  explicit RemoteAdapter(plugin::Host host) : Adapter(host), host_(host.table()) {}

  // Of configure. `shown_options`: those that the prepared document may show, as text.
  void set_up(const RemoteSettings& settings, std::vector<std::pair<std::string, std::string>> shown_options);

  // Of validate, beside the environment and the hosts of the plan.
  virtual Status check(const RunRequest& request) const = 0;
  virtual const ServiceDescription& description() const = 0;
  // On the first use of the service, because configure may not touch the network.
  virtual Result<std::unique_ptr<Place>> connect() = 0;
  // Of execute, before the service is asked for anything: logs are opened, and where the run goes is said.
  virtual Status begin(const RunRequest& request) = 0;
  // What the machine is made from; made now where it has to be. `again`: what was found by its name is broken.
  virtual Result<Template> choose_template(const RunRequest& request, bool again) = 0;

  // While the worker works, at every turn of the run loop: why the run is to end now, with what is complete fetched.
  virtual std::optional<Error> ends_early(const std::string& /*machine_id*/) { return std::nullopt; }
  // What the worker has then to stop its steps and pack what is complete.
  virtual Milliseconds early_grace() const { return Milliseconds(0); }
  // A machine was given back, or could not be; within the stage that did it.
  virtual void released() {}

  const Host& host() const { return host_; }
  const std::atomic<bool>& cancelled() const { return cancelled_; }
  Result<Place*> place();
  bool sleep(Milliseconds wait);  // false once cancelled; [any thread]
  // The way out of every failure: what is held is given back now, and what could not be is said. Idempotent.
  void release_now();

 private:
  Status acquire(const RunRequest& request, const Template& made_from, bool reuse);
  // The next two: [any thread].
  std::unique_ptr<HeldMachine> new_machine();
  HeldMachine::Request wanted(const RunRequest& request, const Template& made_from, bool reuse) const;
  Result<std::unique_ptr<HeldMachine>> hold_another(const RunRequest& request, const Template& made_from);
  Result<RunOutcome> run_on_many(const RunRequest& request, const Template& made_from, const FleetPlan& plan);
  Status acquire_with_template(const RunRequest& request, Template& made_from, bool may_take_kept);
  Result<RunOutcome> run(const RunRequest& request);
  bool has_vanished();  // the service no longer knows the machine
  void say_egress() const;
  void metric(std::string_view name, std::string_view unit, int64_t value) const;

  Host host_;
  Waker waker_;
  std::atomic<bool> cancelled_{false};
  RemoteSettings settings_;
  std::vector<std::pair<std::string, std::string>> shown_options_;
  Egress egress_;
  std::unique_ptr<Place> place_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<HeldMachine> held_;
  std::shared_ptr<MachineAccess> access_;
  std::optional<rpc::Packed> packed_;
  std::shared_ptr<const std::string> packed_bytes_;  // the same, where it is here already
  std::vector<Artifact> shard_outputs_;              // at their places already
  std::mutex machines_mutex_;                        // where several are held
  bool succeeded_ = false;                           // execute said so: collect must have something to fetch
  Json released_ = Json::array();
  int64_t acquire_began_ns_ = 0;
};

}  // namespace osiris::sdk

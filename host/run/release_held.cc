#include "host/run/release_held.h"

#include <algorithm>

#include "host/adapters/instance.h"

namespace osiris {
namespace {

// The run may have been stopped: that is no reason to leave behind what it holds.
class Unstoppable : public AdapterEvents {
 public:
  explicit Unstoppable(RunEvents& events) : events_(events) {}
  void on_event(const Event& event) override { events_.on_event(event); }
  void on_metric(const Metric& metric) override { events_.on_metric(metric); }
  void on_log(const Log& log) override { events_.on_log(log); }
  void on_progress(const Progress& progress) override { events_.on_progress(progress); }
  bool is_cancelled() const override { return false; }
  Status lend_secret(std::string_view name, const std::function<void(std::string_view)>& use) override {
    return events_.lend_secret(name, use);
  }
  void on_misbehaviour(std::string_view what) override { events_.on_misbehaviour(what); }

 private:
  RunEvents& events_;
};

bool is_held(const RemoteResources& resources, const RemoteResource& resource) {
  const auto held = resources.unreleased();
  return std::any_of(held.begin(), held.end(),
                     [&](const RemoteResource& each) { return each.kind == resource.kind && each.id == resource.id; });
}

}  // namespace

Json release_held(const LoadedAdapter& adapter, const ResolvedOptions& options, const std::string& settings_json,
                  const RemoteResources& resources, RunEvents& events) {
  Json released = Json::array();
  const auto held = resources.unreleased();
  if (held.empty() || !owns_remote_resources(*adapter.type)) return released;
  const auto warn = [&](const std::string& what) {
    AdapterEvents::Log line;
    line.level = OSIRIS_WARN;
    line.message = what;
    line.fields = Json::object();
    events.on_log(line);
  };
  Unstoppable unstoppable(events);
  const auto instance = AdapterInstance::create(*adapter.type, unstoppable);
  const Status configured = instance.ok() ? (*instance)->configure(options.settings()) : Status(instance.error());
  if (!configured.ok()) {
    warn("what the lost process held cannot be released: " + configured.error().message);
    return released;
  }
  for (const RemoteResource& resource : held) {
    const StageOutcome outcome = (*instance)->release_resource({settings_json, {}, resource.kind, resource.id});
    const Status proved =
        outcome.ok() ? proof_of_release(outcome.document, resource.kind, resource.id) : outcome.status;
    if (!proved.ok()) {
      warn(resource.kind + " " + resource.id + " of the lost process: " + proved.error().message);
      continue;
    }
    const Json proof = Json::object({{"kind", resource.kind}, {"id", resource.id}, {"verified", true}});
    if (is_held(resources, resource)) {  // the adapter may have told of it itself
      AdapterEvents::Event event;
      event.name = "resource_released";
      event.data = proof;
      events.on_event(event);
    }
    released.push_back(proof);
  }
  return released;
}

}  // namespace osiris

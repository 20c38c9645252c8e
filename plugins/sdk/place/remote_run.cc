#include "plugins/sdk/place/remote_run.h"

#include <algorithm>
#include <utility>

#include "plugins/sdk/channel/streamed_channel.h"
#include "plugins/sdk/package/delivery.h"
#include "plugins/sdk/place/machine_opening.h"
#include "plugins/sdk/run/worker_run.h"
#include "protocol/base/clock.h"

namespace osiris::sdk {
namespace {

int64_t elapsed_ms(int64_t since_ns) { return (system_clock().monotonic_ns() - since_ns) / 1'000'000; }

// A question about health: three of them, one after the other, take less than 5 s.
constexpr Milliseconds kAskWait{1'500};

Result<Delivery> delivery_of(const RemoteRun& run, const Layout& layout, std::future<Result<std::string>> packed) {
  DeliveryRequest wanted;
  wanted.worker_path = run.request.worker_path;
  wanted.worker_sha256 = run.request.worker_sha256;
  wanted.layout = layout;
  wanted.wipe_other_runs = run.held.was_kept();
  wanted.drivers = run.request.drivers();
  if (!run.made_from.worker_directory.empty())
    wanted.present_in = run.made_from.worker_directory;
  else if (run.held.was_kept())
    wanted.present_in = layout.root;
  else if (packed.valid())
    wanted.packed = packed.get();
  return plan_delivery(std::move(wanted));
}

}  // namespace

ChannelContext channel_context_of(Place& place, MachineAccess& access, const std::string& machine_id,
                                  std::string records_path, Milliseconds retry_budget,
                                  std::function<void(const std::string&)> log) {
  ChannelContext context;
  context.machine_id = machine_id;
  context.is_gone = [&place, machine_id] { return place.is_gone(machine_id, {.wait = kAskWait}); };
  context.open_records = [&access, path = std::move(records_path)] {
    return access.download(path, 0, "fetch the worker's records");
  };
  context.log = std::move(log);
  context.retry_budget = retry_budget;
  return context;
}

Opening opening_on_machine(const MachineTerms& terms, const RunRequest& request, const PackageContents& contents,
                           const Layout& layout) {
  WorkerSettings settings;
  settings.environment = terms.settings;
  settings.install_deps = terms.settings.install_deps;
  settings.cache_dir = terms.made_from.cache_directory.empty() ? layout.cache() : terms.made_from.cache_directory;
  settings.heartbeat_ms = terms.settings.heartbeat_ms;
  Opening opening = worker_opening(request, settings);
  place_opening(layout, contents, opening);
  opening.prepare.connections = with_addresses(std::move(opening.prepare.connections), terms.egress);
  return opening;
}

RunLoopOptions loop_options_on_machine(const MachineTerms& terms, const RunRequest& request, const Opening& opening,
                                       const std::string& machine_id) {
  RunLoopOptions options =
      worker_loop_options(request, opening, "in " + std::string(terms.place.service().noun()) + " " + machine_id);
  options.shutdown_worker = false;  // its machine goes
  options.ends_early = terms.ends_early;
  options.early_grace_ms = terms.early_grace.count();
  options.stall_limit_ms = terms.settings.lease_s() * 1000;
  options.hello_timeout_ms =
      std::max(options.hello_timeout_ms, options.stall_limit_ms);  // a stalled start is a stall too
  return options;
}

Result<RunOutcome> run_on_machine(const RemoteRun& run, const PackageContents& contents, PackageStream& stream,
                                  std::future<Result<std::string>> packed) {
  const Layout layout = layout_of(run.place.home(), run.request.run_id);
  WireLog wire_log;
  OSIRIS_TRY(open_wire_log(run.request, wire_log));
  OSIRIS_ASSIGN(Delivery delivery, delivery_of(run, layout, std::move(packed)));
  const std::string& machine = run.held.machine().id;
  StreamedChannel channel(
      run.place.service(), run.access, run.waker,
      channel_context_of(run.place, run.access, machine, layout.records(), run.settings.retry_budget,
                         [&run](const std::string& text) { run.host.log(OSIRIS_WARN, text); }));

  const int64_t upload_ns = system_clock().monotonic_ns();
  delivery.parts.push_back({layout.package(), [&](const auto& sink) { return stream.write_to(sink); }});
  delivery.parts.push_back(bytes_part(layout.arrived(), std::make_shared<const std::string>("1")));
  // The process starts while its files are on their way, and waits for the last of them: one round trip less. The files
  // go first, on the connection that is there already.
  OSIRIS_ASSIGN(const uint64_t uploaded,
                run.access.upload(std::move(delivery.parts), run.cancelled, [&] { channel.start(delivery.start); }));
  run.host.event("package_uploaded", {},
                 Json::object({{"bytes", uploaded},
                               {"files", contents.files_sent()},
                               {"worker_sent", delivery.sends_worker},
                               {"duration_ms", elapsed_ms(upload_ns)}}));

  const HeldMachine::Listening listening(run.held, [&channel](const Error& error) { channel.declare_lost(error); });
  OSIRIS_TRY(channel.started(run.settings.lease, run.cancelled));
  // From wanting a machine to having a process in it.
  run.host.metric({.name = std::string(run.place.service().id()) + "_overhead_ms",
                   .unit = "ms",
                   .step_id = {},
                   .value = static_cast<double>(elapsed_ms(run.wanted_since_ns)),
                   .tags = {}});

  const MachineTerms terms{run.settings, run.made_from, run.egress, run.place, run.ends_early, run.early_grace};
  Opening opening = opening_on_machine(terms, run.request, contents, layout);
  RunLoopOptions options = loop_options_on_machine(terms, run.request, opening, machine);
  RunLoop loop(run.host, channel, run.waker, wire_log, std::move(options));
  return loop.run(run.request.steps(), std::move(opening));
}

}  // namespace osiris::sdk

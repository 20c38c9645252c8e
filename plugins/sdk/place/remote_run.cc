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

ChannelContext channel_context_of(const RemoteRun& run, const Layout& layout) {
  ChannelContext context;
  context.machine_id = run.held.machine().id;
  context.is_gone = [&run, id = context.machine_id] { return run.place.is_gone(id, {.wait = kAskWait}); };
  context.open_records = [&run, path = layout.records()] {
    return run.access.download(path, 0, "fetch the worker's records");
  };
  context.log = [&run](const std::string& text) { run.host.log(OSIRIS_WARN, text); };
  context.retry_budget = run.settings.retry_budget;
  return context;
}

Result<Delivery> delivery_of(const RemoteRun& run, const Layout& layout, std::future<Result<std::string>> packed) {
  DeliveryRequest wanted;
  wanted.worker_path = run.request.worker_path;
  wanted.worker_sha256 = run.request.worker_sha256;
  wanted.layout = layout;
  wanted.wipe_other_runs = run.held.was_kept() || run.has_worker;
  wanted.shared = run.packed_worker;
  if (!run.made_from.worker_directory.empty())
    wanted.present_in = run.made_from.worker_directory;
  else if (run.held.was_kept() || run.has_worker)
    wanted.present_in = layout.root;
  else if (packed.valid())
    wanted.packed = packed.get();
  return plan_delivery(std::move(wanted));
}

Opening opening_of(const RemoteRun& run, const PackageContents& contents, const Layout& layout) {
  WorkerSettings settings;
  settings.environment = run.settings;
  settings.install_deps = run.settings.install_deps;
  settings.cache_dir = run.made_from.cache_directory.empty() ? layout.cache() : run.made_from.cache_directory;
  settings.heartbeat_ms = run.settings.heartbeat_ms;
  Opening opening = worker_opening(run.request, settings);
  place_opening(layout, contents, opening);
  opening.prepare.connections = with_addresses(std::move(opening.prepare.connections), run.egress);
  return opening;
}

}  // namespace

Result<RunOutcome> run_on_machine(const RemoteRun& run, const PackageContents& contents, PackageStream& stream,
                                  std::future<Result<std::string>> packed) {
  const Layout layout = layout_of(run.place.home(), run.request.run_id);
  WireLog wire_log;
  OSIRIS_TRY(open_wire_log(run.request, wire_log));
  OSIRIS_ASSIGN(Delivery delivery, delivery_of(run, layout, std::move(packed)));
  StreamedChannel channel(run.place.service(), run.access, run.waker, channel_context_of(run, layout));

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

  run.held.on_lost([&channel](const Error& error) { channel.declare_lost(error); });
  const auto pid = channel.started(run.settings.lease, run.cancelled);
  if (!pid) {
    run.held.on_lost({});
    return pid.error();
  }
  // From wanting a machine to having a process in it.
  run.host.metric({.name = std::string(run.place.service().id()) + "_overhead_ms",
                   .unit = "ms",
                   .step_id = {},
                   .value = static_cast<double>(elapsed_ms(run.wanted_since_ns)),
                   .tags = {}});

  Opening opening = opening_of(run, contents, layout);
  RunLoopOptions options = worker_loop_options(
      run.request, opening, "in " + std::string(run.place.service().noun()) + " " + run.held.machine().id);
  options.shutdown_worker = false;  // its machine goes
  options.ends_early = run.ends_early;
  options.early_grace_ms = run.early_grace.count();
  options.stall_limit_ms = run.settings.lease_s() * 1000;
  options.hello_timeout_ms =
      std::max(options.hello_timeout_ms, options.stall_limit_ms);  // a stalled start is a stall too
  RunLoop loop(run.host, channel, run.waker, wire_log, std::move(options));
  RunOutcome outcome = loop.run(run.request.steps(), std::move(opening));
  run.held.on_lost({});
  return outcome;
}

}  // namespace osiris::sdk

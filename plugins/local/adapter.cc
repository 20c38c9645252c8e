#include "plugins/local/adapter.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

namespace osiris::local {
namespace {

using adapter_sdk::Files;
using adapter_sdk::json_string;
using adapter_sdk::ProcessChannel;
using adapter_sdk::StartedProgram;

// The worker of a run to come.
struct EarlyWorker {
  std::mutex mutex;
  std::optional<StartedProgram> started;
};
EarlyWorker& early_worker() {
  static EarlyWorker worker;
  return worker;
}

void begin(const osiris_adapter_type*, const osiris_early_run* run) noexcept {
  if (!OSIRIS_HAS(run, drivers)) return;
  EarlyWorker& early = early_worker();
  const std::lock_guard lock(early.mutex);
  early.started.reset();
  try {
    early.started.emplace(adapter_sdk::WorkerRun::early_worker(*run));
  } catch (...) {  // what stands in the way is told by execute, which starts another
  }
}

constexpr osiris_early kEarly = {sizeof(osiris_early), 0, begin};

std::unique_ptr<ProcessChannel> channel_to(const adapter_sdk::Program& worker, const adapter_sdk::Waker& waker) {
  EarlyWorker& early = early_worker();
  const std::lock_guard lock(early.mutex);
  std::optional<StartedProgram> started = std::exchange(early.started, std::nullopt);
  if (started && started->can_be(worker)) return std::make_unique<ProcessChannel>(*std::move(started), waker);
  return std::make_unique<ProcessChannel>(worker, waker);
}

}  // namespace

const void* LocalAdapter::extension(const char* id) noexcept {
  return std::string_view(id) == OSIRIS_EARLY_V1 ? &kEarly : nullptr;
}

void LocalAdapter::configure(const std::vector<plugin::Setting>& settings) {
  plugin::apply(kRows, settings, config_);
  run_.configure(config_, kOptions, settings);
}

void LocalAdapter::validate(const plugin::Request& request) { run_.validate(request, Files::kHere); }

std::string LocalAdapter::prepare(const plugin::Request& request) { return run_.prepare(request, Files::kHere); }

plugin::RunResult LocalAdapter::execute(const plugin::Request& request) {
  auto channel = channel_to(run_.local_worker(request), run_.waker());
  const std::string pid = std::to_string(channel->pid());
  const std::string process = R"({"kind":"process","id":)" + json_string(pid);
  const std::string cleanup = "It ends with osiris; if it is still there: kill -9 -" + pid;
  host().event("resource_acquired", process + R"(,"expires":"","cleanup":)" + json_string(cleanup) + "}");
  const auto tell_released = [&](bool verified) {
    host().event("resource_released", process + (verified ? R"(,"verified":true})" : R"(,"verified":false})"));
  };
  try {
    plugin::RunResult result = run_.run_here(request, *channel);
    tell_released(run_.worker_exit().has_value());
    return result;
  } catch (...) {
    channel.reset();  // which kills it
    tell_released(true);
    throw;
  }
}

std::string LocalAdapter::collect(const plugin::Request& request) { return run_.collect(request); }

}  // namespace osiris::local

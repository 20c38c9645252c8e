#include "plugins/local/adapter.h"

namespace osiris::local {
namespace {

using adapter_sdk::Files;
using adapter_sdk::json_string;

}  // namespace

void LocalAdapter::configure(const std::vector<plugin::Setting>& settings) {
  plugin::apply(kRows, settings, config_);
  run_.configure(config_, kOptions, settings);
}

void LocalAdapter::validate(const plugin::Request& request) { run_.validate(request, Files::kHere); }

std::string LocalAdapter::prepare(const plugin::Request& request) { return run_.prepare(request, Files::kHere); }

plugin::RunResult LocalAdapter::execute(const plugin::Request& request) {
  auto channel = std::make_unique<adapter_sdk::ProcessChannel>(run_.local_worker(request), run_.waker());
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

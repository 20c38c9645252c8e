// The adapter `local`: the worker as a child process on this machine. Inputs are read and outputs written in place, so
// nothing is packed or fetched; what is left is to start the worker, listen, and see that it is gone. It stands on
// osiris-adapter-sdk as it is installed, like any author's.
#pragma once

#include <osiris/ext/early.h>
#include <osiris/adapter.hpp>
#include <osiris/sdk.hpp>

#include <array>
#include <string>
#include <vector>

#include "plugins/local/config.h"

namespace osiris::local {

class LocalAdapter : public plugin::Adapter {
 public:
  static constexpr osiris_str kId = OSIRIS_STR("local"), kName = OSIRIS_STR("Local"),
                              kVersion = OSIRIS_STR(OSIRIS_VERSION),
                              kSummary = OSIRIS_STR("runs the worker as a child process on this machine");
  static constexpr auto kOptions = plugin::descriptors(kRows);
  static constexpr std::array<osiris_secret, 0> kSecrets = {};

  static const void* extension(const char* id) noexcept;

  explicit LocalAdapter(plugin::Host host) : Adapter(host), run_(host) {}

  void configure(const std::vector<plugin::Setting>& settings) override;
  void validate(const plugin::Request& request) override;
  std::string prepare(const plugin::Request& request) override;
  plugin::RunResult execute(const plugin::Request& request) override;
  std::string collect(const plugin::Request& request) override;
  void cancel() noexcept override { run_.cancel(); }

 private:
  adapter_sdk::WorkerRun run_;
  Config config_ = plugin::defaults(kRows);
};

}  // namespace osiris::local

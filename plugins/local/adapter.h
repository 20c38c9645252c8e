// The adapter `local`: the worker as a child process on this machine. Inputs are read and outputs written in place, so
// nothing is packed or fetched; what is left is to start the worker, listen, and see that it is gone.
#pragma once

#include <osiris/adapter.hpp>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "plugins/local/config.h"
#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/abi/request.h"
#include "plugins/sdk/channel/waker.h"
#include "plugins/sdk/run/run_loop.h"

namespace osiris::local {

class LocalAdapter : public plugin::Adapter {
 public:
  static constexpr osiris_str kId = OSIRIS_STR("local"), kName = OSIRIS_STR("Local"),
                              kVersion = OSIRIS_STR(OSIRIS_VERSION),
                              kSummary = OSIRIS_STR("runs the worker as a child process on this machine");
  static constexpr auto kOptions = plugin::descriptors(kRows);
  static constexpr std::array<osiris_secret, 0> kSecrets = {};

  explicit LocalAdapter(plugin::Host host) : Adapter(host), host_(host.table()) {}

  void configure(const std::vector<plugin::Setting>& settings) override;
  void validate(const plugin::Request& request) override;
  std::string prepare(const plugin::Request& request) override;
  plugin::RunResult execute(const plugin::Request& request) override;
  std::string collect(const plugin::Request& request) override;
  void cancel() noexcept override { waker_.wake(); }

 private:
  Status check(const sdk::RunRequest& request) const;
  Result<sdk::RunOutcome> run(const sdk::RunRequest& request);

  sdk::Host host_;
  sdk::Waker waker_;
  Config config_ = plugin::defaults(kRows);
  std::vector<std::pair<std::string, std::string>> shown_options_;  // for "prepared"
  std::vector<Artifact> artifacts_;                                 // what execute declared, for collect
};

}  // namespace osiris::local

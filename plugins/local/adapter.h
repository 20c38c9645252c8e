// The adapter `local`: the worker as a child process on this machine. Inputs are read and outputs written in place, so
// nothing is packed or fetched; what is left is to start the worker, listen, and see that it is gone.
#pragma once

#include <osiris/adapter.hpp>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "plugins/sdk/run/environment.h"
#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/abi/request.h"
#include "plugins/sdk/run/run_loop.h"
#include "plugins/sdk/channel/waker.h"

namespace osiris::local {

constexpr osiris_option with_value_name(osiris_option option, std::string_view value_name) {
  option.value_name = plugin::to_abi(value_name);
  return option;
}

class LocalAdapter : public plugin::Adapter {
 public:
  static constexpr osiris_str kId = OSIRIS_STR("local"), kName = OSIRIS_STR("Local"),
                              kVersion = OSIRIS_STR(OSIRIS_VERSION),
                              kSummary = OSIRIS_STR("runs the worker as a child process on this machine");
  static constexpr std::array<osiris_option, 5> kOptions = {
      with_value_name(plugin::option(OSIRIS_PAIR, "env", "a variable for the steps that start processes", {},
                                     OSIRIS_REPEATED | OSIRIS_SENSITIVE),
                      "NAME=VALUE"),
      with_value_name(plugin::option(OSIRIS_PATH, "env-from", "a file of NAME=VALUE lines with such variables", {},
                                     OSIRIS_REPEATED),
                      "FILE"),
      with_value_name(plugin::option(OSIRIS_ENV, "pass-env", "a variable of your own environment to lend to such steps",
                                     {}, OSIRIS_REPEATED),
                      "NAME"),
      plugin::option(OSIRIS_BOOL, "install-deps",
                     "install what a step's requirements name, in an environment of its own", "false"),
      [] {
        osiris_option grace =
            with_value_name(plugin::option(OSIRIS_FLOAT, "grace",
                                           "how long running steps may take to stop when the run is cancelled", "0.7"),
                            "SECONDS");
        grace.minimum = plugin::to_abi("0");
        grace.maximum = plugin::to_abi("600");
        return grace;
      }(),
  };
  static constexpr std::array<osiris_str, 0> kSecrets = {};

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
  sdk::EnvironmentOptions environment_;
  bool install_deps_ = false;
  int64_t grace_ms_ = 700;
  std::vector<std::pair<std::string, std::string>> shown_options_;  // for "prepared": those that are not sensitive
  std::vector<rpc::Artifact> artifacts_;                            // what execute declared, for collect
};

}  // namespace osiris::local

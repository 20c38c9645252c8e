// The adapter `ssh`: the worker on a machine that the system's OpenSSH client reaches. Everything else is
// osiris-adapter-sdk's: the run loop, the package, the outputs brought back and verified.
#pragma once

#include <osiris/adapter.hpp>
#include <osiris/sdk.hpp>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "far_side.h"
#include "options.h"

namespace ssh_adapter {

class SshAdapter final : public plugin::Adapter, public plugin::Resources {
 public:
  static constexpr osiris_str kId = OSIRIS_STR("ssh"), kName = OSIRIS_STR("SSH"), kVersion = OSIRIS_STR("0.1.0"),
                              kSummary = OSIRIS_STR("runs the worker on a machine reached by OpenSSH");
  static constexpr auto kOptions = plugin::descriptors(kRows);
  static constexpr std::array<osiris_secret, 0> kSecrets = {};

  explicit SshAdapter(plugin::Host host) : Adapter(host), run_(host) {}
  ~SshAdapter() override;  // releases what is held

  void configure(const std::vector<plugin::Setting>& settings) override;
  void validate(const plugin::Request& request) override;
  std::string prepare(const plugin::Request& request) override { return run_.prepare(request, sdk::Files::kTravel); }
  plugin::RunResult execute(const plugin::Request& request) override;
  std::string collect(const plugin::Request& request) override;
  void cancel() noexcept override { run_.cancel(); }

  std::string list_resources(const plugin::ResourceQuery& query) override;
  std::string release_resource(const plugin::ResourceQuery& query) override;

 private:
  void check_options() const;
  FarSide& far_side();
  void acquire(const plugin::Request& request);
  // Idempotent. Throws what kept it.
  void release();
  void release_quietly() noexcept;
  // A run's directory as the user would name it to scp.
  std::string place_of(const std::string& run) const { return config_.directory + "/runs/" + run; }

  sdk::WorkerRun run_;
  Config config_ = plugin::defaults(kRows);
  std::unique_ptr<FarSide> far_;
  std::string held_run_;  // the name of the run's directory, once it may be there
  std::string released_ = "[]";
};

}  // namespace ssh_adapter

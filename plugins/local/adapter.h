// The adapter `local`: the worker as a child process on this machine. Inputs are read and outputs written in place, so
// nothing is packed or fetched; what is left is to start the worker, listen, and see that it is gone.
#pragma once

#include <osiris/adapter.h>

#include <string>
#include <string_view>
#include <vector>

#include "plugins/sdk/environment.h"
#include "plugins/sdk/host.h"
#include "plugins/sdk/request.h"
#include "plugins/sdk/run_loop.h"
#include "plugins/sdk/waker.h"

namespace osiris::local {

struct LocalOptions {
  sdk::EnvironmentOptions environment;
  bool install_deps = false;
  double grace_s = 0.7;
};

// [run] throughout, but for cancel().
class LocalAdapter {
 public:
  explicit LocalAdapter(const osiris_host* host) : host_(host) {}

  osiris_status configure(const osiris_setting* settings, size_t count);
  osiris_status validate(const osiris_request* request);
  osiris_status prepare(const osiris_request* request);
  osiris_status execute(const osiris_request* request);
  osiris_status collect(const osiris_request* request);
  void cancel() { waker_.wake(); }  // [any]

 private:
  Status check(const sdk::RunRequest& request) const;
  Result<sdk::RunOutcome> run(const sdk::RunRequest& request);

  sdk::Host host_;
  sdk::Waker waker_;
  LocalOptions options_;
  std::vector<std::pair<std::string, std::string>> shown_options_;  // for "prepared": not sensitive
  std::vector<rpc::Artifact> artifacts_;
};

}  // namespace osiris::local

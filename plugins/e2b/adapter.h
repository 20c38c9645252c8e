// The adapter `e2b`: the worker in an E2B cloud sandbox. The life of a run here:
//
//   validate   options and connections make sense for a sandbox (no loopback), no network
//   prepare    the index of the run package
//   execute    template (if a shape, an image or dependencies were asked for) > sandbox > one upload > Start > one StreamInput; then
//              only listening. After OK or a failed step the sandbox stays leased for collect
//   collect    one download, every file checked; the sandbox is killed and its end verified
//
// When a sandbox is replaced by a fresh one: replacement.h.
#pragma once

#include <osiris/adapter.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "plugins/e2b/config.h"
#include "plugins/sdk/package/package_plan.h"
#include "plugins/e2b/sandbox_session.h"
#include "plugins/e2b/api/templates.h"
#include "plugins/sdk/abi/request.h"
#include "plugins/sdk/run/run_loop.h"
#include "plugins/sdk/channel/waker.h"
#include "protocol/http/curl_transport.h"

namespace osiris::e2b {

inline constexpr const char* kApiKeyName = "E2B_API_KEY";

// [run] throughout, but for cancel().
class E2bAdapter {
 public:
  explicit E2bAdapter(const osiris_host* host) : host_(host) {}
  ~E2bAdapter();

  osiris_status configure(const osiris_setting* settings, size_t count);
  osiris_status validate(const osiris_request* request);
  osiris_status explain(const osiris_request* request);  // the extension osiris.explain/1
  osiris_status prepare(const osiris_request* request);
  osiris_status execute(const osiris_request* request);
  osiris_status collect(const osiris_request* request);
  void cancel();  // [any]

  // The extension osiris.resources/1.
  osiris_status list_resources(std::string_view filter_json);
  osiris_status release_resource(std::string_view kind, std::string_view id);

 private:
  // What a connection to the service consists of; made on first use, because configure may not touch the network.
  struct Service {
    http::CurlTransport network;
    WatchedTransport watched;
    ApiClient api, lease_api, sending_api;
    Service(const http::CurlOptions& options, const ApiConfig& config, http::RetryPolicy policy,
            const std::function<bool(http::Milliseconds)>& sleep,
            const std::function<void(const http::Request&, const http::RetryNote&)>& note);
  };
  Result<Service*> service();
  bool sleep(http::Milliseconds wait);  // false once cancelled

  Status check(const sdk::RunRequest& request) const;
  Json destinations() const;
  void say_egress() const;
  Status execute(const sdk::RunRequest& request);
  struct Place {
    std::string template_id;
    bool has_worker = false;     // osiris built it with this worker inside
    bool found_by_name = false;  // by an earlier run
    std::string cache_dir;
  };
  Result<Place> choose_template(const sdk::RunRequest& request, bool rebuild);
  Status acquire_with_template(const sdk::RunRequest& request, Place& place, bool may_take_kept);
  bool take_build_line(const std::string& name, const std::string& line);
  Status acquire(const sdk::RunRequest& request, const Place& place, bool reuse);
  Result<sdk::RunOutcome> run_in(const sdk::RunRequest& request, const sdk::PackagePlan& plan, sdk::PackageStream& stream, const Place& place);
  bool has_vanished();  // the service no longer knows the sandbox
  void release_now();
  void metric(std::string_view name, std::string_view unit, int64_t value) const;

  sdk::Host host_;
  sdk::Waker waker_;
  std::atomic<bool> cancelled_{false};
  Config config_;
  Egress egress_;
  std::vector<std::pair<std::string, std::string>> shown_options_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<sdk::Journal> journal_;
  std::unique_ptr<SandboxSession> session_;
  std::unique_ptr<Envd> envd_, sending_envd_;
  std::optional<rpc::Packed> packed_;
  bool succeeded_ = false;  // execute said so: collect must have something to fetch
  Json released_ = Json::array();
  int64_t acquire_began_ns_ = 0;
  std::future<Result<std::string>> packed_worker_;
};

}  // namespace osiris::e2b

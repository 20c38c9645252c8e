// The whole server: it puts the parts together and decides, for each request, which plane and which handler it is for.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "servers/e2b/fault_plan.h"
#include "servers/e2b/http_server.h"
#include "servers/e2b/idempotency.h"
#include "servers/e2b/network.h"
#include "servers/e2b/options.h"
#include "servers/e2b/rate_limiter.h"
#include "servers/e2b/recorder.h"
#include "servers/e2b/registry.h"
#include "servers/e2b/server_clock.h"
#include "servers/e2b/templates.h"

namespace osiris::e2b_server {

class Server;

// One request on its way through a handler.
struct Call {
  Server& server;
  Exchange& exchange;
  std::vector<std::string> params;     // the {...} parts of the route
  std::optional<SandboxInfo> sandbox;  // on the envd plane

  const Request& request() const { return exchange.request(); }
  const std::string& param(size_t index = 0) const { return params[index]; }
};
using CallHandler = void (*)(Call&);

struct Route {
  std::string method;
  std::string pattern;  // "/sandboxes/{id}/timeout"
  CallHandler handler;
};

// Routes of each plane, one file each.
std::vector<Route> sandbox_routes();     // sandbox_routes.cc: what changes sandboxes
std::vector<Route> query_routes();       // query_routes.cc: lists, metrics, logs
std::vector<Route> template_routes();    // template_routes.cc
std::vector<Route> admin_routes();       // admin_routes.cc: /_admin of this server, no part of E2B
std::vector<Route> file_routes();        // envd_files.cc
std::vector<Route> process_routes();     // envd_process.cc
std::vector<Route> filesystem_routes();  // envd_filesystem.cc

class Server {
 public:
  static Result<std::unique_ptr<Server>> create(const Options& options);
  ~Server();

  void start();
  // Kills every sandbox and cuts every connection.
  void stop();
  // The line printed when ready.
  Json ready_line() const;

  const Options& options() const { return options_; }
  ServerClock& clock() { return clock_; }
  Registry& registry() { return *registry_; }
  TemplateStore& templates() { return *templates_; }
  FaultPlan& faults() { return faults_; }
  Recorder& recorder() { return recorder_; }
  HttpServer& http() { return *http_; }
  IdempotencyKeys& idempotency_keys() { return idempotency_keys_; }

  // Watchers of CreateWatcher, by id.
  struct Watcher {
    std::string sandbox_id;
    std::shared_ptr<Subscriber> events;
  };
  std::map<std::string, std::shared_ptr<Watcher>>& watchers() { return watchers_; }
  std::mutex& watchers_mutex() { return watchers_mutex_; }
  // Work that outlives its request (template builds); joined by stop().
  void run_in_background(std::function<void()> work);

 private:
  explicit Server(const Options& options) : options_(options), limiter_(options.calls_max) {}
  // Returns early when the server stops.
  void sleep(std::chrono::microseconds time);
  bool is_within_rate(Exchange& exchange, const Route* route);
  Status set_up();
  Status set_up_isolation(Registry::Isolation& isolation);
  Status try_isolation(const Registry::Isolation& isolation);
  void serve(Exchange& exchange);
  void dispatch(Exchange& exchange, const Route* route, std::vector<std::string> params, bool is_envd);
  bool enter_sandbox(Call& call, int port);
  Json record(const Request& request, const class ShapedExchange& shaped, const std::string& route,
              const std::string& sandbox_id, int64_t started_ns) const;

  const Options options_;
  ServerClock clock_;
  RateLimiter limiter_;
  FaultPlan faults_;
  Recorder recorder_;
  IdempotencyKeys idempotency_keys_;
  std::unique_ptr<TemplateStore> templates_;
  std::unique_ptr<NetworkManager> network_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<HttpServer> http_;
  std::vector<Route> control_, envd_, admin_;
  std::mutex watchers_mutex_;
  std::map<std::string, std::shared_ptr<Watcher>> watchers_;
  std::mutex background_mutex_;
  std::vector<std::thread> background_;
  std::mutex stop_mutex_;
  std::condition_variable stop_;
  bool stopped_ = false;
};

}  // namespace osiris::e2b_server

// The sandboxes of the control plane: their names, states and timeouts. A thread ends (or pauses) what has run out.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "servers/e2b/api.h"
#include "servers/e2b/network.h"
#include "servers/e2b/options.h"
#include "servers/e2b/sandbox.h"
#include "servers/e2b/sandbox_logs.h"
#include "servers/e2b/templates.h"
#include "servers/e2b/usage_samples.h"

namespace osiris::e2b_server {

enum class SandboxState { kRunning, kPaused };

// A copy of what is known of one sandbox at one moment.
struct SandboxInfo {
  std::string id;
  ImageSpec image;
  std::string token;          // empty: not secured
  std::string traffic_token;  // empty: public
  Json metadata = Json::object();
  Json envs = Json::object();  // of every process: E2B_* and the create request's
  Json network;                // as given, null when absent
  bool allow_internet = true;
  bool auto_pause = false;
  bool auto_pause_memory = true;  // false: an automatic pause keeps the files only
  bool auto_resume = false;
  Json request;           // the create's body
  int64_t timeout_s = 0;  // as first asked for
  bool changing = false;  // being paused, resumed or copied
  int64_t started_ns = 0;
  int64_t end_ns = 0;
  SandboxState state = SandboxState::kRunning;
  std::shared_ptr<Sandbox> sandbox;
};

struct CreateSpec {
  Json body;
  int64_t timeout_default_s = 300;
  bool secure_default = true;
};

// [any thread]
class Registry {
 public:
  // `isolation` is what the machine allows (probe_isolation).
  struct Isolation {
    bool namespaces = true;
    unsigned id_base = 0;
    std::string reason;  // why not more
  };
  Registry(const Options& options, const Isolation& isolation, ServerClock& clock, TemplateStore& templates,
           NetworkManager* network);
  ~Registry();
  // Kills every sandbox; creates fail from here on.
  void shut_down();

  Api<SandboxInfo> create(const CreateSpec& spec);
  // nullopt: unknown or being killed.
  std::optional<SandboxInfo> find(const std::string& id) const;
  std::optional<SandboxInfo> find_by_token_test(const std::function<bool(const SandboxInfo&)>& accepts) const;
  std::vector<SandboxInfo> list() const;
  bool kill(const std::string& id);

  // nullopt: done. Seconds from now.
  std::optional<ApiError> set_timeout(const std::string& id, int64_t timeout_s, bool extend_only);
  std::optional<ApiError> pause(const std::string& id, bool keep_memory);
  // True: it was paused.
  Api<bool> resume(const std::string& id, int64_t timeout_s, std::optional<bool> auto_pause = std::nullopt);
  std::optional<ApiError> set_network(const std::string& id, const Json& body);
  // A layer with a copy of the sandbox's files, for snapshots and forks.
  Api<std::filesystem::path> copy_files(const SandboxInfo& info);

  SandboxLogs& logs() { return logs_; }
  Api<Json> sample_metrics(const std::string& id);  // takes one sample and returns all
  void clock_jumped();
  uint64_t created_count() const;
  int64_t running_count() const;
  // A sandbox without a record, for probing and template builds. `directory` is the layer.
  Result<std::shared_ptr<Sandbox>> launch(const std::string& id, const std::filesystem::path& directory,
                                          bool own_network);
  std::filesystem::path fresh_directory(const std::string& id) const { return options_.data / "sandboxes" / id; }
  const Isolation& isolation() const { return isolation_; }
  // What tokens and signed addresses are made from.
  const std::string& seed() const { return seed_; }

 private:
  struct Record {
    SandboxInfo info;
    UsageSamples samples;
  };

  Api<SandboxInfo> describe(const CreateSpec& spec) const;
  std::optional<ApiError> check_room() const;
  std::optional<ApiError> bring_up(SandboxInfo& info);
  std::optional<ApiError> run_start_command(const SandboxInfo& info);
  int next_first_pid();
  void timer_loop();
  void expire(const std::string& id, bool pause_it);

  const Options& options_;
  const Isolation isolation_;
  const std::string seed_ = random_hex(32);
  ServerClock& clock_;
  TemplateStore& templates_;
  NetworkManager* const network_;  // null: every sandbox uses the machine's network
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Record> records_;
  SandboxLogs logs_;
  int64_t starting_ = 0;
  uint64_t created_ = 0;
  int64_t launches_ = 0;
  bool stopping_ = false;
  std::vector<std::weak_ptr<Sandbox>> launched_;  // for shut_down(): those without a record too
  std::thread timer_;
};

}  // namespace osiris::e2b_server

// A local E2B server for a test: the real binary in a process of its own, on a free port, with its data in a fresh
// directory. Killed with the object. Needs OSIRIS_BUILD_DIR (every osiris_test has it).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::e2b_server {

class ServerProcess {
 public:
  // More arguments, such as {"--create-ms", "150", "--rtt-ms", "80"}.
  static Result<ServerProcess> start(const std::vector<std::string>& arguments = {});
  ServerProcess(ServerProcess&& other) noexcept;
  ServerProcess& operator=(ServerProcess&&) = delete;
  ~ServerProcess();

  const std::string& url() const { return url_; }          // for E2B_API_URL and E2B_SANDBOX_URL
  const std::string& api_key() const { return api_key_; }  // for E2B_API_KEY
  const Json& ready_line() const { return ready_; }        // isolation, network, service_addresses
  const std::filesystem::path& data() const { return data_; }
  pid_t pid() const { return pid_; }
  bool has_namespaces() const { return ready_["isolation"].as_string() == "namespaces"; }

  // The record of what has ended, as it ended:
  // {"n","arrived","method","target","route","sandbox","status","request_bytes","response_bytes","headers",
  // "body","faults",...}. Pass the last "n" seen to get what came after.
  Json requests(int64_t since = 0) const;
  // The same by "arrived", with those that have not ended yet ("open": true).
  Json requests_by_arrival() const;
  void clear_requests() const;
  // How often a route ("POST /v2/sandboxes") was called.
  int64_t count(const std::string& route) const;

  // {"faults":[...]} or the array; replaces the plan. kInvalidArgument with the server's reason.
  Status set_faults(const Json& plan) const;
  void clear_faults() const;
  Json faults() const;  // [{"route","type","seen","hits"}]

  // Alive sandboxes with "hostPid", "directory", "metadata", "processes".
  Json sandboxes() const;
  // What the service keeps of a sandbox's log, its envd's lines included, as the logs endpoint gives it: one JSON text
  // a line. Also of a sandbox that has ended.
  std::string log_of(const std::string& sandbox_id) const;
  // The same of every sandbox that a request since clear_requests() was for.
  std::string logs() const;
  Json stats() const;  // {"created","live","connections"}
  void kill_sandbox(const std::string& id) const;
  void signal_process(const std::string& id, int pid, int number) const;
  void jump_clock(int64_t ms) const;

  // SIGTERM, then waits. The exit status.
  int stop();

 private:
  ServerProcess() = default;
  Json admin(const std::string& method, const std::string& path, const Json& body = {}) const;

  pid_t pid_ = -1;
  int out_ = -1;
  std::string url_;
  std::string api_key_;
  std::filesystem::path data_;
  Json ready_;
};

}  // namespace osiris::e2b_server

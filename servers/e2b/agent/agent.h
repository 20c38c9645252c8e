// The agent: process 1 of a sandbox, the server's hands inside it. It starts processes, reports their ends, stops and
// continues everything, and touches files, always within the sandbox's own root view, so that no link made inside can
// lead the server outside. Single-threaded; ends, and the sandbox with it, when the server closes the socket.
//
// Requests are {"id","op",...}, replies {"id","ok":{...}} or {"id","error":{"code","message"}} with the Connect code
// names; unasked events are {"event":"exit","pid","status"}.
#pragma once

#include <cstdint>
#include <string>

#include "protocol/base/json.h"
#include "servers/e2b/agent/message.h"

namespace osiris::e2b_server {

struct AgentConfig {
  int socket = 3;
  // Where namespaces are forbidden: the private directory that stands for /. "/home/user" and "/tmp" are looked up
  // below it.
  std::string prefix;
  // Whether other accounts than the agent's own can be taken on.
  bool can_switch_user = false;
  std::string default_user = "user";
};

// Returns when the server has closed the socket.
int run_agent(const AgentConfig& config);

struct AgentError {
  std::string code;  // a Connect code name
  std::string message;
};

struct Reply {
  Json ok = Json::object();
  std::vector<FileDescriptor> fds;
  std::optional<AgentError> error;

  static Reply failure(std::string code, std::string message) {
    Reply reply;
    reply.error = AgentError{std::move(code), std::move(message)};
    return reply;
  }
};

struct Account {
  std::string name;
  unsigned uid = 0;
  unsigned gid = 0;
  std::string home;
};
// By /etc/passwd of the sandbox. nullopt: no such account.
std::optional<Account> find_account(const AgentConfig& config, const std::string& name);
// What envd answers then.
Reply unknown_account(const std::string& name);
// "~", relative and, with a prefix, absolute paths to what the kernel understands.
std::string resolve_path(const AgentConfig& config, const Account& account, const std::string& path);
// The inverse of the prefix mapping: the path as a client sees it.
std::string shown_path(const AgentConfig& config, const std::string& path);

// agent/spawn.cc. The reply holds the pid and the descriptors [pty] or [stdin?, stdout, stderr].
Reply spawn_process(const AgentConfig& config, const Json& request);
// agent/files.cc
Reply file_operation(const AgentConfig& config, const std::string& op, const Json& request);
// agent/watch.cc. A child process that writes one JSON line per change into the descriptor of the reply.
Reply watch_directory(const AgentConfig& config, const Json& request);
// agent/dial.cc: a connection to "port", as a descriptor.
Reply dial_port(const Json& request);
// agent/entry.cc: the EntryInfo of a path, in proto3 JSON.
std::optional<Json> entry_info(const AgentConfig& config, const std::string& path);
// What clients stored with a file: its attributes user.e2b.*, without that prefix. {}: nothing, or the file system has
// no attributes.
Json metadata_of(const std::string& path);
// Replaces all of it. Empty: done, also where the file system has no attributes; otherwise the Connect code, with
// errno.
std::string replace_metadata(const std::string& path, const Json& metadata);

}  // namespace osiris::e2b_server

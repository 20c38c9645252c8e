// One shell command inside a sandbox, waited for.
#pragma once

#include <functional>
#include <string>

#include "servers/e2b/sandbox.h"

namespace osiris::e2b_server {

struct Command {
  std::string text;  // for /bin/bash -l -c
  std::string user;
  std::string cwd;  // empty: the user's home
  Json env = Json::object();
  std::chrono::milliseconds deadline = std::chrono::hours(1);
};

StartSpec shell_spec(const Command& command);

// How a command ended, in the words of E2B's template builder.
struct CommandEnd {
  bool was_run = false;  // false: it could not be started, or the sandbox went
  std::string
      failure;  // empty: it succeeded. "exit status 9", "signal: killed", "command failed: unauthenticated: ..."

  bool ok() const { return failure.empty(); }
};

// Output as it comes, both streams.
CommandEnd run_command(Sandbox& sandbox, const Command& command,
                       const std::function<void(std::string_view)>& on_output);

}  // namespace osiris::e2b_server

// One shell command inside a sandbox, waited for.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "tests/e2b_server/sandbox.h"

namespace osiris::e2b_server {

struct Command {
  std::string text;  // for /bin/bash -l -c
  std::string user;
  std::string cwd;   // empty: the user's home
  Json env = Json::object();
  std::chrono::milliseconds deadline = std::chrono::hours(1);
};

StartSpec shell_spec(const Command& command);

// Exit code (-1: by signal); nullopt: it could not be started, or the sandbox is gone. Output as it comes, both streams.
std::optional<int> run_command(Sandbox& sandbox, const Command& command, const std::function<void(std::string_view)>& on_output);

}  // namespace osiris::e2b_server

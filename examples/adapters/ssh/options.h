// The options of the adapter `ssh`.
#pragma once

#include <osiris/sdk.hpp>

#include <array>
#include <chrono>
#include <string>

namespace ssh_adapter {

namespace plugin = osiris::plugin;
namespace sdk = osiris::adapter_sdk;

struct Config : sdk::WorkerOptions {
  std::string host;       // [USER@]HOST
  int64_t port = 0;       // 0: as the user's configuration says
  std::string config;     // an ssh_config; empty: the user's
  std::string agent;      // the socket of the user's agent
  std::string directory;  // below the home directory there, or absolute
  std::string program;
  std::chrono::milliseconds connect_timeout{};
  std::chrono::milliseconds stall{};
};

constexpr plugin::Bound<Config> row(uint32_t type, std::string_view name, plugin::Target<Config> target,
                                    std::string_view help, std::string_view value_name = {},
                                    std::string_view otherwise = {}, std::string_view minimum = {},
                                    std::string_view maximum = {}, std::string_view shared_env = {}) {
  plugin::Bound<Config> made{type, name, target, help, value_name, otherwise, minimum, maximum};
  made.shared_env = shared_env;
  return made;
}

inline constexpr auto kRows = plugin::joined(
    sdk::worker_rows<Config>(),
    std::array<plugin::Bound<Config>, 8>{
        row(OSIRIS_TEXT, "host", &Config::host, "The machine, as you would name it to ssh", "[USER@]HOST"),
        row(OSIRIS_INT, "port", &Config::port, "Its port; without it what your ssh configuration says", "PORT", {}, "1",
            "65535"),
        row(OSIRIS_PATH, "config", &Config::config, "An ssh configuration to use in place of your own", "FILE"),
        row(OSIRIS_PATH, "agent", &Config::agent, "The socket of the agent that holds your keys", "SOCKET", {}, {}, {},
            "SSH_AUTH_SOCK"),
        row(OSIRIS_TEXT, "directory", &Config::directory,
            "Where osiris keeps the worker and the files of runs there, below the home directory or absolute", "DIR",
            ".osiris"),
        row(OSIRIS_PATH, "program", &Config::program, "The ssh client", "FILE", "/usr/bin/ssh"),
        row(OSIRIS_DURATION, "connect-timeout", &Config::connect_timeout, "How long a connection may take to come up",
            {}, "15", "1", "600"),
        row(OSIRIS_DURATION, "stall", &Config::stall, "How long the machine may be silent before the run fails", {},
            "120", "5", "3600"),
    });

}  // namespace ssh_adapter

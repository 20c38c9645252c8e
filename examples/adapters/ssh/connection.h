// Commands on another machine, over the system's OpenSSH client: one connection for all of them (ControlMaster), host
// keys verified, nothing ever asked of a person.
#pragma once

#include <osiris/sdk.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "options.h"

namespace ssh_adapter {

// `text` as one word of a POSIX shell.
std::string quoted(const std::string& text);

class Connection {
 public:
  // Asks the client what the user's configuration says of the host; no network.
  explicit Connection(const Config& config);
  // Ends the connection that open() made; the user's own stays.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Connects, where the user's configuration shares no connection of its own. Commands without it connect each by
  // itself.
  void open(const sdk::Child::GivesUp& gives_up);
  // Whether commands that start at the same time share one connection. Not where the first of them may be the one that
  // makes it, for the next (ControlMaster auto).
  bool is_shared() const { return !makes_master_; }
  // The client, to run `script` by /bin/sh there.
  sdk::Program command(const std::string& script) const;
  // Runs it to its end. Throws when it cannot be run, or ends with another status than 0.
  std::string run(const std::string& script, sdk::Milliseconds limit, const sdk::Child::GivesUp& gives_up) const;
  // What an ended client means: 255 is its own failure, anything else the script's.
  plugin::Failure failure(const sdk::Ending& ending, const std::string& errors, const std::string& doing) const;
  const std::string& name() const { return config_.host; }

 private:
  std::vector<std::string> arguments() const;

  const Config config_;
  std::vector<std::pair<std::string, std::string>> environment_;
  bool makes_master_ = false;
  std::string own_directory_;  // of the control socket; empty: the user's configuration has one
  std::optional<sdk::Child> master_;
};

}  // namespace ssh_adapter

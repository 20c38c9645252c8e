// Debian's sshd on a port of its own, with its own keys and configuration, and a client's configuration that reaches it
// under the name "far". Nothing of the tester's ~/.ssh is read, and nothing of the tester's ~/.bashrc: whoever logs in
// has an empty home directory.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/subprocess.h"
#include "protocol/base/temporary_directory.h"
#include "tests/e2e/project.h"

namespace osiris::ssh_tests {

class Sshd {
 public:
  // Keys and configurations are written below `directory`, which is also where osiris keeps its files "there".
  explicit Sshd(const std::filesystem::path& directory);
  ~Sshd();

  std::filesystem::path client_config() const { return directory_ / "client"; }
  std::filesystem::path login_key() const { return directory_ / "login"; }
  int port() const { return port_; }
  // The client goes to another port of loopback from now on, behind which this server is. `more`: lines of its
  // configuration.
  void reach_by(int port, const std::string& more = {});
  std::filesystem::path far_directory() const { return directory_ / "far"; }
  std::filesystem::path runs() const { return far_directory() / "runs"; }
  // The machine has another host key than the client knows; or it does not know the client's key.
  void show_other_host_key();
  void forget_host_key();  // no key of it is known
  void forget_logins();
  // The client's configuration names no key any more.
  void leave_the_key_to_an_agent();
  // Each command of a connection that is made from now on is handed to `program`, as SSH_ORIGINAL_COMMAND.
  void log_in_by(const std::filesystem::path& program) const;
  // Of connections that are made from now on: the programs that their shells start by name, each a word of the list.
  void watch_programs() const;
  std::vector<std::string> watched_programs() const;
  // Ends every process that serves a connection, as a machine that goes down does.
  void cut_connections() const;
  // Commands that it has run, of whatever connection.
  size_t sessions() const;
  // Workers of osiris below far_directory() that live.
  std::vector<pid_t> workers() const;
  // Names in a directory there.
  std::vector<std::string> names_in(const std::filesystem::path& directory) const;

 private:
  void make_key(const std::string& name) const;
  void know_host_key(const std::string& name) const;
  void authorize(const std::string& options) const;
  void start();

  const std::filesystem::path directory_;
  int port_ = 0;          // that it listens to
  int reached_by_ = 0;    // that the client goes to
  std::string identity_;  // of the client's configuration
  std::optional<Subprocess> process_;
};

// The client's own connection (ControlMaster), which the adapter uses where it stands: until this goes.
class StandingConnection {
 public:
  StandingConnection(Sshd& sshd, int port);

 private:
  const TemporaryDirectory directory_;
  std::optional<Subprocess> process_;
};

// An ssh-agent that holds the client's key.
class Agent {
 public:
  explicit Agent(const Sshd& sshd);
  std::filesystem::path socket() const { return directory_.path() / "a"; }

 private:
  const TemporaryDirectory directory_;
  std::optional<Subprocess> process_;
};

std::filesystem::path adapter_directory();
// The options by which osiris finds adapter and server.
std::vector<std::string> with_ssh(const Sshd& sshd, std::vector<std::string> arguments);

}  // namespace osiris::ssh_tests

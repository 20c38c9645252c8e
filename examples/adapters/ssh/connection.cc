#include "connection.h"

#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <sstream>
#include <string_view>

namespace ssh_adapter {
namespace {

std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  const size_t at = text.rfind('\n');
  return std::string(at == std::string_view::npos ? text : text.substr(at + 1));
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

Connection::Connection(const Config& config) : config_(config) {
  environment_ = sdk::worker_environment(sdk::home_directory());
  if (!config_.agent.empty()) environment_.emplace_back("SSH_AUTH_SOCK", config_.agent);
  sdk::Program program{config_.program, arguments(), environment_, {}};
  program.arguments.insert(program.arguments.begin(), "-G");
  program.arguments.push_back(config_.host);
  const sdk::Output said = sdk::run_program(program, {}, sdk::Milliseconds(10'000), {});
  if (!said.ending.success())
    throw plugin::Failure(OSIRIS_INVALID_ARGUMENT, "ssh cannot use its configuration: " + last_line(said.errors),
                          "Try: ssh -G " + config_.host);
  std::istringstream lines(said.output);
  bool has_path = false;
  for (std::string line; std::getline(lines, line);) {
    has_path |= line.rfind("controlpath ", 0) == 0 && line != "controlpath none";
    makes_master_ |=
        line.rfind("controlmaster ", 0) == 0 && line != "controlmaster false" && line != "controlmaster no";
  }
  if (has_path) return;  // the user's own connection is used
  makes_master_ = false;
  char made[] = "/tmp/osiris-ssh-XXXXXX";  // short: a socket's path holds 107 bytes
  if (!::mkdtemp(made)) throw plugin::Failure(OSIRIS_EXHAUSTED, "cannot make a directory in /tmp");
  own_directory_ = made;
}

Connection::~Connection() {
  master_.reset();
  if (own_directory_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(own_directory_, ignored);
}

// The master is a child of ours, so it ends with a killed host.
void Connection::open(const sdk::Child::GivesUp& gives_up) {
  if (own_directory_.empty() || master_) return;
  sdk::Program program{config_.program, arguments(), environment_, {}};
  program.arguments.insert(program.arguments.end(), {"-o", "ControlMaster=yes", "-N", config_.host});
  master_.emplace(program);
  const std::string socket = own_directory_ + "/c";
  const auto until = std::chrono::steady_clock::now() + config_.connect_timeout + std::chrono::seconds(5);
  std::error_code error;
  while (!std::filesystem::exists(socket, error)) {
    if (const auto ending = master_->wait(sdk::Milliseconds(5))) {
      const plugin::Failure why = failure(*ending, master_->errors(), "connect");
      master_.reset();
      throw why;
    }
    if (gives_up && gives_up()) throw plugin::Failure(OSIRIS_CANCELLED, "the run was cancelled");
    if (std::chrono::steady_clock::now() > until) {
      master_.reset();
      throw failure({false, 255}, "Connection timed out", "connect");
    }
  }
}

std::vector<std::string> Connection::arguments() const {
  std::vector<std::string> arguments;
  const auto option = [&](const std::string& text) { arguments.insert(arguments.end(), {"-o", text}); };
  if (!config_.config.empty()) arguments.insert(arguments.end(), {"-F", config_.config});
  if (config_.port != 0) arguments.insert(arguments.end(), {"-p", std::to_string(config_.port)});
  option("BatchMode=yes");
  option("StrictHostKeyChecking=yes");
  option("ConnectTimeout=" + std::to_string((config_.connect_timeout.count() + 999) / 1000));
  option("ServerAliveInterval=5");
  option("ServerAliveCountMax=3");
  for (const char* off : {"ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no", "PermitLocalCommand=no",
                          "RemoteCommand=none", "RequestTTY=no", "EscapeChar=none"})
    option(off);
  if (!own_directory_.empty()) {
    option("ControlPath=" + own_directory_ + "/c");
    option("ControlPersist=no");
  }
  return arguments;
}

sdk::Program Connection::command(const std::string& script) const {
  sdk::Program program{config_.program, arguments(), environment_, {}};
  // Whatever the user's shell is there, it reads these words alike.
  program.arguments.insert(program.arguments.end(), {config_.host, "exec /bin/sh -c " + quoted(script)});
  return program;
}

plugin::Failure Connection::failure(const sdk::Ending& ending, const std::string& errors,
                                    const std::string& doing) const {
  const std::string said = last_line(errors);
  const auto detail = [](const char* name) { return std::string(R"({"class":")") + name + "\"}"; };
  if (ending.signaled || ending.value != 255) {
    const bool full = has(errors, "No space left") || has(errors, "is the disk full") || has(errors, "quota exceeded");
    return {full ? OSIRIS_EXHAUSTED : OSIRIS_INTERNAL,
            "cannot " + doing + " on " + config_.host + ": " + (said.empty() ? ending.describe() : said),
            full ? "Make room there, or name another directory with --ssh-directory." : "",
            detail(full ? "QuotaExceeded" : "SandboxError")};
  }
  if (has(errors, "Host key verification failed") || has(errors, "host key"))
    return {OSIRIS_UNAUTHENTICATED, "the host key of " + config_.host + " is not the one that is known: " + said,
            "Compare it with what the machine's administrator says, then connect once by hand: ssh " + config_.host,
            detail("AuthError")};
  if (has(errors, "Permission denied") || has(errors, "Too many authentication failures"))
    return {OSIRIS_UNAUTHENTICATED, config_.host + " refused the login: " + said,
            "Try by hand: ssh -o BatchMode=yes " + config_.host + " true", detail("AuthError")};
  return {OSIRIS_UNAVAILABLE,
          "cannot " + doing + ": " + config_.host + " cannot be reached" + (said.empty() ? "" : ": " + said),
          "Is it up, and is the name right? Try: ssh " + config_.host + " true", detail("NetworkError")};
}

std::string Connection::run(const std::string& script, sdk::Milliseconds limit,
                            const sdk::Child::GivesUp& gives_up) const {
  const sdk::Output done = sdk::run_program(command(script), {}, limit + config_.connect_timeout, gives_up);
  if (!done.ending.success()) throw failure(done.ending, done.errors, "run a command");
  return done.output;
}

}  // namespace ssh_adapter

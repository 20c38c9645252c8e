#include "adapter.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <random>
#include <utility>

namespace ssh_adapter {
namespace {

constexpr sdk::Milliseconds kReleaseBudget{20'000};

// What can stand in a script without quotes.
bool is_plain_path(std::string_view path) {
  if (path.empty() || path.find("..") != path.npos || path.front() == '-') return false;
  for (const char c : path)
    if (!is_plain_name(std::string_view(&c, 1)) && c != '/' && c != '.') return false;
  return true;
}

std::string unique_word() {
  std::random_device random;
  const uint64_t number = (uint64_t{random()} << 32) | random();
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

// Paths in messages are the user's own, wherever the step ran; of a full disk it matters which.
plugin::Failure naming_disk(const plugin::Failure& failure, const std::string& host) {
  if (failure.message().find("No space left on device") == std::string::npos) return failure;
  return {failure.code(), failure.message() + " (the disk of " + host + ")", failure.hint(), failure.detail_json()};
}

std::string entry(const std::string& place) { return R"({"kind":"ssh.directory","id":)" + sdk::json_string(place); }

}  // namespace

SshAdapter::~SshAdapter() { release_quietly(); }

void SshAdapter::configure(const std::vector<plugin::Setting>& settings) {
  plugin::apply(kRows, settings, config_);
  run_.configure(config_, kOptions, settings);
}

void SshAdapter::check_options() const {
  if (config_.host.empty())
    throw plugin::Failure(OSIRIS_INVALID_ARGUMENT, "no machine is named", "Name one with --ssh-host [USER@]HOST.");
  bool is_name = config_.host.front() != '-';  // which would be an option of the client's
  for (const char c : config_.host) is_name &= c > ' ' && c < 127 && c != '\'' && c != '"' && c != '\\';
  if (!is_name) throw plugin::Failure(OSIRIS_INVALID_ARGUMENT, "\"" + config_.host + "\" is no name of a machine");
  if (!is_plain_path(config_.directory))
    throw plugin::Failure(OSIRIS_INVALID_ARGUMENT, "the directory \"" + config_.directory +
                                                       "\" holds other characters than letters, digits, /._-");
  if (::access(config_.program.c_str(), X_OK) != 0)
    throw plugin::Failure(OSIRIS_NOT_FOUND, "the ssh client " + config_.program + " cannot be executed",
                          "Install OpenSSH's client, or name one with --ssh-program.");
}

void SshAdapter::validate(const plugin::Request& request) {
  check_options();
  run_.validate(request, sdk::Files::kTravel);
}

FarSide& SshAdapter::far_side() {
  if (!far_) far_ = std::make_unique<FarSide>(config_, [this] { return run_.is_cancelled(); });
  return *far_;
}

void SshAdapter::acquire(const plugin::Request& request) {
  check_options();
  FarSide& far = far_side();
  const std::string id(request.run_id), owner = sdk::json_member(request.settings_json, "owner_id");
  if (!is_plain_name(id)) throw plugin::Failure(OSIRIS_INVALID_ARGUMENT, "the run id " + id + " is no name of a file");
  // One of its own, whatever else runs there under the same id: another attempt, another user's machine.
  const std::string run = id + "." + unique_word();
  const std::string cleanup = "ssh " + config_.host + " rm -rf " + place_of(run);
  host().event("resource_acquired",
               entry(place_of(run)) + R"(,"expires":"","cleanup":)" + sdk::json_string(cleanup) + "}");
  held_run_ = run;
  far.enter(run, request, is_plain_name(owner) ? owner : "unknown", run_.waker());
}

plugin::RunResult SshAdapter::execute(const plugin::Request& request) {
  try {
    acquire(request);
    FarSide& far = far_side();
    const std::string directory = far.root() + "/runs/" + held_run_;
    const sdk::Elsewhere where{
        "on " + config_.host,
        far.home(),
        far.root(),
        directory,
        far.has_worker(),
        config_.stall,
        far,
        [&](const std::string& script) { return far.start(script, directory, request, run_.waker()); },
        false};
    plugin::RunResult result = run_.run_elsewhere(request, where);
    if (result.failure) result.failure.emplace(naming_disk(*result.failure, config_.host));
    if (result.failure && result.failure->code() != OSIRIS_RUN_FAILED) release_quietly();
    return result;
  } catch (...) {
    release_quietly();
    throw;
  }
}

std::string SshAdapter::collect(const plugin::Request& request) {
  if (!held_run_.empty()) {
    try {
      run_.fetch(request, far_side());
    } catch (...) {
      release_quietly();
      throw;
    }
    release();
  }
  return run_.collect(request, released_);
}

void SshAdapter::release() {
  if (held_run_.empty()) return;
  const std::string place = place_of(held_run_);
  far_side().remove_run(std::exchange(held_run_, {}), kReleaseBudget);
  host().event("resource_released", entry(place) + R"(,"verified":true})");
  released_ = "[" + entry(place) + R"(,"verified":true}])";
}

void SshAdapter::release_quietly() noexcept {
  try {
    release();
  } catch (const plugin::Failure& failure) {
    host().log(OSIRIS_ERROR, failure.message());
  } catch (...) {
    host().log(OSIRIS_ERROR, "the directory of the run could not be removed");
  }
}

}  // namespace ssh_adapter

OSIRIS_PLUGIN(ssh_adapter::SshAdapter)
OSIRIS_LIBRARY_INFO("ssh", "0.1.0", "gcc " __VERSION__)

#include "plugins/e2b/sandbox_session.h"

#include <fcntl.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris::e2b {
namespace {

constexpr int kCreateAttemptsMax = 3;
// A create that was given up for its slowness may still make a sandbox; so long, at the end of the run, it is looked for.
constexpr http::Milliseconds kLateMax{10'000};

std::string random_token() {
  char bytes[16] = {};
  const int fd = ::open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  const ssize_t got = fd < 0 ? -1 : ::read(fd, bytes, sizeof bytes);
  if (fd >= 0) ::close(fd);
  if (got != sizeof bytes) return std::to_string(system_clock().unix_ns());
  return to_hex(std::string_view(bytes, sizeof bytes));
}

// After these the service may have made a sandbox although it did not say so: no answer, a 5xx, or an answer that cannot be read.
// A 4xx says that it did nothing.
bool leaves_doubt(const Error& error) {
  const FailureClass failure = failure_class_of(error);
  const int status = http_status_of(error);
  if (failure != FailureClass::kNetworkError && failure != FailureClass::kSandboxError && failure != FailureClass::kCreationTimeout) return false;
  return status < 400 || status >= 500;
}

void sleep_uninterrupted(http::Milliseconds wait) { std::this_thread::sleep_for(wait); }

int64_t elapsed_ms(int64_t since_ns) { return (system_clock().monotonic_ns() - since_ns) / 1'000'000; }

}  // namespace

SandboxSession::~SandboxSession() {
  if (lease_) lease_->stop();
}

void SandboxSession::on_lost(std::function<void(const Error&)> lost) {
  const std::lock_guard lock(mutex_);
  lost_ = std::move(lost);
}

Result<Sandbox> SandboxSession::create(const Wanted& wanted) {
  SandboxSpec spec;
  spec.template_id = wanted.template_id;
  spec.lease_s = context_.config.lease_s;
  spec.metadata = wanted.metadata;
  spec.metadata[meta::kToken] = random_token();
  spec.network = wanted.egress.network();
  spec.internet = wanted.egress.internet;
  token_ = {{meta::kToken, spec.metadata[meta::kToken]}};
  OSIRIS_TRY(context_.journal.write("creating", Json::object({{"token", spec.metadata[meta::kToken]}, {"template", spec.template_id}})));

  const http::Milliseconds budget(context_.config.retry_budget_ms);
  for (int attempt = 1;; ++attempt) {
    auto created = create_sandbox(context_.api, spec, {.wait = http::Milliseconds(context_.config.create_timeout_ms), .cancelled = &context_.cancelled});
    if (created) return created;
    const Error error = after_attempts(created.error(), attempt);
    // No answer, though the request went out: it may still be on its way to making one.
    if (http_status_of(error) == 0) late_until_ = std::chrono::steady_clock::now() + std::min(http::Milliseconds(context_.config.create_timeout_ms), kLateMax);
    if (context_.cancelled) {
      doubtful_ = true;
      return Error(Code::kCancelled, "the run was cancelled while its sandbox was being created");
    }
    if (!leaves_doubt(error)) return error;
    doubtful_ = true;
    auto found = find_by_metadata(context_.api, token_);
    if (found && !found->empty()) {
      context_.host.log(OSIRIS_INFO, "the reply to creating sandbox " + found->front().id + " was lost; it was found by its metadata");
      if (attempt == 1) late_until_ = {};  // the one create there was is accounted for
      // A list names no token of the sandbox's envd; connecting does.
      auto connected = connect_sandbox(context_.api, found->front().id, spec.lease_s);
      if (connected || attempt >= kCreateAttemptsMax) return connected;
      context_.host.log(OSIRIS_WARN, connected.error().message + "; another one is created, and both are killed at the end");
      continue;
    }
    const http::Milliseconds pause = std::max(http::Milliseconds(250 << attempt), retry_after_of(error));
    if (attempt >= kCreateAttemptsMax || pause > budget) return error;
    context_.host.log(OSIRIS_WARN, error.message + "; trying again");
    if (!context_.sleep(pause)) return Error(Code::kCancelled, "the run was cancelled");
  }
}

Result<std::optional<Sandbox>> SandboxSession::take_kept(const Wanted& wanted) {
  OSIRIS_ASSIGN(const std::vector<Sandbox> kept,
                find_by_metadata(context_.api, {{meta::kOwner, wanted.metadata.at(meta::kOwner)}, {meta::kKeep, wanted.keep_key}}));
  for (const Sandbox& candidate : kept) {
    if (candidate.state != "running") continue;
    OSIRIS_ASSIGN(std::optional<KeepFile> file, KeepFile::lock(wanted.keep_directory, candidate.id));
    if (!file) continue;  // two runs of one pipeline at once: the second one gets a sandbox of its own
    auto connected = connect_sandbox(context_.api, candidate.id, context_.config.lease_s);
    if (!connected) continue;
    keep_file_ = std::move(file);
    return std::optional(*std::move(connected));
  }
  return std::optional<Sandbox>();
}

Status SandboxSession::acquire(const Wanted& wanted) {
  const int64_t started_ns = system_clock().monotonic_ns();
  if (!wanted.keep_key.empty() && wanted.reuse) {
    OSIRIS_ASSIGN(std::optional<Sandbox> kept, take_kept(wanted));
    reused_ = kept.has_value();
    sandbox_ = std::move(kept);
  }
  if (!sandbox_) {
    OSIRIS_ASSIGN(sandbox_, create(wanted));
    if (!wanted.keep_key.empty()) {
      OSIRIS_ASSIGN(keep_file_, KeepFile::lock(wanted.keep_directory, sandbox_->id));
    }
  }
  const std::string& id = sandbox_->id;
  announce(id);
  OSIRIS_TRY(context_.journal.write("created", Json::object({{"id", id}, {"reused", reused_}})));
  context_.host.event("sandbox_created", {},
                      Json::object({{"sandbox_id", id}, {"template", wanted.template_id}, {"reused", reused_},
                                    {"lease_s", context_.config.lease_s}, {"duration_ms", elapsed_ms(started_ns)}}));
  lease_ = std::make_unique<Lease>(
      context_.lease_api, id, context_.config.lease_s,
      [this](const Error& error) {
        const std::lock_guard lock(mutex_);
        if (lost_) lost_(error);
      },
      [host = context_.host](const std::string& text) { host.log(OSIRIS_WARN, text); });
  return {};
}

void SandboxSession::announce(const std::string& id) const {
  const int64_t expires_ns = system_clock().unix_ns() + context_.config.lease_s * 1'000'000'000;
  context_.host.event("resource_acquired", {},
                      Json::object({{"kind", "sandbox"}, {"id", id}, {"expires", format_iso8601_micros(expires_ns)},
                                    {"cleanup", "osiris resources release " + id + " --adapter e2b"}}));
}

Status SandboxSession::kill(const std::string& id) {
  // Clean-up goes on after a cancel, so its waits are not the cancellable ones.
  const Status killed = kill_and_verify(context_.api, id, http::Milliseconds(context_.config.retry_budget_ms), sleep_uninterrupted);
  if (killed) return {};
  Error error = killed.error();
  error.message += "; sandbox " + id + " may live until its lease ends (" + std::to_string(context_.config.lease_s) + " s at most)";
  error.hint = "Run `osiris resources reap --adapter e2b`.";
  return error;
}

// What the creates in doubt have made, beside the sandbox that is known.
Result<std::vector<std::string>> SandboxSession::find_doubles() {
  constexpr int kAttemptsMax = 4;
  for (int attempt = 1;; ++attempt) {
    auto found = find_by_metadata(context_.api, token_);
    if (found) {
      std::vector<std::string> ids;
      for (const Sandbox& extra : *found) {
        if (sandbox_ && extra.id == sandbox_->id) continue;
        announce(extra.id);
        ids.push_back(extra.id);
      }
      if (!ids.empty() || std::chrono::steady_clock::now() >= late_until_) return ids;
      sleep_uninterrupted(http::Milliseconds(250));
      attempt = 0;
      continue;
    }
    if (attempt == kAttemptsMax) {
      Error error = found.error();
      error.message += "; so a sandbox of this run whose creation was in doubt may live until its lease ends (" +
                       std::to_string(context_.config.lease_s) + " s at most)";
      error.hint = "Run `osiris resources reap --adapter e2b`.";
      return error;
    }
    sleep_uninterrupted(std::max(http::Milliseconds(100 << attempt), std::min(retry_after_of(found.error()), http::Milliseconds(5'000))));
  }
}

Status SandboxSession::release(Json& released, bool keep) {
  if (released_) return {};
  released_ = true;
  if (lease_) lease_->stop();
  std::optional<Error> failure;
  std::vector<std::string> ids;
  if (sandbox_) ids.push_back(sandbox_->id);
  if (doubtful_) {
    // A create whose reply was lost may have made a second one.
    const auto doubles = find_doubles();
    if (doubles) ids.insert(ids.end(), doubles->begin(), doubles->end());
    else failure = doubles.error();
  }
  for (const std::string& id : ids) {
    const bool kept = keep && sandbox_ && id == sandbox_->id && renew_lease(context_.api, id, context_.config.lease_s, {}).ok();
    const int64_t started_ns = system_clock().monotonic_ns();
    const Status done = kept ? Status() : kill(id);
    if (!done) failure = done.error();
    const std::string outcome = kept ? "kept" : done ? "released" : "unreleased";
    const Status journaled = context_.journal.write(outcome, Json::object({{"id", id}, {"verified", done.ok() && !kept}}));
    if (!journaled) context_.host.log(OSIRIS_WARN, journaled.error().message);
    if (kept && keep_file_) {
      if (const Status noted = keep_file_->remember(left_files_); !noted) context_.host.log(OSIRIS_WARN, noted.error().message);
    } else if (done && keep_file_ && sandbox_ && id == sandbox_->id) {
      keep_file_->remove();
    }
    if (kept) {
      context_.host.event("sandbox_kept", {}, Json::object({{"sandbox_id", id}, {"lease_s", context_.config.lease_s}}));
    } else if (done) {
      context_.host.event("sandbox_killed", {}, Json::object({{"sandbox_id", id}, {"verified", true}, {"duration_ms", elapsed_ms(started_ns)}}));
      context_.host.event("resource_released", {}, Json::object({{"kind", "sandbox"}, {"id", id}, {"verified", true}}));
    }
    Json entry = Json::object({{"kind", "sandbox"}, {"id", id}, {"verified", done.ok() && !kept}});
    if (kept) entry.set("kept", true);
    released.push_back(std::move(entry));
  }
  if (failure) return *failure;
  return {};
}

}  // namespace osiris::e2b

#include "plugins/e2b/sandbox_session.h"

#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris::e2b {
namespace {

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
  spec.network = wanted.egress.network();
  spec.internet = wanted.egress.internet;
  return creation_.create(std::move(spec));
}

Result<std::optional<Sandbox>> SandboxSession::take_kept(const Wanted& wanted) {
  OSIRIS_ASSIGN(const std::vector<Sandbox> kept,
                find_by_metadata(context_.api, {{meta::kOwner, wanted.metadata.at(meta::kOwner)}, {meta::kKeep, wanted.keep_key}}));
  for (const Sandbox& candidate : kept) {
    const auto run = candidate.metadata.find(meta::kRun);
    if (candidate.state != "running" || run == candidate.metadata.end()) continue;
    OSIRIS_ASSIGN(std::optional<sdk::KeepFile> file, sdk::KeepFile::open(wanted.keep_directory, run->second));
    if (!file) continue;  // in use by another run of this pipeline, or kept by another machine: this run gets a sandbox of its own
    auto memory = file->memory();
    if (!memory || memory->sandbox_id != candidate.id) {
      give_up_abandoned(candidate.id, *file);
      continue;
    }
    OSIRIS_TRY(file->forget());
    auto connected = connect_sandbox(context_.api, candidate.id, context_.config.lease_s);
    if (!connected) continue;
    keep_file_ = std::move(file);
    kept_files_ = std::move(memory->files);
    return std::optional(*std::move(connected));
  }
  return std::optional<Sandbox>();
}

// Its run died with it: nobody knows what is in it, the worker may be missing, and if it is there it may still be at work.
void SandboxSession::give_up_abandoned(const std::string& id, sdk::KeepFile& file) {
  const std::string why = "the run that held it died";
  const Status killed = kill_sandbox(context_.api, id, {.wait = context_.api.config().timeouts.total, .cancelled = &context_.cancelled});
  if (!killed) return context_.host.log(OSIRIS_WARN, "sandbox " + id + " is left to its lease: " + why + ", and " + killed.error().message);
  if (!file.memory()) file.remove();
  const Status journaled = context_.journal.write("released", Json::object({{"id", id}, {"verified", false}}));
  if (!journaled) context_.host.log(OSIRIS_WARN, journaled.error().message);
  context_.host.event("sandbox_replaced", {}, Json::object({{"sandbox_id", id}, {"attempt", 1}, {"error", why}}));
}

Status SandboxSession::acquire(const Wanted& wanted) {
  const int64_t started_ns = system_clock().monotonic_ns();
  if (!wanted.keep_key.empty() && wanted.reuse) {
    OSIRIS_ASSIGN(std::optional<Sandbox> kept, take_kept(wanted));
    reused_ = kept.has_value();
    sandbox_ = std::move(kept);
  }
  if (!sandbox_) {
    // Before it exists: nobody else may find it and think that it was left.
    if (!wanted.keep_key.empty()) {
      OSIRIS_ASSIGN(keep_file_, sdk::KeepFile::create(wanted.keep_directory, wanted.metadata.at(meta::kRun)));
    }
    OSIRIS_ASSIGN(sandbox_, create(wanted));
  }
  const std::string& id = sandbox_->id;
  announce(id);
  OSIRIS_TRY(context_.journal.write("created", Json::object({{"id", id}, {"reused", reused_}})));
  context_.host.event("sandbox_created", {},
                      Json::object({{"sandbox_id", id}, {"template", wanted.template_id}, {"reused", reused_},
                                    {"lease_s", context_.config.lease_s}, {"duration_ms", elapsed_ms(started_ns)}}));
  LeaseListener listener;
  listener.lost = [this](const Error& error) {
    const std::lock_guard lock(mutex_);
    if (lost_) lost_(error);
  };
  listener.limited = [this](const sdk::Lifetime::Limit& limit, int64_t left_s) { tell_limit(sandbox_->id, limit, left_s); };
  listener.log = [this](const std::string& text) { context_.host.log(OSIRIS_WARN, text); };
  lease_ = std::make_unique<Lease>(context_.lease_api, id, context_.config.lease_s, creation_.birth(), std::move(listener));
  if (creation_.has_doubles()) {
    if (const Status released = release_doubles(); !released) context_.host.log(OSIRIS_WARN, released.error().message);
  }
  return {};
}

// From the lease's thread. An event only while somebody listens: none may come after the stage it belongs to.
void SandboxSession::tell_limit(const std::string& id, const sdk::Lifetime::Limit& limit, int64_t left_s) {
  context_.host.log(OSIRIS_WARN, "the plan ends sandboxes after " + sdk::spoken_duration(limit.life_s) + ": sandbox " + id + ", and this run with it, has " +
                                     sdk::spoken_duration(left_s) + " left",
                    Json::object({{"notice", true}}));
  const std::lock_guard lock(mutex_);
  if (lost_) context_.host.event("sandbox_limited", {}, Json::object({{"sandbox_id", id}, {"life_s", limit.life_s}, {"left_s", left_s}}));
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
Status SandboxSession::release_doubles() {
  OSIRIS_ASSIGN(const std::vector<Sandbox> doubles, creation_.find_doubles(sandbox_ ? sandbox_->id : ""));
  Status status;
  for (const Sandbox& extra : doubles) {
    announce(extra.id);
    if (const Status released = release_one(extra.id, false); !released) status = released;
  }
  return status;
}

Status SandboxSession::release_one(const std::string& id, bool keep) {
  const bool is_own = sandbox_ && id == sandbox_->id;
  const bool kept = keep && renew_lease(context_.api, id, context_.config.lease_s, {}).ok();
  const int64_t started_ns = system_clock().monotonic_ns();
  const Status done = kept ? Status() : kill(id);
  const std::string outcome = kept ? "kept" : done ? "released" : "unreleased";
  const Status journaled = context_.journal.write(outcome, Json::object({{"id", id}, {"verified", done.ok() && !kept}}));
  if (!journaled) context_.host.log(OSIRIS_WARN, journaled.error().message);
  if (kept && keep_file_) {
    if (const Status noted = keep_file_->remember({id, left_files_}); !noted) context_.host.log(OSIRIS_WARN, noted.error().message);
  } else if (done && keep_file_ && is_own) {
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
  entries_.push_back(std::move(entry));
  return done;
}

Status SandboxSession::release(Json& released, bool keep) {
  if (released_) return {};
  released_ = true;
  if (lease_) lease_->stop();
  Status status;
  if (sandbox_) status = release_one(sandbox_->id, keep);
  // A create whose reply was lost may have made a second one.
  if (creation_.is_in_doubt()) {
    if (const Status doubles = release_doubles(); !doubles) status = doubles;
  }
  for (const Json& entry : entries_.items()) released.push_back(entry);
  return status;
}

}  // namespace osiris::e2b

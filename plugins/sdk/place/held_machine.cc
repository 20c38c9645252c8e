#include "plugins/sdk/place/held_machine.h"

#include <future>

#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "protocol/base/quantity.h"
#include "protocol/base/text.h"
#include "protocol/base/thread.h"

namespace osiris::sdk {
namespace {

int64_t elapsed_ms(int64_t since_ns) { return (system_clock().monotonic_ns() - since_ns) / 1'000'000; }

}  // namespace

HeldMachine::~HeldMachine() {
  if (lease_) lease_->stop();
}

void HeldMachine::listen(std::function<void(const Error&)> lost) {
  const std::lock_guard lock(mutex_);
  lost_ = std::move(lost);
}

Result<std::optional<Machine>> HeldMachine::take_kept(const Request& request) {
  OSIRIS_ASSIGN(
      const std::vector<Machine> kept,
      context_.place.find({{meta::kOwner, request.wanted.metadata.at(meta::kOwner)}, {meta::kKeep, request.keep_key}}));
  for (const Machine& candidate : kept) {
    const auto run = candidate.metadata.find(meta::kRun);
    if (!candidate.is_running || run == candidate.metadata.end()) continue;
    OSIRIS_ASSIGN(std::optional<KeepFile> file, KeepFile::open(request.keep_directory, run->second));
    if (!file)
      continue;  // in use by another run of this pipeline, or kept by another machine: this run gets a machine of its
                 // own
    auto memory = file->memory();
    if (!memory || memory->machine_id != candidate.id) {
      give_up_abandoned(candidate.id, *file);
      continue;
    }
    OSIRIS_TRY(file->forget());
    auto connected = context_.place.take_over(candidate.id, context_.settings.lease_s());
    if (!connected) continue;
    keep_file_ = std::move(file);
    kept_files_ = std::move(memory->files);
    return std::optional(*std::move(connected));
  }
  return std::optional<Machine>();
}

// Its run died with it: its content is unknown, the worker may be missing, and if it is there it may still be at
// work.
void HeldMachine::give_up_abandoned(const std::string& id, KeepFile& file) {
  const std::string why = "the run that held it died";
  const Status killed =
      context_.place.kill(id, {.wait = context_.place.request_timeout(), .cancelled = &context_.cancelled});
  if (!killed)
    return context_.host.log(OSIRIS_WARN,
                             noun_ + " " + id + " is left to its lease: " + why + ", and " + killed.error().message);
  if (!file.memory()) file.remove();
  const Status journaled = context_.journal.write("released", Json::object({{"id", id}, {"verified", false}}));
  if (!journaled) context_.host.log(OSIRIS_WARN, journaled.error().message);
  context_.host.event(noun_ + "_replaced", {}, Json::object({{noun_ + "_id", id}, {"attempt", 1}, {"error", why}}));
}

Status HeldMachine::acquire(const Request& request) {
  const int64_t started_ns = system_clock().monotonic_ns();
  if (!request.keep_key.empty() && request.reuse) {
    OSIRIS_ASSIGN(std::optional<Machine> kept, take_kept(request));
    reused_ = kept.has_value();
    machine_ = std::move(kept);
  }
  if (!machine_) {
    // Before it exists: no other run may find it and take it for a leftover.
    if (!request.keep_key.empty()) {
      OSIRIS_ASSIGN(keep_file_, KeepFile::create(request.keep_directory, request.wanted.metadata.at(meta::kRun)));
    }
    OSIRIS_ASSIGN(machine_, creation_.create(request.wanted));
  }
  OSIRIS_TRY(hold(request.wanted.template_id, started_ns, creation_.create_times(),
                  Json::object({{"id", machine_->id}, {"reused", reused_}})));
  if (creation_.has_doubles()) {
    if (const Status released = release_doubles(); !released) context_.host.log(OSIRIS_WARN, released.error().message);
  }
  return {};
}

Status HeldMachine::adopt(Machine machine, const HeldMachine& parent,
                          const std::optional<Lifetime::CreateTimes>& times) {
  machine_ = std::move(machine);
  siblings_ = parent.siblings_;
  return hold(parent.machine().id, times ? times->asked_ns : system_clock().monotonic_ns(), times,
              Json::object({{"id", machine_->id}, {"reused", false}, {"made_of", parent.machine().id}}));
}

Status HeldMachine::hold(const std::string& template_id, int64_t started_ns,
                         const std::optional<Lifetime::CreateTimes>& create_times, const Json& journaled) {
  const std::string& id = machine_->id;
  siblings_->add(id);
  // The disk takes as long for both as for one.
  auto written = begin_async_or_later([&] { return context_.journal.write("created", journaled); });
  announce(id);
  OSIRIS_TRY(written.get());
  context_.host.event(noun_ + "_created", {},
                      Json::object({{noun_ + "_id", id},
                                    {"template", template_id},
                                    {"reused", reused_},
                                    {"lease_s", context_.settings.lease_s()},
                                    {"duration_ms", elapsed_ms(started_ns)}}));
  LeaseListener listener;
  listener.lost = [this](const Error& error) {
    const std::lock_guard lock(mutex_);
    if (lost_) lost_(error);
  };
  listener.limited = [this](const Lifetime::Limit& limit, int64_t left_s) { tell_limit(machine_->id, limit, left_s); };
  listener.log = [this](const std::string& text) { context_.host.log(OSIRIS_WARN, text); };
  OSIRIS_ASSIGN(lease_,
                Lease::begin(context_.place, id, context_.settings.lease_s(), create_times, std::move(listener)));
  return {};
}

// From the lease's thread. An event only while a stage is running: none may come after the stage it belongs to.
void HeldMachine::tell_limit(const std::string& id, const Lifetime::Limit& limit, int64_t left_s) {
  context_.host.log(OSIRIS_WARN,
                    "the plan ends " + std::string(context_.place.service().plural()) + " after " +
                        spoken_duration(limit.life_s) + ": " + noun_ + " " + id + ", and this run with it, has " +
                        spoken_duration(left_s) + " left",
                    Json::object({{"notice", true}}));
  const std::lock_guard lock(mutex_);
  if (lost_)
    context_.host.event(noun_ + "_limited", {},
                        Json::object({{noun_ + "_id", id}, {"life_s", limit.life_s}, {"left_s", left_s}}));
}

void HeldMachine::announce(const std::string& id) const {
  const int64_t expires_ns = system_clock().unix_ns() + context_.settings.lease_s() * 1'000'000'000;
  context_.host.event("resource_acquired", {},
                      Json::object({{"kind", noun_},
                                    {"id", id},
                                    {"expires", format_iso8601_micros(expires_ns)},
                                    {"cleanup", "osiris resources release " + id + " --adapter " +
                                                    std::string(context_.place.service().id())}}));
}

Status HeldMachine::kill(const std::string& id) {
  const Status killed = kill_and_verify(context_.place, id, context_.settings.retry_budget);
  if (killed) return {};
  Error error = killed.error();
  error.message += "; " + noun_ + " " + id + " may live until its lease ends (" +
                   std::to_string(context_.settings.lease_s()) + " s at most)";
  error.hint = "Run `osiris resources reap --adapter " + std::string(context_.place.service().id()) + "`.";
  return error;
}

// What the creates in doubt have made, beside the machine that is known.
Status HeldMachine::release_doubles() {
  OSIRIS_ASSIGN(const std::vector<Machine> doubles,
                creation_.find_doubles([this](const std::string& id) { return siblings_->has(id); }));
  Status status;
  for (const Machine& extra : doubles) {
    announce(extra.id);
    if (const Status released = release_one(extra.id, false); !released) status = released;
  }
  return status;
}

Status HeldMachine::release_one(const std::string& id, bool keep) {
  const bool is_own = machine_ && id == machine_->id;
  const int64_t lease_s = context_.settings.lease_s();
  const bool kept =
      keep && context_.place.affordable_lease_s(id, lease_s) >= lease_s && context_.place.renew(id, lease_s, {}).ok();
  const int64_t started_ns = system_clock().monotonic_ns();
  const Status done = kept ? Status() : kill(id);
  const std::string outcome = kept ? "kept" : done ? "released" : "unreleased";
  auto written = begin_async_or_later(
      [&] { return context_.journal.write(outcome, Json::object({{"id", id}, {"verified", done.ok() && !kept}})); });
  if (kept && keep_file_) {
    if (const Status noted = keep_file_->remember({id, left_files_}); !noted)
      context_.host.log(OSIRIS_WARN, noted.error().message);
  } else if (done && keep_file_ && is_own) {
    keep_file_->remove();
  }
  if (kept) {
    context_.host.event(noun_ + "_kept", {},
                        Json::object({{noun_ + "_id", id}, {"lease_s", context_.settings.lease_s()}}));
  } else if (done) {
    context_.host.event(
        noun_ + "_killed", {},
        Json::object({{noun_ + "_id", id}, {"verified", true}, {"duration_ms", elapsed_ms(started_ns)}}));
    context_.host.event("resource_released", {}, Json::object({{"kind", noun_}, {"id", id}, {"verified", true}}));
  }
  if (const Status journaled = written.get(); !journaled) context_.host.log(OSIRIS_WARN, journaled.error().message);
  Json entry = Json::object({{"kind", noun_}, {"id", id}, {"verified", done.ok() && !kept}});
  if (kept) entry.set("kept", true);
  entries_.push_back(std::move(entry));
  return done;
}

Status HeldMachine::release(Json& released, bool keep) {
  if (released_) return {};
  released_ = true;
  if (lease_) lease_->stop();
  Status status;
  if (machine_) status = release_one(machine_->id, keep);
  // A create whose reply was lost may have made a second one.
  if (creation_.is_in_doubt()) {
    if (const Status doubles = release_doubles(); !doubles) status = doubles;
  }
  for (const Json& entry : entries_.items()) released.push_back(entry);
  return status;
}

}  // namespace osiris::sdk

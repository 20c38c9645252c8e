// One machine of one run, from the intent to have it to the proof that it is gone.
//
// The intent is journaled first and travels as metadata (creation.h), so that a machine whose create reply was lost is
// found by it. While the run goes on a lease is renewed; release() kills and verifies, or, kept for the next run,
// renews one last time.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/place/creation.h"
#include "plugins/sdk/place/journal.h"
#include "plugins/sdk/place/keep_file.h"
#include "plugins/sdk/place/lease.h"
#include "plugins/sdk/place/place.h"
#include "plugins/sdk/place/remote_settings.h"

namespace osiris::sdk {

// All are borrowed.
struct HoldContext {
  const Host& host;
  const RemoteSettings& settings;
  Place& place;
  Journal& journal;
  std::function<bool(Milliseconds)> sleep;  // false: cancelled
  const std::atomic<bool>& cancelled;
};

// Ids of machines that have one token: one, and those that were made of it. [any thread]
class Siblings {
 public:
  void add(const std::string& id) {
    const std::lock_guard lock(mutex_);
    ids_.insert(id);
  }
  bool has(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    return ids_.count(id) > 0;
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> ids_;
};

class HeldMachine {
 public:
  explicit HeldMachine(HoldContext context)
      : context_(std::move(context)), noun_(context_.place.service().noun()), creation_(context_) {}
  ~HeldMachine();

  struct Request {
    MachineSpec wanted;
    std::string keep_key;        // not empty: keep this one under it
    bool reuse = true;           // take one over that was kept under the key
    std::string keep_directory;  // of this user, for what is remembered of kept machines
  };
  // Creates a machine, or takes a kept one over. Announces it to the host before anything else is done with it.
  Status acquire(const Request& request);

  // Holds a machine that was made of `parent` and is not known to any HeldMachine yet, as if it had been acquired.
  // `times`: of the call that made it; none: it was found.
  Status adopt(Machine machine, const HeldMachine& parent, const std::optional<Lifetime::CreateTimes>& times);
  // Before machines are made of this one: its hunt for doubles leaves those alone that are among the siblings.
  std::shared_ptr<Siblings> siblings() const { return siblings_; }
  // Machines may have been made of this one that nothing has named: they are looked for and ended with it.
  void doubt_clones() { creation_.doubt(); }

  const Machine& machine() const { return *machine_; }
  bool is_held() const { return machine_.has_value() && !released_; }
  bool was_kept() const { return reused_; }
  // The service's age limit, if the machine has reached it.
  std::optional<Lifetime::Limit> limit_reached() const { return lease_ ? lease_->limit_reached() : std::nullopt; }
  // For as long as it lives, `lost` is called from the lease's thread when the machine turns out to be gone. One at a
  // time; once it has ended, no call is under way.
  class Listening {
   public:
    Listening(HeldMachine& held, std::function<void(const Error&)> lost) : held_(held) {
      held_.listen(std::move(lost));
    }
    ~Listening() { held_.listen({}); }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;

   private:
    HeldMachine& held_;
  };

  // Input files that an earlier run left on a kept machine; and what this run leaves, if it is kept.
  const std::set<std::string>& kept_files() const { return kept_files_; }
  void leaves(std::set<std::string> files) { left_files_ = std::move(files); }

  // Kills (or keeps) it, verifies, tells the host. The entries of "released" for the artifacts document; what could not
  // be released is the error. Idempotent. Bounded: the retry budget and one request timeout for each of its questions.
  Status release(Json& released, bool keep);

 private:
  void listen(std::function<void(const Error&)> lost);
  Status hold(const std::string& template_id, int64_t started_ns,
              const std::optional<Lifetime::CreateTimes>& create_times, const Json& journaled);
  Result<std::optional<Machine>> take_kept(const Request& request);
  void give_up_abandoned(const std::string& id, KeepFile& file);
  void announce(const std::string& id) const;
  void tell_limit(const std::string& id, const Lifetime::Limit& limit, int64_t left_s);
  Status kill(const std::string& id);
  Status release_one(const std::string& id, bool keep);
  Status release_doubles();

  const HoldContext context_;
  const std::string noun_;
  std::optional<Machine> machine_;
  std::unique_ptr<Lease> lease_;
  Creation creation_;
  std::shared_ptr<Siblings> siblings_ = std::make_shared<Siblings>();
  bool reused_ = false;
  bool released_ = false;
  std::optional<KeepFile> keep_file_;
  std::set<std::string> kept_files_, left_files_;
  Json entries_ = Json::array();  // of "released"
  std::mutex mutex_;
  std::function<void(const Error&)> lost_;
};

}  // namespace osiris::sdk

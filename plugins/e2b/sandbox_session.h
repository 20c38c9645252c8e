// One sandbox of one run, from the intent to have it to the proof that it is gone.
//
// The intent is journaled first and travels as metadata (creation.h), so that a sandbox whose create reply was lost is found by it. While
// the run goes on a lease is renewed; release() kills and verifies, or, kept for the next run, renews one last time.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "plugins/e2b/config.h"
#include "plugins/e2b/creation.h"
#include "plugins/e2b/egress.h"
#include "plugins/e2b/api/envd.h"
#include "plugins/sdk/place/journal.h"
#include "plugins/sdk/place/keep_file.h"
#include "plugins/e2b/lease.h"
#include "plugins/e2b/api/wire.h"
#include "plugins/sdk/abi/host.h"

namespace osiris::e2b {

// Metadata keys every sandbox of ours carries.
namespace meta {
inline constexpr const char* kOwner = "osiris_owner";        // who: the id in this user's state directory
inline constexpr const char* kRun = "osiris_run";            // the run id
inline constexpr const char* kToken = kTokenKey;             // one create call
inline constexpr const char* kPipeline = "osiris_pipeline";
inline constexpr const char* kWorker = "osiris_worker";      // its hash
inline constexpr const char* kKeep = "osiris_keep";          // the reuse key of a sandbox that may be kept
}  // namespace meta

struct SessionContext {
  const sdk::Host& host;
  const Config& config;
  ApiClient& api;        // used by the thread that runs the stage
  ApiClient& lease_api;  // used by the lease
  sdk::Journal& journal;
  std::function<bool(http::Milliseconds)> sleep;  // false: cancelled
  const std::atomic<bool>& cancelled;
};

class SandboxSession {
 public:
  explicit SandboxSession(SessionContext context) : context_(std::move(context)), creation_(context_) {}
  ~SandboxSession();

  struct Wanted {
    std::string template_id;
    std::map<std::string, std::string> metadata;
    Egress egress;
    std::string keep_key;  // not empty: keep this one under it
    bool reuse = true;     // take one over that was kept under the key
    std::string keep_directory;  // of this user, for what is remembered of kept sandboxes
  };
  // Creates a sandbox, or takes a kept one over. Announces it to the host before anything else is done with it.
  Status acquire(const Wanted& wanted);

  const Sandbox& sandbox() const { return *sandbox_; }
  bool is_held() const { return sandbox_.has_value() && !released_; }
  bool was_kept() const { return reused_; }
  // The plan's limit, if the sandbox has come to the end of the life that the plan allows.
  std::optional<sdk::Lifetime::Limit> limit_reached() const { return lease_ ? lease_->limit_reached() : std::nullopt; }
  // Called from the lease's thread when the sandbox turns out to be gone.
  void on_lost(std::function<void(const Error&)> lost);

  // Input files that an earlier run left in a kept sandbox; and what this run leaves, if it is kept.
  const std::set<std::string>& kept_files() const { return kept_files_; }
  void leaves(std::set<std::string> files) { left_files_ = std::move(files); }

  // Kills (or keeps) it, verifies, tells the host. The entries of "released" for the artifacts document; what could not be
  // released is the error. Idempotent. Bounded: the retry budget and one request timeout for each of its questions.
  Status release(Json& released, bool keep);

 private:
  Result<Sandbox> create(const Wanted& wanted);
  Result<std::optional<Sandbox>> take_kept(const Wanted& wanted);
  void give_up_abandoned(const std::string& id, sdk::KeepFile& file);
  void announce(const std::string& id) const;
  void tell_limit(const std::string& id, const sdk::Lifetime::Limit& limit, int64_t left_s);
  Status kill(const std::string& id);
  Status release_one(const std::string& id, bool keep);
  Status release_doubles();

  SessionContext context_;
  std::optional<Sandbox> sandbox_;
  std::unique_ptr<Lease> lease_;
  Creation creation_;
  bool reused_ = false;
  bool released_ = false;
  std::optional<sdk::KeepFile> keep_file_;
  std::set<std::string> kept_files_, left_files_;
  Json entries_ = Json::array();  // of "released"
  std::mutex mutex_;
  std::function<void(const Error&)> lost_;
};

}  // namespace osiris::e2b

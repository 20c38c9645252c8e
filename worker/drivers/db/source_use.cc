#include "worker/drivers/db/source_use.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/thread.h"
#include "worker/drivers/db/fields.h"
#include "worker/drivers/db/server_rows.h"

namespace osiris::worker::db {
namespace {

using Clock = Deadline::Clock;

// How many connections to each server are open for steps of this process.
class Gate {
 public:
  static Gate& of_process() {
    static Gate gate;
    return gate;
  }
  bool try_enter(const std::string& server, uint32_t max) {
    const std::lock_guard lock(mutex_);
    size_t& open = open_[server];
    if (max > 0 && open >= max) return false;
    ++open;
    return true;
  }
  void leave(const std::string& server) {
    {
      const std::lock_guard lock(mutex_);
      --open_[server];
    }
    left_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    left_.wait_for(lock, std::chrono::milliseconds(50));
  }

 private:
  std::mutex mutex_;
  std::condition_variable left_;
  std::map<std::string, size_t> open_;
};

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

}  // namespace

uint32_t SourceLimits::statement_limit_s() const {
  if (statement_s == 0 || transaction_s == 0) return std::max(statement_s, transaction_s);
  return std::min(statement_s, transaction_s);
}

Result<SourceLimits> read_source_limits(const StepContext& context) {
  const Json& source = context.config()["source"];
  SourceLimits limits;
  if (const ConnectionFields* connection = context.connection())
    OSIRIS_TRY(read_number(context, connection->fields, "max_connections", 1, 64, limits.connections_max));
  if (source.is_null()) return limits;
  const uint32_t of_connection = limits.connections_max;
  OSIRIS_TRY(read_number(context, source, "max_connections", 1, 64, limits.connections_max));
  if (of_connection > 0) limits.connections_max = std::min(limits.connections_max, of_connection);
  OSIRIS_TRY(read_number(context, source, "statement_timeout", 1, 86400, limits.statement_s));
  OSIRIS_TRY(read_number(context, source, "max_transaction", 1, 86400, limits.transaction_s));
  return limits;
}

// ---- a connection

SourceUse::Transaction::Transaction(SourceUse& use, std::string server) : use_(&use), server_(std::move(server)) {
  use_->note_open();
}

SourceUse::Transaction::Transaction(Transaction&& other) noexcept
    : use_(std::exchange(other.use_, nullptr)),
      server_(std::move(other.server_)),
      begun_(other.begun_),
      has_begun_(other.has_begun_) {}

void SourceUse::Transaction::begin() {
  {
    const std::lock_guard lock(use_->mutex_);
    begun_ = use_->begun_.insert(Clock::now());
    has_begun_ = true;
  }
  use_->changed_.notify_all();
}

SourceUse::Transaction::~Transaction() {
  if (!use_) return;
  {
    const std::lock_guard lock(use_->mutex_);
    --use_->open_;
    if (has_begun_) {
      use_->longest_s_ = std::max(use_->longest_s_, seconds_since(*begun_));
      use_->begun_.erase(begun_);
    }
  }
  Gate::of_process().leave(server_);
}

// ---- a step

SourceUse::SourceUse(const SourceLimits& limits, Deadline& deadline) : limits_(limits), deadline_(deadline) {
  is_watched_ = limits_.transaction_s <= 0 || begin_thread(watch_, [this] { watch(); });
}

SourceUse::~SourceUse() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_all();
  if (watch_.joinable()) watch_.join();
}

void SourceUse::watch() {
  std::unique_lock lock(mutex_);
  while (!is_over_) {
    if (begun_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto until = *begun_.begin() + std::chrono::seconds(limits_.transaction_s);
    if (Clock::now() < until) {
      changed_.wait_until(lock, until);
      continue;
    }
    has_run_out_ = true;
    deadline_.cancel();
    return;
  }
}

void SourceUse::note_open() {
  const std::lock_guard lock(mutex_);
  most_ = std::max(most_, ++open_);
}

Result<SourceUse::Transaction> SourceUse::open(const std::string& server, const std::string& step_id, uint32_t spare) {
  if (!is_watched_) return no_more_threads("source.max_transaction cannot be watched");
  const uint32_t most = limits_.connections_max;
  while (!Gate::of_process().try_enter(server, most > spare ? most - spare : most)) {
    if (deadline_.is_cancelled()) return cancelled_error(step_id);
    Gate::of_process().wait();
  }
  return Transaction(*this, server);
}

std::optional<SourceUse::Transaction> SourceUse::try_open(const std::string& server) {
  if (!is_watched_ || !Gate::of_process().try_enter(server, limits_.connections_max)) return std::nullopt;
  return Transaction(*this, server);
}

Status SourceUse::judged(Status status, const std::string& start) const {
  const std::lock_guard lock(mutex_);
  if (status.ok() || !has_run_out_) return status;
  return Error(Code::kStepFailed,
               start + ": the transaction at the source was open for longer than source.max_transaction, " +
                   std::to_string(limits_.transaction_s) + " s; it is ended, and no rows of it were kept",
               "raise it, or read less at once: incremental, limit, fewer columns", category::kRuntimeTimeout);
}

void SourceUse::report(StepContext& context) const {
  const std::lock_guard lock(mutex_);
  context.metric("source_transaction", longest_s_, "seconds");
  context.metric("source_connections", static_cast<double>(most_), "connections");
}

}  // namespace osiris::worker::db

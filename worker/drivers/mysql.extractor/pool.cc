#include "worker/drivers/mysql.extractor/pool.h"

#include "worker/drivers/mysql/errors.h"

namespace osiris::worker::mysql {
namespace {

std::string server_key_of(const ServerSettings& server) { return server.host + ":" + std::to_string(server.port); }

std::string key_of(const ServerSettings& server) {
  std::string key;
  // NUL cannot occur in any of them.
  for (const std::string& part : {server_key_of(server), server.user, server.password, server.database, server.ssl_ca,
                                  std::to_string(static_cast<int>(server.ssl_mode))}) {
    key += part;
    key += '\0';
  }
  return key;
}

}  // namespace

ConnectionPool::Lease::Lease(Lease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      server_key_(std::move(other.server_key_)),
      key_(std::move(other.key_)),
      connection_(std::move(other.connection_)),
      is_clean_(other.is_clean_) {}

ConnectionPool::Lease::~Lease() {
  if (pool_) pool_->give_back(*this);
}

ConnectionPool& ConnectionPool::of_process() {
  static ConnectionPool pool;
  return pool;
}

Result<ConnectionPool::Lease> ConnectionPool::acquire(const ServerSettings& server, const PoolSettings& limits,
                                                      const CallContext& call) {
  const std::string server_key = server_key_of(server);
  {
    std::unique_lock lock(mutex_);
    while (in_use_[server_key] >= limits.connections_max) {
      if (call.deadline->is_cancelled()) return cancelled_error(call.step_id);
      freed_.wait_for(lock, std::chrono::milliseconds(50));
    }
    ++in_use_[server_key];
  }
  Lease lease(*this, server_key, key_of(server));
  while ((lease.connection_ = take_idle(lease.key_, std::chrono::seconds(limits.recycle_s)))) {
    // It may have died while it was idle; then the next one, or a new one.
    if (lease->reset(call)) break;
    if (call.deadline->is_cancelled()) return cancelled_error(call.step_id);
  }
  if (!lease.connection_) {
    OSIRIS_ASSIGN(lease.connection_, Connection::open(server, call));
  }
  OSIRIS_TRY(lease->prepare_session(server, call));
  return lease;
}

std::unique_ptr<Connection> ConnectionPool::take_idle(const std::string& key, std::chrono::seconds age_max) {
  std::vector<std::unique_ptr<Connection>> too_old;  // closed after the lock is released
  const std::lock_guard lock(mutex_);
  auto& idle = idle_[key];
  while (!idle.empty()) {
    std::unique_ptr<Connection> connection = std::move(idle.back());
    idle.pop_back();
    if (Connection::Clock::now() - connection->opened_at() <= age_max) return connection;
    too_old.push_back(std::move(connection));
  }
  return nullptr;
}

void ConnectionPool::give_back(Lease& lease) {
  std::unique_ptr<Connection> connection = std::move(lease.connection_);
  {
    const std::lock_guard lock(mutex_);
    --in_use_[lease.server_key_];
    if (connection && lease.is_clean_) idle_[lease.key_].push_back(std::move(connection));
  }
  freed_.notify_one();
}

}  // namespace osiris::worker::mysql

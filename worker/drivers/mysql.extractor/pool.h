// The connections of this process. It bounds how many a server sees at once (`pool_size`: a step beyond it waits for
// one that ends) and keeps clean ones for later steps until they are too old (`pool_recycle`). Only connections with
// exactly the same settings, password included, are ever shared.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "worker/drivers/mysql.extractor/settings.h"
#include "worker/drivers/mysql/connection.h"

namespace osiris::worker::mysql {

class ConnectionPool {
 public:
  // The right to one connection. Returns it when destroyed; the connection itself only if it was declared clean.
  class Lease {
   public:
    Lease(ConnectionPool& pool, std::string server_key, std::string key)
        : pool_(&pool), server_key_(std::move(server_key)), key_(std::move(key)) {}
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();

    Connection& operator*() { return *connection_; }
    Connection* operator->() { return connection_.get(); }
    // Nothing is under way on it and a later step may have it.
    void declare_clean() { is_clean_ = true; }

   private:
    friend class ConnectionPool;
    ConnectionPool* pool_;
    std::string server_key_;
    std::string key_;
    std::unique_ptr<Connection> connection_;
    bool is_clean_ = false;
  };

  // The one of this process. [any thread]
  static ConnectionPool& of_process();

  // Waits for its turn, then hands out a connection with its session prepared. [any thread]
  Result<Lease> acquire(const ServerSettings& server, const PoolSettings& limits, const CallContext& call);

 private:
  std::unique_ptr<Connection> take_idle(const std::string& key, std::chrono::seconds age_max);
  void give_back(Lease& lease);

  std::mutex mutex_;
  std::condition_variable freed_;
  std::map<std::string, size_t> in_use_;                                  // by server
  std::map<std::string, std::vector<std::unique_ptr<Connection>>> idle_;  // by all settings
};

}  // namespace osiris::worker::mysql

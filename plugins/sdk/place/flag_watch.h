// Looks at the host's is_cancelled for a call that waits on a service: the ABI allows 100 ms between two looks, and a
// request may take longer. What cancel() does is then done from here, too.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "plugins/sdk/abi/host.h"

namespace osiris::sdk {

// Lives as long as the call. `stop` is called once at most, on a thread of its own, and must return at once. Where the
// machine has no more threads, the call itself is what looks, between requests.
class FlagWatch {
 public:
  FlagWatch(const Host& host, std::function<void()> stop);
  ~FlagWatch();
  FlagWatch(const FlagWatch&) = delete;
  FlagWatch& operator=(const FlagWatch&) = delete;

 private:
  const Host& host_;
  const std::function<void()> stop_;
  std::mutex mutex_;
  std::condition_variable over_;
  bool is_over_ = false;
  std::thread thread_;
  bool has_begun_ = false;
};

}  // namespace osiris::sdk

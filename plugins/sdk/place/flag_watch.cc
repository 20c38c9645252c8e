#include "plugins/sdk/place/flag_watch.h"
#include "protocol/base/thread.h"

#include <chrono>
#include <utility>

namespace osiris::sdk {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks(80);

}  // namespace

FlagWatch::FlagWatch(const Host& host, std::function<void()> stop) : host_(host), stop_(std::move(stop)) {
  has_begun_ = begin_thread(thread_, [this] {
    std::unique_lock lock(mutex_);
    while (!over_.wait_for(lock, kBetweenLooks, [this] { return is_over_; }))
      if (host_.is_cancelled()) return stop_();
  });
}

FlagWatch::~FlagWatch() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  over_.notify_all();
  if (has_begun_) thread_.join();
}

}  // namespace osiris::sdk

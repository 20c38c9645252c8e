#include "worker/driver_api/write_pace.h"

#include <duckdb/main/client_context.hpp>

#include <chrono>

namespace osiris::worker {
namespace {

constexpr std::chrono::milliseconds kLookForInterrupt{20};

}  // namespace

WritePace::Call::Call(WritePace& pace) : pace_(pace) {
  const std::lock_guard lock(pace_.mutex_);
  begun_ = pace_.calls_.insert(pace_.taken_);
}

WritePace::Call::~Call() {
  {
    const std::lock_guard lock(pace_.mutex_);
    pace_.calls_.erase(begun_);
  }
  pace_.ended_.notify_all();
}

void WritePace::add_waiting() {
  const std::lock_guard lock(mutex_);
  ++waiting_;
}

void WritePace::end_waiting() {
  const std::lock_guard lock(mutex_);
  --waiting_;
}

bool WritePace::is_far_ahead() const {
  return !calls_.empty() && (waiting_ >= batches_max_ || taken_ - *calls_.begin() >= blocks_max_);
}

void WritePace::take(const duckdb::ClientContext& context) {
  std::unique_lock lock(mutex_);
  while (is_far_ahead() && !context.interrupted) ended_.wait_for(lock, kLookForInterrupt);
  ++taken_;
}

uint64_t WritePace::taken() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

}  // namespace osiris::worker

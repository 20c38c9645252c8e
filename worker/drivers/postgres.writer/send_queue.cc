#include "worker/drivers/postgres.writer/send_queue.h"

#include <utility>

#include "protocol/base/thread.h"

namespace osiris::worker::postgres {
namespace {

constexpr size_t kRoom = size_t{8} << 20;

}  // namespace

SendQueue::SendQueue(Send send) : send_(std::move(send)) {
  static_cast<void>(begin_thread(thread_, [this] { work(); }));
}

SendQueue::~SendQueue() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    items_.clear();
    changed_.notify_all();
  }
  thread_.join();
}

Status SendQueue::put(ByteBuffer bytes, uint64_t rows) {
  if (!thread_.joinable()) return send_(std::move(bytes), rows);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return items_.empty() || bytes_ + bytes.size() <= kRoom || !status_.ok(); });
  if (!status_.ok()) return status_;
  bytes_ += bytes.size();
  items_.push_back({std::move(bytes), rows});
  changed_.notify_all();
  return {};
}

Status SendQueue::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return (items_.empty() && !is_sending_) || !status_.ok(); });
  return status_;
}

void SendQueue::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return is_over_ || !items_.empty(); });
    if (is_over_) return;
    Item item = std::move(items_.front());
    items_.pop_front();
    bytes_ -= item.bytes.size();
    is_sending_ = true;
    changed_.notify_all();
    lock.unlock();
    Status sent = send_(std::move(item.bytes), item.rows);
    lock.lock();
    is_sending_ = false;
    status_ = std::move(sent);
    changed_.notify_all();
    if (!status_.ok()) return;
  }
}

}  // namespace osiris::worker::postgres

#include "worker/drivers/db/row_queue.h"

namespace osiris::worker::db {

void RowQueue::announce(RelationColumns columns) {
  const std::lock_guard lock(mutex_);
  columns_ = std::move(columns);
  changed_.notify_all();
}

bool RowQueue::offer(Batch batch) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_ || batches_.size() < kBatchesMax; });
  if (closed_) return false;
  batches_.push_back(std::move(batch));
  changed_.notify_all();
  return true;
}

std::unique_ptr<Chunk> RowQueue::used_chunk() {
  const std::lock_guard lock(mutex_);
  if (used_.empty()) return nullptr;
  auto chunk = std::move(used_.back());
  used_.pop_back();
  return chunk;
}

void RowQueue::finish(Status status) {
  const std::lock_guard lock(mutex_);
  end_ = std::move(status);
  changed_.notify_all();
}

RowQueue::Delivery RowQueue::columns(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait, [&] { return columns_ || end_; });
  Delivery delivery;
  if (columns_) {
    delivery.columns = &*columns_;
  } else if (end_) {
    delivery.end = end_;
  }
  return delivery;
}

RowQueue::Delivery RowQueue::next(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait, [&] { return !batches_.empty() || end_; });
  Delivery delivery;
  if (!batches_.empty()) {
    delivery.batch = std::move(batches_.front());
    batches_.erase(batches_.begin());
    changed_.notify_all();
  } else if (end_) {
    delivery.end = end_;
  }
  return delivery;
}

void RowQueue::give_back(Batch batch) {
  for (const auto& chunk : batch.chunks) chunk->clear();
  const std::lock_guard lock(mutex_);
  for (auto& chunk : batch.chunks) used_.push_back(std::move(chunk));
}

void RowQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace osiris::worker::db

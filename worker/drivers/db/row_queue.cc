#include "worker/drivers/db/row_queue.h"

#include <utility>

namespace osiris::worker::db {
namespace {

// What a row of many megabytes needed is not kept for those after it.
constexpr size_t kRawBytesKept = size_t{4} << 20;

}  // namespace

void RowQueue::announce(RelationColumns columns, std::unique_ptr<const SourceRows::Form> form) {
  const std::lock_guard lock(mutex_);
  form_ = std::move(form);
  columns_ = std::move(columns);
  changed_.notify_all();
}

void RowQueue::want(bool raw) {
  const std::lock_guard lock(mutex_);
  wants_raw_ = raw;
  changed_.notify_all();
}

bool RowQueue::wants_raw() {
  std::unique_lock lock(mutex_);
  if (!form_) return false;
  changed_.wait(lock, [&] { return closed_ || wants_raw_; });
  return !closed_ && *wants_raw_;
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

std::string RowQueue::used_raw() {
  const std::lock_guard lock(mutex_);
  if (used_raw_.empty()) return {};
  std::string raw = std::move(used_raw_.back());
  used_raw_.pop_back();
  raw.clear();
  return raw;
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
  if (batch.raw.capacity() > kRawBytesKept) return;
  if (!batch.raw.empty()) used_raw_.push_back(std::move(batch.raw));
}

void RowQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace osiris::worker::db

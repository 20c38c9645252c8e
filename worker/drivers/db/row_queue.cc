#include "worker/drivers/db/row_queue.h"

#include <algorithm>
#include <utility>

namespace osiris::worker::db {
namespace {

// What a row of many megabytes needed is not kept for those after it.
constexpr size_t kRawBytesKept = size_t{4} << 20;

}  // namespace

void RowQueue::offer_chunks(ChunkPlan plan, Json identity) {
  const std::lock_guard lock(mutex_);
  plan_ = std::move(plan);
  identity_ = std::move(identity);
}

void RowQueue::choose(Choice choice) {
  const std::lock_guard lock(mutex_);
  for (const size_t chunk : choice.chunks) ranges_left_.push_back(choice.plan.ranges_of(chunk).second);
  choice_ = std::move(choice);
  changed_.notify_all();
}

void RowQueue::choose_all() {
  const std::lock_guard lock(mutex_);
  if (choice_ || !plan_) return;
  choice_ = {*plan_, {}, false};
  changed_.notify_all();
}

std::optional<RowQueue::Choice> RowQueue::choice() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_ || choice_; });
  return closed_ ? std::nullopt : choice_;
}

bool RowQueue::begin_range(size_t chunk) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_ || chunk <= taken_ + 1; });
  return !closed_;
}

void RowQueue::end_range(size_t chunk) {
  const std::lock_guard lock(mutex_);
  if (chunk < ranges_left_.size()) --ranges_left_[chunk];
  changed_.notify_all();
}

std::vector<Batch>::iterator RowQueue::next_batch() {
  if (!choice_ || !choice_->by_chunk) return batches_.begin();
  return std::find_if(batches_.begin(), batches_.end(), [&](const Batch& batch) { return batch.chunk == chunk_; });
}

bool RowQueue::is_chunk_over() const { return chunk_ < ranges_left_.size() && ranges_left_[chunk_] == 0; }

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
  // Those of the next chunk, which may be read already, do not keep the rows out that are waited for.
  const auto is_beside = [&](const Batch& other) { return other.chunk == batch.chunk; };
  changed_.wait(lock, [&] {
    return closed_ || static_cast<size_t>(std::count_if(batches_.begin(), batches_.end(), is_beside)) < kBatchesMax;
  });
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
  if (std::exchange(taken_, chunk_) != chunk_) changed_.notify_all();
  changed_.wait_for(lock, wait, [&] { return next_batch() != batches_.end() || is_chunk_over() || end_; });
  Delivery delivery;
  if (const auto batch = next_batch(); batch != batches_.end()) {
    delivery.batch = std::move(*batch);
    batches_.erase(batch);
    changed_.notify_all();
  } else if (is_chunk_over()) {
    delivery.is_chunk_end = true;
    ++chunk_;
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

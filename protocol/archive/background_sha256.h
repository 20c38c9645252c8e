// A SHA-256 that is reckoned on a thread of its own, beside the one that packs or unpacks: on two cores both take the
// time of the longer one. A few blocks ahead are enough for that, and stay in the cache; many sandboxes' archives are
// unpacked at the same time.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "protocol/base/read_block.h"
#include "protocol/base/sha256.h"
#include "protocol/base/thread.h"

namespace osiris::archive {

// Used by one thread. A single block needs no second thread and gets none.
class BackgroundSha256 {
 public:
  BackgroundSha256() = default;
  ~BackgroundSha256() { stop(); }
  BackgroundSha256(const BackgroundSha256&) = delete;
  BackgroundSha256& operator=(const BackgroundSha256&) = delete;

  // What files are read into, and unpacked into, on the way to their hash.
  struct Block {
    explicit Block(size_t size) : bytes(size) {}
    std::string_view view() const { return bytes.first(used); }
    ReadBlock bytes;
    size_t used = 0;
  };

  // A block of `size` bytes to fill, the same for all calls: one that was hashed, where there is one. New ones cost
  // more than their hash.
  Block take(size_t size) {
    const std::lock_guard lock(mutex_);
    if (spare_.empty()) return Block(size);
    Block block = std::move(spare_.back());
    spare_.pop_back();
    return block;
  }

  // Waits while kBlocksAhead blocks are still to be hashed.
  void add(Block block) {
    if (blocks_added_++ == 1 && !begin_thread(thread_, [this] { run(); })) is_alone_ = true;
    if (is_alone_) return hash_here(std::move(block));
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return blocks_.size() < kBlocksAhead; });
    blocks_.push_back(std::move(block));
    changed_.notify_all();
  }

  // Of all that was added; the last call.
  std::string hex() {
    stop();
    for (const Block& block : blocks_) hash_.update(block.view());
    return hash_.hex();
  }

 private:
  static constexpr size_t kBlocksAhead = 4;

  // The machine has no more threads.
  void hash_here(Block block) {
    blocks_.push_back(std::move(block));
    for (Block& each : std::exchange(blocks_, {})) {
      hash_.update(each.view());
      spare_.push_back(std::move(each));
    }
  }

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stopping_ || !blocks_.empty(); });
      if (blocks_.empty()) return;
      Block block = std::move(blocks_.front());
      blocks_.pop_front();
      changed_.notify_all();
      lock.unlock();
      hash_.update(block.view());
      lock.lock();
      spare_.push_back(std::move(block));
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Block> blocks_, spare_;
  size_t blocks_added_ = 0;
  bool is_alone_ = false;
  bool stopping_ = false;
  Sha256 hash_;
  std::thread thread_;
};

}  // namespace osiris::archive

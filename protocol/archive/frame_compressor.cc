#include "protocol/archive/frame_compressor.h"
#include "protocol/base/thread.h"

#include <zstd.h>

#include <algorithm>
#include <utility>

namespace osiris::archive {
namespace {

// Twice the window of the levels in use: what a frame cannot find in the one before it costs little.
constexpr size_t kFrameBytes = size_t{1} << 20;
constexpr size_t kBlockBytes = size_t{128} << 10;  // the most that a block may have

void append_little_endian(size_t number, size_t bytes, std::string& text) {
  for (size_t i = 0; i < bytes; ++i) text += static_cast<char>((number >> (8 * i)) & 0xff);
}

// RFC 8878: magic, a descriptor that says "one segment, four bytes of size", the size; blocks, each with three bytes of
// its size, its kind (0: raw), and whether it is the last.
void store_frame(std::string_view plain, std::string& packed) {
  packed.clear();
  append_little_endian(0xFD2FB528, 4, packed);
  packed += static_cast<char>(0xA0);
  append_little_endian(plain.size(), 4, packed);
  while (!plain.empty()) {
    const std::string_view block = plain.substr(0, kBlockBytes);
    plain.remove_prefix(block.size());
    append_little_endian((block.size() << 3) | (plain.empty() ? 1u : 0u), 3, packed);
    packed.append(block);
  }
}

}  // namespace

FrameCompressor::FrameCompressor(Sink sink, int level, size_t threads)
    : sink_(std::move(sink)), level_(level), threads_max_(threads), context_(nullptr, ZSTD_freeCCtx) {}

FrameCompressor::~FrameCompressor() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void FrameCompressor::compress(ZSTD_CCtx* context, int level, Frame& frame) {
  if (frame.is_stored) return store_frame(frame.plain, frame.packed);
  frame.packed.resize(ZSTD_compressBound(frame.plain.size()));
  const size_t size = !context ? 0
                               : ZSTD_compressCCtx(context, frame.packed.data(), frame.packed.size(),
                                                   frame.plain.data(), frame.plain.size(), level);
  frame.has_failed = !context || ZSTD_isError(size) != 0;
  if (!frame.has_failed) frame.packed.resize(size);
}

bool FrameCompressor::compress_here(Frame& frame) {
  if (!context_) context_.reset(ZSTD_createCCtx());
  compress(context_.get(), level_, frame);
  return !frame.has_failed && sink_(frame.packed);
}

void FrameCompressor::run() {
  const Context context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto waits = [](const std::unique_ptr<Frame>& frame) { return !frame->is_taken; };
    changed_.wait(lock, [&] { return stopping_ || std::any_of(frames_.begin(), frames_.end(), waits); });
    if (stopping_) return;
    Frame& frame = **std::find_if(frames_.begin(), frames_.end(), waits);
    frame.is_taken = true;
    lock.unlock();
    compress(context.get(), level_, frame);
    lock.lock();
    frame.is_done = true;
    changed_.notify_all();
  }
}

bool FrameCompressor::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, kFrameBytes - plain_.size());
    plain_.append(part);
    bytes.remove_prefix(part.size());
    if (plain_.size() == kFrameBytes && !submit()) return false;
  }
  return true;
}

bool FrameCompressor::store(bool is_stored) {
  if (is_stored == is_stored_) return true;
  const bool is_sent = plain_.empty() || submit();
  is_stored_ = is_stored;
  return is_sent;
}

// As many as the machine has.
void FrameCompressor::begin_threads() {
  while (threads_.size() < threads_max_) {
    std::thread thread;
    if (!begin_thread(thread, [this] { run(); })) threads_max_ = threads_.size();
    if (thread.joinable()) threads_.push_back(std::move(thread));
  }
}

bool FrameCompressor::submit() {
  auto frame = std::make_unique<Frame>();
  frame->is_stored = is_stored_;
  frame->plain = std::exchange(plain_, std::string());
  begin_threads();
  if (threads_max_ == 0) {
    const bool is_taken = compress_here(*frame);
    plain_ = std::move(frame->plain);
    plain_.clear();
    return is_taken;
  }
  std::unique_lock lock(mutex_);
  frames_.push_back(std::move(frame));
  if (!spare_.empty()) {
    plain_ = std::move(spare_.back());
    spare_.pop_back();
  }
  const bool is_full = frames_.size() > threads_max_;
  lock.unlock();
  changed_.notify_all();
  return !is_full || hand_on();
}

bool FrameCompressor::hand_on() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return frames_.front()->is_done; });
  std::unique_ptr<Frame> frame = std::move(frames_.front());
  frames_.pop_front();
  frame->plain.clear();
  spare_.push_back(std::move(frame->plain));
  lock.unlock();
  return !frame->has_failed && sink_(frame->packed);
}

bool FrameCompressor::finish() {
  while (!frames_.empty())
    if (!hand_on()) return false;
  Frame last;
  last.is_stored = is_stored_;
  last.plain = std::exchange(plain_, std::string());
  return last.plain.empty() || compress_here(last);
}

}  // namespace osiris::archive

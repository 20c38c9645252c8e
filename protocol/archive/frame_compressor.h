// Compresses a stream as zstd frames of a fixed size, several at a time: a frame knows nothing of the others, so the
// bytes do not depend on how many threads there are. Any decoder reads them as one stream. (Debian's static libzstd
// compresses a frame on one thread only.) What is compressed already is put into frames of raw blocks, which cost a
// copy on either side.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

struct ZSTD_CCtx_s;

namespace osiris::archive {

// Used by one thread; `sink` is called on it, with the frames in order, and returns false to stop.
class FrameCompressor {
 public:
  using Sink = std::function<bool(std::string_view)>;
  // `threads`: beside the caller's; none compress what is smaller than one frame, nor with 0 anything.
  FrameCompressor(Sink sink, int level, size_t threads);
  ~FrameCompressor();
  FrameCompressor(const FrameCompressor&) = delete;
  FrameCompressor& operator=(const FrameCompressor&) = delete;

  // False: the sink said so, or there is no memory.
  bool write(std::string_view bytes);
  // From here on, or not any more, bytes are stored as they are.
  bool store(bool is_stored);
  bool finish();

 private:
  struct Frame {
    std::string plain, packed;
    bool is_stored = false;
    bool is_taken = false, is_done = false, has_failed = false;
  };

  using Context = std::unique_ptr<ZSTD_CCtx_s, size_t (*)(ZSTD_CCtx_s*)>;
  static void compress(ZSTD_CCtx_s* context, int level, Frame& frame);
  bool compress_here(Frame& frame);  // and hands it on
  void run();
  void begin_threads();
  bool submit();
  bool hand_on();  // the first, once it is done

  const Sink sink_;
  const int level_;
  size_t threads_max_;  // of the machine's, once it refused one
  std::string plain_;   // of the frame that is being filled
  bool is_stored_ = false;
  Context context_;  // of the caller's thread
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Frame>> frames_;  // under mutex_, as what follows
  std::vector<std::string> spare_;             // room that was used
  bool stopping_ = false;
};

}  // namespace osiris::archive

// osiris-http: sends what osiris asks it to, by libcurl. Frames come on standard input, first the options and then one
// request after the other, and each is answered on standard output before the next is read. It ends with its input.
#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "host/http/frames.h"
#include "protocol/base/fd.h"
#include "protocol/base/guarded_memory.h"
#include "protocol/base/wipe.h"

namespace osiris::http {
namespace {

// Standard input as frames.
class Frames {
 public:
  // nullopt: the input has ended.
  Result<std::optional<Frame>> next() {
    for (;;) {
      OSIRIS_ASSIGN(std::optional<Frame> frame, take_frame(bytes_));
      if (frame) return frame;
      char block[size_t{64} << 10];
      const int64_t got = read_some(STDIN_FILENO, block, sizeof block);
      if (got <= 0) return std::optional<Frame>();
      // A longer text moves, and leaves nothing behind where it was.
      if (bytes_.capacity() - bytes_.size() < static_cast<size_t>(got)) {
        std::string larger;
        larger.reserve(2 * bytes_.size() + sizeof block);
        larger = bytes_;
        wipe(bytes_);
        bytes_ = std::move(larger);
      }
      bytes_.append(block, static_cast<size_t>(got));
      wipe(block, static_cast<size_t>(got));
    }
  }

 private:
  std::string bytes_;
};

void wipe_frame(Frame& frame) {
  for (std::string& text : frame) wipe(text);
}

Status serve() {
  Frames frames;
  OSIRIS_ASSIGN(const std::optional<Frame> first, frames.next());
  if (!first) return {};
  OSIRIS_ASSIGN(CurlOptions options, options_of(*first));
  CurlTransport transport(std::move(options));
  for (;;) {
    OSIRIS_ASSIGN(std::optional<Frame> asked, frames.next());
    if (!asked) return {};
    OSIRIS_ASSIGN(const Request request, request_of(*asked));
    wipe_frame(*asked);
    SendOptions limits;
    limits.max_body_bytes = request.buffered_bytes_max;
    const ExchangeResult result = send(transport, request, limits);
    if (!write_all(STDOUT_FILENO, to_bytes(result_frame(result)))) return {};  // osiris is gone
  }
}

}  // namespace
}  // namespace osiris::http

int main() {
  osiris::guard_memory();
  signal(SIGPIPE, SIG_IGN);
  const osiris::Status served = osiris::http::serve();
  if (!served.ok()) std::fprintf(stderr, "osiris-http: %s\n", served.error().message.c_str());
  std::fflush(nullptr);
  _exit(served.ok() ? 0 : 1);  // a thread may still be asking a name server
}

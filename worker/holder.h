// The holder's own process: between the worker's pipes and the client that is attached.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/base/fd.h"
#include "protocol/base/subprocess.h"

namespace osiris::worker {

// The first byte that a client sends.
inline constexpr char kAttach = 'a';
inline constexpr char kRenew = 'r';
// The exit status of a program that ended so, as a shell counts it.
int shell_status(const ExitStatus& exit);

class Holder {
 public:
  Holder(FileDescriptor listening, Subprocess worker, int64_t lease_ms);
  // Until the worker has ended and what is left in its pipes has been handed on; its exit status as a shell counts it.
  int run();
  // Ends the client that is attached, if one is, with `status`. To be called when all that tells of the end is written.
  void tell_end(int status);

 private:
  struct Client {
    FileDescriptor control, input, output, log;
  };
  // Bytes on their way one way. Empty: the source may be read.
  struct Buffer {
    std::string bytes;
    bool flush(int fd);  // false: nothing takes them any more
  };

  void accept_client();
  void take_input();
  void take_output(int fd, bool& open, Buffer& buffer, int into);
  void detach();
  void renew();
  void end_worker();
  void wait_for_events();
  void drain();

  FileDescriptor listening_;
  Subprocess worker_;
  const int64_t lease_ms_;
  int64_t until_ms_ = 0;    // monotonic
  int64_t kill_at_ms_ = 0;  // 0: the worker was not told to end
  std::optional<Client> client_;
  Buffer input_, output_, log_;
  bool output_open_ = true, log_open_ = true;
  bool had_client_ = false;  // before the first one nothing is read, so that its hello is not lost
  bool in_line_ = false;     // the last byte of the worker's output was no end of a line
  bool skip_line_ = false;   // a client that came amid a line gets none of it
};

}  // namespace osiris::worker

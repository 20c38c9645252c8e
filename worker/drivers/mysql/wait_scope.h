// Where libmariadb's waits go: it mixes seconds with milliseconds under TLS and cannot be cancelled, so it asks here
// (MARIADB_OPT_IO_WAIT).
#pragma once

#include "worker/drivers/db/deadline.h"

namespace osiris::worker::mysql {

// While it lives, libmariadb's waits on this thread go to `deadline`.
class WaitScope {
 public:
  explicit WaitScope(db::Deadline& deadline);
  ~WaitScope();
  WaitScope(const WaitScope&) = delete;
  WaitScope& operator=(const WaitScope&) = delete;

  // The callback for MARIADB_OPT_IO_WAIT.
  static int io_wait(int socket, char is_read, int timeout_ms);

 private:
  db::Deadline* before_;
};

}  // namespace osiris::worker::mysql

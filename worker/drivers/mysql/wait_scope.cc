#include "worker/drivers/mysql/wait_scope.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace osiris::worker::mysql {
namespace {

thread_local db::Deadline* current = nullptr;

}  // namespace

WaitScope::WaitScope(db::Deadline& deadline) : before_(current) { current = &deadline; }
WaitScope::~WaitScope() { current = before_; }

int WaitScope::io_wait(int socket, char is_read, int timeout_ms) {
  if (current) {
    const int ready = current->wait(socket, is_read != 0);
    if (ready != 1 || is_read) return ready;
    // A connect that failed. Taken here, because the library asks for the reason and then reports another one.
    int reason = 0;
    socklen_t size = sizeof reason;
    getsockopt(socket, SOL_SOCKET, SO_ERROR, &reason, &size);
    if (reason == 0) return 1;
    errno = reason;
    return -1;
  }
  // Outside any scope only a closing connection writes its farewell: never wait long for that.
  pollfd fd = {socket, static_cast<short>(is_read ? POLLIN : POLLOUT), 0};
  return poll(&fd, 1, std::clamp(timeout_ms, 1, 100));
}

}  // namespace osiris::worker::mysql

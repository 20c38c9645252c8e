#include "worker/drivers/mysql.extractor/resolve.h"

#include <netdb.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

namespace osiris::worker::mysql {
namespace {

// Shared with the thread that may outlive the question.
struct Lookup {
  std::string host;
  int done_fd = eventfd(0, EFD_CLOEXEC);
  std::atomic<bool> is_abandoned{false};
  std::atomic<bool> has_address{false};

  ~Lookup() {
    if (done_fd >= 0) close(done_fd);
  }
};

int look_up(const std::string& host, int flags) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* addresses = nullptr;
  const int outcome = getaddrinfo(host.c_str(), nullptr, &hints, &addresses);
  if (outcome == 0) freeaddrinfo(addresses);
  return outcome;
}

void answer(const std::shared_ptr<Lookup>& lookup) {
  int outcome = EAI_AGAIN;
  while (outcome == EAI_AGAIN && !lookup->is_abandoned) {
    outcome = look_up(lookup->host, 0);
    // No name server answered; they may yet.
    if (outcome == EAI_AGAIN) std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  lookup->has_address = outcome == 0;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(lookup->done_fd, &one, sizeof one);
}

}  // namespace

bool can_resolve(const std::string& host, Patience& patience) {
  if (look_up(host, AI_NUMERICHOST) == 0) return true;
  const auto lookup = std::make_shared<Lookup>();
  lookup->host = host;
  std::thread([lookup] { answer(lookup); }).detach();
  const bool is_answered = patience.wait(lookup->done_fd, true) == 1;
  lookup->is_abandoned = true;
  return is_answered && lookup->has_address;
}

}  // namespace osiris::worker::mysql

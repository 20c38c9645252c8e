#include "worker/drivers/db/resolve.h"

#include <netdb.h>
#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <thread>

#include "protocol/base/fd.h"
#include "protocol/base/thread.h"

namespace osiris::worker::db {
namespace {

// Shared with the thread that may outlive the question.
struct Lookup {
  std::string host;
  EventDescriptor done;
  std::atomic<bool> is_abandoned{false};
  std::atomic<bool> has_address{false};
  std::set<std::string> addresses;  // complete once has_address is true
};

int look_up(const std::string& host, int flags, std::set<std::string>& found) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* addresses = nullptr;
  const int outcome = getaddrinfo(host.c_str(), nullptr, &hints, &addresses);
  if (outcome != 0) return outcome;
  for (const addrinfo* entry = addresses; entry; entry = entry->ai_next) {
    char text[NI_MAXHOST] = {};
    if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
      found.insert(text);
  }
  freeaddrinfo(addresses);
  return 0;
}

void answer(const std::shared_ptr<Lookup>& lookup) {
  int outcome = EAI_AGAIN;
  while (outcome == EAI_AGAIN && !lookup->is_abandoned) {
    outcome = look_up(lookup->host, 0, lookup->addresses);
    // No name server answered; they may yet.
    if (outcome == EAI_AGAIN) std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  lookup->has_address = outcome == 0;
  lookup->done.signal();
}

}  // namespace

std::optional<std::set<std::string>> find_addresses(const std::string& host, Deadline& deadline,
                                                    std::optional<std::chrono::milliseconds> limit) {
  std::set<std::string> numeric;
  if (look_up(host, AI_NUMERICHOST, numeric) == 0) return numeric;
  const auto lookup = std::make_shared<Lookup>();
  lookup->host = host;
  std::thread thread;
  if (!begin_thread(thread, [lookup] { answer(lookup); })) {  // here, and once
    std::set<std::string> addresses;
    return look_up(host, 0, addresses) == 0 ? std::optional(std::move(addresses)) : std::nullopt;
  }
  thread.detach();
  const int ready =
      limit ? deadline.wait_at_most(lookup->done.get(), true, *limit) : deadline.wait(lookup->done.get(), true);
  lookup->is_abandoned = true;
  if (ready != 1 || !lookup->has_address) return std::nullopt;
  return lookup->addresses;
}

}  // namespace osiris::worker::db

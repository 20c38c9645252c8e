#include "tests/ssh/slow_link.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <list>
#include <string>
#include <vector>

#include "protocol/base/clock.h"

namespace osiris::ssh_tests {
namespace {

constexpr size_t kHeldBytesMax = size_t{8} << 20;

int64_t now_ms() { return system_clock().monotonic_ns() / 1'000'000; }

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

void at_once(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// Bytes one way, each with the time at which it arrives.
class Lane {
 public:
  Lane(int from, int to, int64_t delay_ms) : from_(from), to_(to), delay_ms_(delay_ms) {}
  bool wants_input() const { return !ended_ && held_bytes_ < kHeldBytesMax; }
  bool is_over() const { return is_over_; }
  // Until the next bytes arrive; -1: none are on their way.
  int64_t wait_ms() const { return held_.empty() ? -1 : std::max<int64_t>(0, held_.front().due_ms - now_ms()); }

  // How many bytes came.
  size_t take() {
    std::string block(65536, '\0');
    const ssize_t got = ::recv(from_, block.data(), block.size(), MSG_DONTWAIT);
    if (got < 0) return 0;
    block.resize(static_cast<size_t>(got));
    ended_ = got == 0;
    held_bytes_ += block.size();
    held_.push_back({now_ms() + delay_ms_, std::move(block)});
    return static_cast<size_t>(got);
  }
  void deliver() {
    while (!held_.empty() && held_.front().due_ms <= now_ms()) {
      std::string& bytes = held_.front().bytes;
      if (bytes.empty()) {  // the end
        ::shutdown(to_, SHUT_WR);
        is_over_ = true;
        return;
      }
      const ssize_t sent = ::send(to_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0) {
        is_over_ = errno != EAGAIN;
        held_.front().due_ms = now_ms() + 1;
        return;
      }
      held_bytes_ -= static_cast<size_t>(sent);
      bytes.erase(0, static_cast<size_t>(sent));
      if (bytes.empty()) held_.pop_front();
    }
  }

 private:
  struct Held {
    int64_t due_ms;
    std::string bytes;  // empty: the end
  };
  const int from_, to_;
  const int64_t delay_ms_;
  std::deque<Held> held_;
  size_t held_bytes_ = 0;
  bool ended_ = false, is_over_ = false;
};

struct Connection {
  Connection(FileDescriptor near_end, FileDescriptor far_end, int64_t delay_ms)
      : near(std::move(near_end)),
        far(std::move(far_end)),
        there(near.get(), far.get(), delay_ms),
        back(far.get(), near.get(), delay_ms) {}
  FileDescriptor near, far;
  Lane there, back;
};

}  // namespace

SlowLink::SlowLink(int to_port, std::chrono::milliseconds one_way)
    : to_port_(to_port),
      one_way_(one_way),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(listener_.get(), any, size), 0);
  EXPECT_EQ(::listen(listener_.get(), 64), 0);
  EXPECT_EQ(::getsockname(listener_.get(), any, &size), 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

SlowLink::~SlowLink() {
  const uint64_t one = 1;
  EXPECT_EQ(::write(stop_.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
  thread_.join();
}

void SlowLink::count_trip() {
  const int64_t now = now_ms();
  if (now - trip_began_ms_ < 2 * one_way_.count()) return;
  trip_began_ms_ = now;
  ++round_trips_;
}

void SlowLink::serve() {
  std::list<Connection> open;
  for (;;) {
    std::vector<pollfd> events = {{stop_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    int64_t wait_ms = -1;
    for (const Connection& each : open) {
      events.push_back({each.there.wants_input() ? each.near.get() : -1, POLLIN, 0});
      events.push_back({each.back.wants_input() ? each.far.get() : -1, POLLIN, 0});
      for (const Lane* lane : {&each.there, &each.back})
        if (const int64_t lane_ms = lane->wait_ms(); lane_ms >= 0)
          wait_ms = wait_ms < 0 ? lane_ms : std::min(wait_ms, lane_ms);
    }
    ::poll(events.data(), events.size(), static_cast<int>(wait_ms));
    if (events[0].revents) return;
    size_t at = 2;
    for (Connection& each : open) {
      if (events[at].revents) count_trip();
      if (events[at++].revents) bytes_ += each.there.take();
      if (events[at++].revents) bytes_ += each.back.take();
      each.there.deliver();
      each.back.deliver();
    }
    open.remove_if([](const Connection& each) { return each.there.is_over() && each.back.is_over(); });
    if (!events[1].revents) continue;
    FileDescriptor near(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    FileDescriptor far(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(to_port_);
    if (::connect(far.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) continue;
    at_once(near.get());
    at_once(far.get());
    ++connections_;
    open.emplace_back(std::move(near), std::move(far), one_way_.count());
  }
}

}  // namespace osiris::ssh_tests

#include "servers/e2b/stream.h"

#include <algorithm>

#include "servers/e2b/connect_codec.h"

namespace osiris::e2b_server {
namespace {

constexpr std::chrono::seconds kKeepaliveDefault{90};

std::chrono::milliseconds keepalive_interval(const Request& request) {
  const auto text = request.header("keepalive-ping-interval");
  const int64_t seconds = text ? std::strtoll(text->c_str(), nullptr, 10) : 0;
  return seconds > 0 ? std::chrono::seconds(seconds) : kKeepaliveDefault;
}

}  // namespace

Json keepalive_event_of_process() { return Json::object({{"event", Json::object({{"keepalive", Json::object()}})}}); }
Json keepalive_event_of_watch() { return Json::object({{"keepalive", Json::object()}}); }

std::optional<std::chrono::milliseconds> timeout_header(const Request& request) {
  const auto text = request.header("connect-timeout-ms");
  const int64_t ms = text ? std::strtoll(text->c_str(), nullptr, 10) : 0;
  return ms > 0 ? std::optional(std::chrono::milliseconds(ms)) : std::nullopt;
}

SteadyTime end_of(std::optional<std::chrono::milliseconds> timeout) {
  return timeout ? std::chrono::steady_clock::now() + *timeout : SteadyTime::max();
}

void stream_events(Exchange& exchange, Subscriber& subscriber, const Json& keepalive, SteadyTime over) {
  using Clock = std::chrono::steady_clock;
  const auto interval = keepalive_interval(exchange.request());
  if (!begin_connect_stream(exchange)) return;
  auto idle_since = Clock::now();
  while (true) {
    const auto now = Clock::now();
    if (now >= over) {
      exchange.set_event_time(now);
      exchange.write(end_of_stream("deadline_exceeded", "context deadline exceeded"));
      return exchange.end_stream();
    }
    if (auto event = subscriber.take()) {
      exchange.set_event_time(event->at);
      if (!exchange.write(envelope(0, event->body.dump()))) return;
      idle_since = Clock::now();
      continue;
    }
    const auto closed = subscriber.closed();
    if (closed == Subscriber::Closed::kSandboxGone) return exchange.abort();
    if (closed == Subscriber::Closed::kEnded) {
      exchange.write(end_of_stream());
      return exchange.end_stream();
    }
    if (now >= idle_since + interval && !subscriber.wants_keepalives()) idle_since = now;
    if (now >= idle_since + interval) {
      exchange.set_event_time(now);
      if (!exchange.write(envelope(0, keepalive.dump()))) return;
      idle_since = now;
      continue;
    }
    const auto until = std::min(over, idle_since + interval);
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(until - now);
    if (exchange.wait(subscriber.event_fd(), wait) == Wake::kClientGone) return;
  }
}

}  // namespace osiris::e2b_server

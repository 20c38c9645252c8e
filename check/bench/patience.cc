#include "check/bench/patience.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "protocol/base/clock.h"
#include "protocol/base/file.h"

namespace osiris::check {
namespace {

constexpr auto kPause = std::chrono::milliseconds(10);

}  // namespace

// /proc/loadavg: "0.31 0.20 0.16 5/127 11211"; 5 want to run, the reader among them.
double busyness() {
  const auto text = read_file("/proc/loadavg");
  const size_t slash = text.ok() ? text->find('/') : std::string::npos;
  if (slash == std::string::npos) return 1;
  const size_t from = text->rfind(' ', slash);
  const double running = std::strtod(text->c_str() + (from == std::string::npos ? 0 : from), nullptr);
  const double processors = std::max(1u, std::thread::hardware_concurrency());
  return std::clamp(running / processors, 1.0, kBusynessMax);
}

Patience::Patience(int64_t limit_ms)
    : limit_ms_(static_cast<double>(limit_ms)), began_ns_(system_clock().monotonic_ns()), last_ns_(began_ns_) {}

void Patience::pass() {
  const int64_t now_ns = system_clock().monotonic_ns();
  used_ms_ += static_cast<double>(now_ns - last_ns_) / 1e6 / busyness();
  last_ns_ = now_ns;
}

bool Patience::is_over() {
  pass();
  return used_ms_ >= limit_ms_;
}

double Patience::mean_busyness() const {
  const double ms = static_cast<double>(last_ns_ - began_ns_) / 1e6;
  return used_ms_ > 0 ? std::clamp(ms / used_ms_, 1.0, kBusynessMax) : busyness();
}

bool wait_patiently(int64_t limit_ms, const std::function<bool()>& done) {
  Patience patience(limit_ms);
  while (!done()) {
    if (patience.is_over()) return false;
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

}  // namespace osiris::check

// The one way in which a test waits for something that another thread or process does: asked for again and again until
// it is so. Where there is something to wait on (a condition variable, a pidfd, inotify, a line of output), wait on
// that instead. A test never sleeps to give time: it says what it waits for, and tests/tidy finds every other sleep.
#pragma once

#include <chrono>
#include <thread>

namespace osiris::test {

// True as soon as `condition` holds. False, after far longer than it may take on the slowest machine, means that it
// never will: the test fails.
template <typename Condition>
[[nodiscard]] bool eventually(Condition&& condition, std::chrono::seconds patience = std::chrono::seconds(60)) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace osiris::test

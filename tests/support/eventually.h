// The one way in which a test waits for something that another thread or process does: asked for again and again until
// it is so. Where there is something to wait on (a condition variable, a pidfd, inotify, a line of output), wait on
// that instead. A test never sleeps to give time: it says what it waits for, and tests/tidy finds every other sleep.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace osiris::test {

// True as soon as `condition` holds. False, after far longer than it may take on the slowest machine, means that it
// never will: the test fails.
template <typename Condition>
[[nodiscard]] bool eventually(Condition&& condition, std::chrono::seconds patience = std::chrono::seconds(60)) {
  // Asking may cost more than waiting (a request, a walk through /proc), so what takes long is asked for less often.
  constexpr std::chrono::milliseconds kPauseMin{2}, kPauseMax{20};
  const auto until = std::chrono::steady_clock::now() + patience;
  for (auto pause = kPauseMin; !condition(); pause = std::min(pause * 2, kPauseMax)) {
    if (std::chrono::steady_clock::now() >= until) return condition();
    std::this_thread::sleep_for(pause);
  }
  return true;
}

}  // namespace osiris::test

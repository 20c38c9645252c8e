#include "plugins/sdk/place/place.h"

#include <algorithm>
#include <thread>

namespace osiris::sdk {

void sleep_uninterrupted(Milliseconds wait) { std::this_thread::sleep_for(wait); }

Status kill_and_verify(Place& place, const std::string& id, Milliseconds budget,
                       const std::function<void(Milliseconds)>& sleep) {
  constexpr int kRefusalsMax = 4;
  constexpr Milliseconds kPauseMax{2'000};
  const Service& service = place.service();
  const auto until = std::chrono::steady_clock::now() + budget;
  int refusals = 0;
  for (int attempt = 1;; ++attempt) {
    Status killed = place.kill(id, {});
    if (killed) {
      const auto gone = place.is_gone(id, {});
      if (gone && *gone) return {};
      killed = gone ? service.failure(FailureClass::kSandboxError,
                                      std::string(service.noun()) + " " + id + " is still listed after it was killed")
                    : gone.error();
    }
    const Error& error = killed.error();
    refusals += place.is_refusal(error);
    const auto left = std::chrono::duration_cast<Milliseconds>(until - std::chrono::steady_clock::now());
    if (refusals >= kRefusalsMax || left.count() <= 0) return service.after_attempts(error, attempt);
    // A service that asks for more time than there is is asked once more at the end of it: a machine left costs more
    // than a call.
    sleep(std::min(left,
                   std::max(std::min(Milliseconds(100 << std::min(attempt, 8)), kPauseMax), retry_after_of(error))));
  }
}

}  // namespace osiris::sdk

#include "host/commands/interruptible.h"

#include <unistd.h>

#include <algorithm>

#include "host/display/format.h"

namespace osiris {

constexpr double kLongestTimeout_s = 1e9;  // 31 years: what is longer would overflow a clock

Result<std::unique_ptr<Interrupts>> begin_interruptible(const CommandContext& context, Interruptible calls,
                                                        int64_t deadline_monotonic_ns) {
  const auto leave = [fd = context.err.fd, unreleased_text = std::move(calls.unreleased_text)] {
    write_text_briefly(fd, "\n" + printable(unreleased_text(), true));
    _exit(to_int(ExitCode::kCancelled));
  };
  return Interrupts::start({std::move(calls.stop), leave}, deadline_monotonic_ns);
}

int64_t deadline_after(int64_t started_monotonic_ns, double timeout_s) {
  const auto limit_ns = static_cast<int64_t>(std::min(timeout_s, kLongestTimeout_s) * 1e9);
  return limit_ns ? started_monotonic_ns + limit_ns : 0;
}

}  // namespace osiris

#include "host/commands/interruptible.h"

#include <unistd.h>

#include <algorithm>

#include "host/adapters/guarded_call.h"
#include "host/adapters/instance.h"
#include "host/display/format.h"
#include "host/run/exit_status.h"
#include "host/run/stages.h"
#include "protocol/base/clock.h"

namespace osiris {

namespace {

// What a call may take that was told to stop, and a little more for what the clocks disagree on.
constexpr int64_t kLeaveAfterNs = kCallGraceNs + 5'000'000'000;
constexpr int64_t kLoadLimitNs = 30'000'000'000;

}  // namespace

constexpr double kLongestTimeout_s = 1e9;  // 31 years: what is longer would overflow a clock

Result<std::unique_ptr<Interrupts>> begin_interruptible(const CommandContext& context, Interruptible calls,
                                                        int64_t deadline_monotonic_ns) {
  const int fd = context.err.fd;
  const auto stop = [fd, stop = std::move(calls.stop)](StopReason reason) {
    write_text_briefly(fd, reason == StopReason::kCancelled ? "\nCancelling; press Ctrl-C again to leave at once.\n"
                                                            : "\nOut of time; press Ctrl-C to leave at once.\n");
    stop(reason);
  };
  const auto leave = [fd, unreleased_text = std::move(calls.unreleased_text)](StopReason reason, LeaveReason why) {
    std::string text = "\n";
    if (why == LeaveReason::kGraceOver)
      text += "❌ The adapter did not return within " + std::to_string(kLeaveAfterNs / 1'000'000'000) +
              " s of being told to stop; osiris leaves without it.\n";
    write_text_briefly(fd, text + printable(unreleased_text(), true));
    _exit(to_int(exit_code_for(stopped_error(reason), ErrorSource::kRun)));
  };
  return Interrupts::start({stop, leave, last_adapter_move_ns}, deadline_monotonic_ns, kLeaveAfterNs);
}

Result<LoadedAdapter> load_adapter_interruptibly(const CommandContext& context, std::string_view id,
                                                 const std::vector<SearchDirectory>& places, bool isolate) {
  const Error hangs(Code::kInternal, "adapter misbehaving: the library of " + printable(std::string(id)) +
                                         " did not return from being loaded (a constructor, or its entry function)");
  const auto leave = [fd = context.err.fd, hangs](StopReason reason) {
    const bool is_limit = reason == StopReason::kDeadline;
    write_text_briefly(fd, is_limit ? "\n❌ " + hangs.message + "\n" : "\n");
    _exit(to_int(exit_code_for(is_limit ? hangs : stopped_error(reason), ErrorSource::kRun)));
  };
  // Threads that the library starts inherit blocked signals: the run's signals are for osiris alone.
  const auto interrupts = Interrupts::start({leave, [leave](StopReason reason, LeaveReason) { leave(reason); }, {}},
                                            system_clock().monotonic_ns() + kLoadLimitNs);
  if (!interrupts.ok()) return interrupts.error();
  auto adapter = load_adapter(id, places, isolate);
  if (adapter.ok() && !adapter->notice.empty()) print_warning(context, adapter->notice);
  return adapter;
}

int64_t deadline_after(int64_t started_monotonic_ns, double timeout_s) {
  const auto limit_ns = static_cast<int64_t>(std::min(timeout_s, kLongestTimeout_s) * 1e9);
  return limit_ns ? started_monotonic_ns + limit_ns : 0;
}

}  // namespace osiris

// Calling into a plugin so that an exception it lets out is caught where that is possible.
//
// A C++17 plugin cannot even compile a throwing slot that is not noexcept; an older or careless one can. Calling
// through the ABI's noexcept type would let the compiler drop our handlers, so the pointer is converted to its throwing
// twin first. With its own static C++ runtime the plugin ends the process before any handler of ours runs: then, and
// for noexcept functions that throw, the terminate note says who it was.
#pragma once

#include <osiris/adapter.h>

#include <exception>
#include <optional>
#include <string>

namespace osiris {

struct GuardedStatus {
  osiris_status status = OSIRIS_INTERNAL;
  std::optional<std::string> thrown;  // what an exception said
};

// What an exit() inside a plugin becomes; docs/exit-codes.md.
inline constexpr int kMisbehaviourExitStatus = 3;

// Makes std::terminate, abort, a memory fault and exit name the adapter and stage on stderr when a plugin causes them;
// an exit inside a plugin ends osiris as a failure of the adapter, whatever status it gave. Once per process;
// AdapterInstance does it before its first call.
void install_terminate_handler();

// When a call into an adapter last began or ended (CLOCK_MONOTONIC, ns); 0: none has. [any thread]
int64_t last_adapter_move_ns();

// Who this thread is calling, for that note.
class CallScope {
 public:
  CallScope(const std::string& who, const char* stage);
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
};

template <class... Parameters, class... Arguments>
GuardedStatus guarded_status(const std::string& who, const char* stage, osiris_status (*slot)(Parameters...) noexcept,
                             Arguments... arguments) {
  osiris_status (*volatile call)(Parameters...) = slot;
  const CallScope note(who, stage);
  try {
    return {call(arguments...), std::nullopt};
  } catch (const std::exception& exception) {
    return {OSIRIS_INTERNAL, exception.what()};
  } catch (...) {
    return {OSIRIS_INTERNAL, "not a std::exception"};
  }
}

// For slots that return nothing; what they throw has no reader, and is dropped.
template <class... Parameters, class... Arguments>
void guarded_void(const std::string& who, const char* stage, void (*slot)(Parameters...) noexcept,
                  Arguments... arguments) {
  void (*volatile call)(Parameters...) = slot;
  const CallScope note(who, stage);
  try {
    call(arguments...);
  } catch (...) {
  }
}

}  // namespace osiris

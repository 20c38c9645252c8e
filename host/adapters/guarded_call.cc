#include "host/adapters/guarded_call.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "protocol/base/clock.h"

namespace osiris {
namespace {

thread_local const std::string* current_who = nullptr;
thread_local const char* current_stage = nullptr;
std::atomic<int> calls_in_progress{0};
std::atomic<int64_t> last_move_ns{0};
std::terminate_handler previous_handler = nullptr;

void write_text(const char* text) {
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, std::strlen(text));
}

// On a thread that is in no call, it must be one of the adapter's own while another is.
void write_note(const char* what) {
  if (!current_who && calls_in_progress == 0) return;
  write_text("osiris: adapter misbehaving: ");
  write_text(current_who ? current_who->c_str() : "a thread of its own");
  if (current_who) {
    write_text(", ");
    write_text(current_stage);
  }
  write_text(what);
  write_text("; the process cannot go on. Report it to the adapter's author.\n");
  current_who = nullptr;  // once: terminate leads to abort
  calls_in_progress = 0;
}

[[noreturn]] void terminate_with_note() {
  write_note(": threw an exception through its C interface");
  if (previous_handler) previous_handler();
  std::abort();
}

// Async-signal-safe. SA_RESETHAND: raised again, the signal ends the process as it would have without this handler.
void die_with_note(int signal) {
  write_note(signal == SIGABRT ? ": ended the process (abort, or an exception of its own C++ runtime)"
                               : ": crashed (a memory fault or a bad instruction)");
  raise(signal);
}

// Without this an exit(0) or quick_exit(0) inside a plugin would end osiris as a success.
void exit_with_note() {
  if (calls_in_progress == 0) return;
  write_note(": called exit");
  _exit(kMisbehaviourExitStatus);
}

}  // namespace

CallScope::CallScope(const std::string& who, const char* stage) {
  current_who = &who;
  current_stage = stage;
  ++calls_in_progress;
  last_move_ns = system_clock().monotonic_ns();
}

CallScope::~CallScope() {
  current_who = nullptr;
  --calls_in_progress;
  last_move_ns = system_clock().monotonic_ns();
}

int64_t last_adapter_move_ns() { return last_move_ns; }

void install_terminate_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    previous_handler = std::set_terminate(terminate_with_note);
    struct sigaction action{}, before{};
    action.sa_handler = die_with_note;
    action.sa_flags = SA_RESETHAND;
    for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE})
      // A sanitizer's own report says more than ours.
      if (sigaction(signal, nullptr, &before) == 0 && before.sa_handler == SIG_DFL) sigaction(signal, &action, nullptr);
    std::atexit(exit_with_note);
    std::at_quick_exit(exit_with_note);
  });
}

}  // namespace osiris

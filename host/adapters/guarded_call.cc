#include "host/adapters/guarded_call.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <mutex>

namespace osiris {
namespace {

thread_local const std::string* current_who = nullptr;
thread_local const char* current_stage = nullptr;
std::terminate_handler previous_handler = nullptr;

void write_text(const char* text) {
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, std::strlen(text));
}

void write_note(const char* what) {
  if (!current_who) return;
  write_text("osiris: adapter misbehaving: ");
  write_text(current_who->c_str());
  write_text(", ");
  write_text(current_stage);
  write_text(what);
  write_text("; the process cannot go on. Report it to the adapter's author.\n");
  current_who = nullptr;  // once: terminate leads to abort
}

[[noreturn]] void terminate_with_note() {
  write_note(": threw an exception through its C interface");
  if (previous_handler) previous_handler();
  std::abort();
}

// Async-signal-safe. SA_RESETHAND: abort() raises again, and that ends the process.
void abort_with_note(int) { write_note(": ended the process (abort, or an exception of its own C++ runtime)"); }

}  // namespace

CallNote::CallNote(const std::string& who, const char* stage) {
  current_who = &who;
  current_stage = stage;
}

CallNote::~CallNote() { current_who = nullptr; }

void install_terminate_note() {
  static std::once_flag once;
  std::call_once(once, [] {
    previous_handler = std::set_terminate(terminate_with_note);
    struct sigaction action {};
    action.sa_handler = abort_with_note;
    action.sa_flags = SA_RESETHAND;
    sigaction(SIGABRT, &action, nullptr);
  });
}

}  // namespace osiris

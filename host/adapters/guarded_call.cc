#include "host/adapters/guarded_call.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "host/adapters/instance.h"

namespace osiris {
namespace {

thread_local const std::string* current_who = nullptr;
thread_local const char* current_stage = nullptr;
std::terminate_handler previous_handler = nullptr;

void write_text(const char* text) {
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, std::strlen(text));
}

[[noreturn]] void terminate_with_note() {
  if (current_who) {
    write_text("osiris: adapter misbehaving: ");
    write_text(current_who->c_str());
    write_text(", ");
    write_text(current_stage);
    write_text(
        ": threw an exception through its C interface; the process cannot go on. Report it to the adapter's author.\n");
  }
  if (previous_handler) previous_handler();
  std::abort();
}

}  // namespace

CallNote::CallNote(const std::string& who, const char* stage) {
  current_who = &who;
  current_stage = stage;
}

CallNote::~CallNote() { current_who = nullptr; }

void install_terminate_note() { previous_handler = std::set_terminate(terminate_with_note); }

}  // namespace osiris

#include "protocol/base/thread.h"

#include <string>

#include "protocol/base/categories.h"

namespace osiris {

Error no_more_threads(std::string_view what) {
  return Error(Code::kExhausted, std::string(what) + ": the machine has no more threads",
               "Raise the limit of processes (`ulimit -u`) or of the container's pids, or run less at the same time.",
               category::kSystemResourceUnavailable);
}

bool begin_thread(std::thread& thread, std::function<void()> work) {
  try {
    thread = std::thread(std::move(work));
    return true;
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {  // nor memory for one
  }
  return false;
}

}  // namespace osiris

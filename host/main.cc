// osiris: compiles a pipeline and hands it to an adapter.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "host/adapters/isolated_adapter.h"
#include "host/adapters/isolated_process.h"
#include "host/commands/parse.h"
#include "host/run/exit_status.h"
#include "protocol/base/guarded_memory.h"

namespace {

// Started without one of the standard streams (`osiris run p.yaml >&-`), the next file opened would take its number,
// and what is meant for the user would be written into a session.
bool fill_standard_streams() {
  for (int fd = 0; fd < 3; ++fd)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd) return false;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  osiris::guard_memory();
  if (!fill_standard_streams()) return osiris::to_int(osiris::ExitCode::kAdapterFailed);
  // A reader that goes away (osiris runs list | head) is an error of write(2), not a death.
  signal(SIGPIPE, SIG_IGN);
  // Inherited as ignored, the kernel would reap the worker and its exit status would be lost.
  signal(SIGCHLD, SIG_DFL);
  osiris::set_isolation_program("/proc/self/exe");
  const bool is_adapters = argc == 2 && argv[1] == osiris::kIsolatedAdapterWord;
  const int status = is_adapters ? osiris::run_isolated_adapter() : osiris::run_command_line(argc, argv);
#ifndef OSIRIS_INSTRUMENTED  // whose reports are written at exit
  // A destructor or an atexit function of an adapter must not have the last word on how the run ended.
  std::fflush(nullptr);
  _exit(status);
#endif
  return status;
}

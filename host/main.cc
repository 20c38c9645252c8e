// osiris: compiles a pipeline and hands it to an adapter.
#include <signal.h>

#include "host/commands/parse.h"

int main(int argc, char** argv) {
  // A reader that goes away (osiris runs list | head) is an error of write(2), not a death.
  signal(SIGPIPE, SIG_IGN);
  return osiris::run_command_line(argc, argv);
}

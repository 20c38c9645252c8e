// The process that a case runs in: it reads its task from standard input, becomes as osiris is when it loads an
// adapter, runs the case and leaves a verdict in the case's directory. That the verdict is there, and the process ended
// as the case said, is for the process that started it to see (runner.h).
#pragma once

namespace osiris::check {

// Does not return to be gone on with: the process ends within.
int run_child();

}  // namespace osiris::check

// `osiris-worker --supervise [--as USER] PROGRAM ARGUMENTS...`: runs a program of the user's so that nothing it starts
// outlives it. The supervisor adopts every descendant whose own parent ended, also one that began a session of its own,
// and kills them all when the program ends, when it is told to (SIGTERM: the program gets one too, and a moment), and
// when the worker dies, however that happens. It ends the way the program did: same exit status, same signal.
#pragma once

namespace osiris::worker {

// `program`: null-terminated, [0] absolute; before it "--as" and a user id of protocol/base/own_user.h, which the
// program then has. Runs it with this process's environment, directory and streams.
int supervise(char** program);

}  // namespace osiris::worker

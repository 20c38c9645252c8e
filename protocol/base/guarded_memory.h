// What a process does whose memory holds other people's secrets, before it holds any.
#pragma once

namespace osiris {

// From now on no core file is written of this process, and no process of the same user reads its memory, its
// environment or its descriptors (PR_SET_DUMPABLE 0: only one with CAP_SYS_PTRACE may). Its children start out without
// core files too, and are readable again once they have called exec. A debugger has to attach as root.
void guard_memory();

}  // namespace osiris

// The processes that descend from this one, however they were started.
#pragma once

namespace osiris::worker {

// The caller is a child subreaper (prctl(2)). SIGKILL to every child, grandchild and so on, reaped where they are ours.
void kill_descendants();

}  // namespace osiris::worker

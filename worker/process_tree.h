// The processes that descend from this one, however they were started.
#pragma once

namespace osiris::worker {

// SIGKILL to every child, grandchild and so on, reaped where they are ours.
void kill_descendants();

}  // namespace osiris::worker

// Work that a caller does on several threads, and waits for.
#pragma once

#include <cstddef>
#include <functional>

namespace osiris {

// Calls work(0) on this thread and work(1) to work(count - 1) on one of their own each, and returns once all have
// ended. No more are begun where the machine has no more threads, as a memory limit refuses their stacks: `work` takes
// what there is to do from one place for all, so that the others do it. What `work` throws is thrown again here, the
// first of several; how the others learn of it is up to `work`.
void side_by_side(size_t count, const std::function<void(size_t)>& work);

}  // namespace osiris

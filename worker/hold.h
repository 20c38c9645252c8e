// `osiris-worker --hold DIR`: a worker that outlives the stream by which it is reached, for machines whose connection
// may break (ssh, kubectl, docker).
//
//   --hold DIR --lease SECONDS   starts a holder, which starts the worker, and attaches to it
//   --hold DIR --attach          attaches again
//   --hold DIR --renew           the holder lives for another lease
//
// The client that attaches hands its descriptors 0 to 2 over and ends as the worker ends; the one before it is let go.
// While no client is attached the worker goes on, and what it writes is dropped: records are asked for again by number.
// Attaching, input and --renew renew the lease; when it is over the worker and all it started are ended, and so is the
// holder. DIR is of its owner alone: `pid` there is the worker's while it lives, and how it ended stays in `ended`.
#pragma once

#include <string>
#include <vector>

namespace osiris::worker {

// What follows --hold. The exit status.
int hold(const std::vector<std::string>& arguments);

}  // namespace osiris::worker

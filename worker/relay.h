// `osiris-worker --relay`: one process for many runs, each in a worker of its own, one after the other. What a run
// needs comes on stdin before the run in front of it has ended, so that the machine is never idle between two
// (docs/worker-protocol.md, "Many runs over one stream").
#pragma once

namespace osiris::worker {

// Until stdin ends or a signal comes; ends the worker that runs. The exit status.
int relay();

}  // namespace osiris::worker

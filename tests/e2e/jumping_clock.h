// Sets the wall clock of the osiris under test, and of nothing else, while it runs (clock_jump.c).
#pragma once

#include <string>

#include "tests/e2e/project.h"

namespace osiris::e2e {

class JumpingClock {
 public:
  // Every osiris that `project` starts from now on listens. The project must outlive this.
  explicit JumpingClock(Project& project);

  void jump(int seconds) const;
  // Returns when the newest run has taken two more heartbeats of its worker: whatever looks at a clock while it waits
  // has looked. Fails the test after 30 s.
  void await_two_heartbeats() const;
  // By how much the wall clock of a run moved from its first record to its last one, less the time the run took by its
  // own account.
  double seen_jump_s() const;

 private:
  size_t heartbeats() const;
  const Project& project_;
};

}  // namespace osiris::e2e

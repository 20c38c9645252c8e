#include "protocol/base/guarded_memory.h"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace osiris {

void guard_memory() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_CORE, &limit) == 0) {
    limit.rlim_cur = 0;
    ::setrlimit(RLIMIT_CORE, &limit);
  }
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // also where a core goes to a program, which asks no limit
}

}  // namespace osiris

#include "worker/memory_policy.h"

#include <malloc.h>
#include <sys/resource.h>

#include "worker/sysinfo.h"

namespace osiris::worker {

void set_memory_policy() {
  // Two arenas, because each keeps holes of its own. A fixed threshold, because glibc's own grows up to 32 MiB and then
  // keeps blocks of that size; not a low one, because mapping each of the engine's 256 KiB blocks afresh costs a fifth
  // of the time.
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

void return_free_memory(uint64_t above_bytes) {
  if (rss_bytes() > above_bytes) ::malloc_trim(0);
}

void limit_data(uint64_t bytes) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose shadows are data too
  rlimit limit{};
  if (::getrlimit(RLIMIT_DATA, &limit) != 0 || limit.rlim_cur <= bytes) return;
  limit.rlim_cur = bytes;  // the hard one stays, so that it can be lifted
  ::setrlimit(RLIMIT_DATA, &limit);
#else
  static_cast<void>(bytes);
#endif
}

void lift_data_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_DATA, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_DATA, &limit);
}

}  // namespace osiris::worker

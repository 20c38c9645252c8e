#include "worker/sysinfo.h"

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>

namespace osiris::worker {
namespace {

std::string read_small(const char* path) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  char block[4096];
  const ssize_t got = ::read(fd, block, sizeof block);
  ::close(fd);
  return got > 0 ? std::string(block, static_cast<size_t>(got)) : std::string();
}

uint64_t to_ms(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1000 + static_cast<uint64_t>(time.tv_usec) / 1000;
}

// Every process and its parent.
std::multimap<pid_t, pid_t> children_by_parent() {
  std::multimap<pid_t, pid_t> children;
  DIR* directory = ::opendir("/proc");
  if (!directory) return children;
  while (const dirent* entry = ::readdir(directory)) {
    const pid_t pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (pid <= 0) continue;
    // "pid (name) state ppid": the name may hold anything, its last ')' ends it.
    const std::string stat = read_small(("/proc/" + std::to_string(pid) + "/stat").c_str());
    const size_t end = stat.rfind(')');
    if (end == std::string::npos || stat.size() < end + 5) continue;
    children.emplace(static_cast<pid_t>(std::strtol(stat.c_str() + end + 4, nullptr, 10)), pid);
  }
  ::closedir(directory);
  return children;
}

}  // namespace

uint64_t rss_bytes() {
  const std::string statm = read_small("/proc/self/statm");
  const size_t blank = statm.find(' ');
  if (blank == std::string::npos) return 0;
  return std::strtoull(statm.c_str() + blank, nullptr, 10) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

uint64_t cpu_ms() {
  rusage own{}, children{};
  ::getrusage(RUSAGE_SELF, &own);
  ::getrusage(RUSAGE_CHILDREN, &children);
  return to_ms(own.ru_utime) + to_ms(own.ru_stime) + to_ms(children.ru_utime) + to_ms(children.ru_stime);
}

unsigned core_count() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
  return static_cast<unsigned>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
}

void economise_memory() {
  // Two arenas, because each keeps holes of its own. A fixed threshold, because glibc's own grows up to 32 MiB and then keeps
  // blocks of that size; not a low one, because mapping each of the engine's 256 KiB blocks afresh costs a fifth of the time.
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

void kill_descendants() {
  // A process may fork while we look: look again until nothing new turns up.
  std::set<pid_t> killed;
  for (size_t before = 1; before != killed.size();) {
    before = killed.size();
    const auto children = children_by_parent();
    std::set<pid_t> parents = {::getpid()};
    parents.insert(killed.begin(), killed.end());
    while (!parents.empty()) {
      const pid_t parent = *parents.begin();
      parents.erase(parents.begin());
      for (auto [child, end] = children.equal_range(parent); child != end; ++child) {
        if (!killed.insert(child->second).second) continue;
        ::kill(child->second, SIGKILL);
        parents.insert(child->second);
      }
    }
    if (killed.empty()) return;
  }
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

}  // namespace osiris::worker

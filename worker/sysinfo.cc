#include "worker/sysinfo.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "protocol/base/file.h"

namespace osiris::worker {
namespace {

uint64_t to_ms(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1000 + static_cast<uint64_t>(time.tv_usec) / 1000;
}

}  // namespace

uint64_t rss_bytes() {
  const auto read = read_file("/proc/self/statm");
  const std::string statm = read ? *read : std::string();
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

}  // namespace osiris::worker

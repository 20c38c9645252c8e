#include "worker/process_tree.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include "protocol/base/file.h"

namespace osiris::worker {
namespace {

// Every process and its parent.
std::multimap<pid_t, pid_t> children_by_parent() {
  std::multimap<pid_t, pid_t> children;
  DIR* directory = ::opendir("/proc");
  if (!directory) return children;
  while (const dirent* entry = ::readdir(directory)) {
    const pid_t pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (pid <= 0) continue;
    // "pid (name) state ppid": the name may hold anything, its last ')' ends it.
    const auto read = read_file("/proc/" + std::to_string(pid) + "/stat");
    const std::string stat = read ? *read : std::string();  // it has ended meanwhile
    const size_t end = stat.rfind(')');
    if (end == std::string::npos || stat.size() < end + 5) continue;
    children.emplace(static_cast<pid_t>(std::strtol(stat.c_str() + end + 4, nullptr, 10)), pid);
  }
  ::closedir(directory);
  return children;
}

bool has_child() {
  siginfo_t ignored;
  return ::waitid(P_ALL, 0, &ignored, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

}  // namespace

void kill_descendants() {
  // A descendant whose parents have ended is this process's child: without a child there is none, and the machine's
  // processes need not be read.
  if (!has_child()) return;
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

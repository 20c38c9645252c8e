// The processes that another one has started, as the kernel lists them.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "protocol/base/file.h"

namespace osiris::test {

// Those that any of its threads started and that it has not waited for; empty where there is no such process.
inline std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  std::error_code ended;  // a thread or the process, while it is looked at
  const std::filesystem::path tasks = "/proc/" + std::to_string(parent) + "/task";
  for (std::filesystem::directory_iterator task(tasks, ended), end; !ended && task != end; task.increment(ended)) {
    std::ifstream pids(task->path() / "children");
    for (pid_t pid = 0; pids >> pid;) children.push_back(pid);
  }
  return children;
}

// Its words as it was started with them, one after the other, each ended by NUL; empty once it has ended.
inline std::string words_of(pid_t process) {
  const auto words = read_file("/proc/" + std::to_string(process) + "/cmdline", 1 << 20);
  return words.ok() ? *words : std::string();
}

}  // namespace osiris::test

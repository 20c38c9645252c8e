// For tests that start processes: is anything of a process group still running?
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "tests/support/eventually.h"

namespace osiris::test {

// Dead orphans that init has not reaped yet do not count.
inline bool group_runs(pid_t group) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const Result<std::string> stat = read_file(entry.path() / "stat", 4096);
    const size_t name_end = stat ? stat->rfind(") ") : std::string::npos;
    if (name_end == std::string::npos) continue;
    const std::vector<std::string> fields = split(stat->substr(name_end + 2), ' ');  // state, parent, group
    if (fields.size() > 2 && fields[2] == std::to_string(group) && fields[0] != "Z" && fields[0] != "X") return true;
  }
  return false;
}

// Waits until nothing of it runs; a killed process needs a moment to die.
inline bool group_is_gone(pid_t group) {
  return eventually([&] { return !group_runs(group); });
}

}  // namespace osiris::test

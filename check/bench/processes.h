// Processes and threads as /proc shows them: what an adapter started, what it gave its children, and what is left.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/base/json.h"

namespace osiris::check {

std::vector<pid_t> thread_ids();  // of this process
std::vector<pid_t> children();    // of this process, zombies included
// Alive processes below this one, children of children included; not zombies.
std::vector<pid_t> descendants();
std::vector<pid_t> descendants_of(pid_t parent);

struct ProcessView {
  pid_t pid = 0;
  std::string program;                // its name
  std::string arguments, variables;   // as text, lines
  uint64_t blocked = 0, ignored = 0;  // signals, as /proc shows them
  std::string streams[3];             // what 0, 1 and 2 lead to; empty: closed
};
// Fields stay empty where the process ended meanwhile.
ProcessView view_of(pid_t pid);
Json to_json(const ProcessView& view);
ProcessView view_from_json(const Json& json);

// This process becomes the one that orphans below it fall to.
void become_reaper();
// Waits until nothing alive is below this process; what is left after `limit_ms` of a Patience.
std::vector<pid_t> left_after(int64_t limit_ms);
// Kills and waits for everything below this process.
void end_descendants();

}  // namespace osiris::check

// Sees what a call asks the system for, and refuses it: a filter of seccomp(2) on this process that turns the watched
// calls into notes. For calls that may not open the network, write, or start anything.
//
// It cannot be taken off again: a case that uses it is about nothing else. Threads that exist already are not watched.
#pragma once

#include <string>
#include <vector>

namespace osiris::check {

struct Watched {
  bool network = false;    // sockets of the internet
  bool writes = false;     // opening files to write, making and removing them
  bool processes = false;  // fork, vfork, exec
  bool threads = false;    // clone
};

// False where this machine has no such filter; `why` says it.
bool watch_syscalls(const Watched& watched, std::string& why);

// What was asked for and refused since, each once: "socket of the internet", "opening /x to write".
std::vector<std::string> refused_syscalls();

}  // namespace osiris::check

// What must hold after every run through a faulty service, however it ended.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "tests/e2b/sandboxed_project.h"

namespace osiris::e2b_test {

// A value that must be nowhere but in a StreamInput.
inline constexpr const char* kCanary = "canary-7f3a9c1d55e0";

// How one run ended, and everything about it that must never be.
struct Ended {
  int exit = -1;
  std::string error_class;  // of the run's error, from its session
  bool hit = false;         // the fault that was planned struck
  bool last_hit = false;    // ... the last one of the plan
  std::vector<std::string> complaints;
  std::string log;  // what a person needs to see of it
  double seconds = 0;
};

// Processes below this one.
size_t count_descendants(pid_t root);

// Of an error: class, remedy, request id, and whether a retry was tried.
void check_error(ServerProcess& server, const Project& project, const Outcome& outcome, Ended& ended);

// Of any run: nothing of it is left, nothing leaked, every output is whole or absent. `outputs`: file below the project
// -> its only right content. `kept_max`: how many sandboxes may stay.
void check_invariants(ServerProcess& server, const Project& project, const Outcome& outcome,
                      const std::map<std::string, std::string>& outputs, Ended& ended, int kept_max = 0);

}  // namespace osiris::e2b_test

// What of a process belongs to the host and has to be as it was when a call has returned.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace osiris::check {

// By aspect, as text: "signal handlers", "signal mask", "working directory", "environment", "locale", "umask",
// "limits", "standard streams", "descriptors", "threads", "children", "timers".
using ProcessState = std::map<std::string, std::string>;

ProcessState process_state();  // of the calling thread's process

// What of `aspect` is another now; empty: nothing.
std::string difference(const ProcessState& before, const ProcessState& after, const std::string& aspect);
// The same to what is now, where it does not go away within a moment: the system lists a thread that was joined until
// it has taken it down.
std::string lasting_difference(const ProcessState& before, const std::string& aspect);

// Aspects in a fixed order.
const std::vector<std::string>& process_aspects();

// Of this process's threads but the calling one: those that do not block SIGINT, SIGTERM and SIGHUP.
std::vector<std::string> threads_that_take_signals();

}  // namespace osiris::check

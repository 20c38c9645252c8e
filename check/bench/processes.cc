#include "check/bench/processes.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <thread>

#include "check/bench/patience.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris::check {
namespace {

namespace fs = std::filesystem;

std::string proc(pid_t pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

std::vector<pid_t> numbered_entries(const fs::path& directory) {
  std::vector<pid_t> numbers;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (!name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }))
      numbers.push_back(static_cast<pid_t>(std::stol(name)));
  }
  return numbers;
}

struct Stat {
  char state = 'Z';
  pid_t parent = 0;
  std::string name;
};

Stat stat_of(pid_t pid) {
  const auto text = read_file(proc(pid, "stat"));
  Stat stat;
  if (!text.ok()) return stat;
  const size_t open = text->find('('), close = text->rfind(')');
  if (open == std::string::npos || close == std::string::npos || close + 4 > text->size()) return stat;
  stat.name = text->substr(open + 1, close - open - 1);
  stat.state = (*text)[close + 2];
  stat.parent = static_cast<pid_t>(std::stol(text->substr(close + 4)));
  return stat;
}

std::string lines_of(std::string text) {
  std::replace(text.begin(), text.end(), '\0', '\n');
  return text;
}

uint64_t set_in(const std::string& status, const char* name) {
  const size_t at = status.find(name);
  if (at == std::string::npos) return 0;
  return std::stoull(status.substr(at + std::string_view(name).size(), 18), nullptr, 16);
}

}  // namespace

std::vector<pid_t> thread_ids() { return numbered_entries("/proc/self/task"); }

std::vector<pid_t> children() {
  std::vector<pid_t> found;
  for (const pid_t pid : numbered_entries("/proc"))
    if (stat_of(pid).parent == ::getpid()) found.push_back(pid);
  return found;
}

std::vector<pid_t> descendants_of(pid_t ancestor) {
  std::multimap<pid_t, pid_t> by_parent;
  std::map<pid_t, bool> alive;
  for (const pid_t pid : numbered_entries("/proc")) {
    const Stat stat = stat_of(pid);
    by_parent.emplace(stat.parent, pid);
    alive[pid] = stat.state != 'Z' && stat.state != 'X';
  }
  std::vector<pid_t> found, open = {ancestor};
  while (!open.empty()) {
    const pid_t parent = open.back();
    open.pop_back();
    const auto [from, to] = by_parent.equal_range(parent);
    for (auto at = from; at != to; ++at) {
      open.push_back(at->second);
      if (alive[at->second]) found.push_back(at->second);
    }
  }
  return found;
}

std::vector<pid_t> descendants() { return descendants_of(::getpid()); }

ProcessView view_of(pid_t pid) {
  ProcessView view;
  view.pid = pid;
  view.program = stat_of(pid).name;
  // Read once: it may end at any moment.
  if (auto arguments = read_file(proc(pid, "cmdline")); arguments.ok())
    view.arguments = lines_of(*std::move(arguments));
  if (auto variables = read_file(proc(pid, "environ")); variables.ok())
    view.variables = lines_of(*std::move(variables));
  if (const auto status = read_file(proc(pid, "status")); status.ok()) {
    view.blocked = set_in(*status, "SigBlk:");
    view.ignored = set_in(*status, "SigIgn:");
  }
  for (int number = 0; number < 3; ++number) {
    std::error_code error;
    const fs::path target = fs::read_symlink(proc(pid, ("fd/" + std::to_string(number)).c_str()), error);
    if (!error) view.streams[number] = target.string();
  }
  return view;
}

Json to_json(const ProcessView& view) {
  return Json::object({{"pid", int64_t{view.pid}},
                       {"program", view.program},
                       {"arguments", view.arguments},
                       {"variables", view.variables},
                       {"blocked", view.blocked},
                       {"ignored", view.ignored},
                       {"streams", Json::array({view.streams[0], view.streams[1], view.streams[2]})}});
}

ProcessView view_from_json(const Json& json) {
  ProcessView view;
  view.pid = static_cast<pid_t>(json["pid"].as_int());
  view.program = json["program"].as_string();
  view.arguments = json["arguments"].as_string();
  view.variables = json["variables"].as_string();
  view.blocked = json["blocked"].as_uint();
  view.ignored = json["ignored"].as_uint();
  for (size_t number = 0; number < 3 && number < json["streams"].size(); ++number)
    view.streams[number] = json["streams"].items()[number].as_string();
  return view;
}

void become_reaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

std::vector<pid_t> left_after(int64_t limit_ms) {
  std::vector<pid_t> left;
  wait_patiently(limit_ms, [&left] { return (left = descendants()).empty(); });
  return left;
}

void end_descendants() {
  for (int round = 0; round < 100; ++round) {
    const std::vector<pid_t> left = descendants();
    for (const pid_t pid : left) ::kill(pid, SIGKILL);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    if (left.empty()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace osiris::check

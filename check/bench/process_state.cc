#include "check/bench/process_state.h"

#include <dirent.h>
#include <locale.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "check/bench/patience.h"
#include "check/bench/processes.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

extern char** environ;

namespace osiris::check {
namespace {

namespace fs = std::filesystem;

std::string handlers() {
  std::string text;
  for (int signal = 1; signal < SIGRTMAX; ++signal) {
    struct sigaction action{};
    if (signal == SIGSYS || ::sigaction(signal, nullptr, &action) != 0) continue;  // SIGSYS: of SyscallWatch
    const bool is_default = action.sa_handler == SIG_DFL, is_ignored = action.sa_handler == SIG_IGN;
    if (is_default) continue;
    text += std::to_string(signal) + (is_ignored ? "=ignored " : "=a function ");
  }
  return text;
}

std::string mask() {
  sigset_t set;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &set);
  std::string text;
  for (int signal = 1; signal < 65; ++signal)
    if (sigismember(&set, signal) == 1) text += std::to_string(signal) + " ";
  return text;
}

std::string environment() {
  std::string text;
  for (char** at = environ; at && *at; ++at) text += std::string(*at) + "\n";
  return text;
}

std::string limits() {
  std::string text;
  for (int limit = 0; limit < RLIM_NLIMITS; ++limit) {
    struct rlimit value{};
    if (::getrlimit(static_cast<__rlimit_resource_t>(limit), &value) == 0)
      text += std::to_string(limit) + "=" + std::to_string(value.rlim_cur) + " ";
  }
  return text;
}

std::string creation_mask() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return std::to_string(mask);
}

// Which file each number leads to. A socket or pipe has a number of its own.
std::string descriptors(int from, int to) {
  std::string text;
  std::error_code error;
  std::set<int> numbers;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd", error))
    numbers.insert(std::stoi(entry.path().filename().string()));
  for (const int number : numbers) {
    const fs::path target = fs::read_symlink("/proc/self/fd/" + std::to_string(number), error);
    if (error || number < from || number > to) continue;
    if (target.string().starts_with("/proc/")) continue;  // the directory that is read here
    text += std::to_string(number) + "=" + target.string() + " ";
  }
  return text;
}

std::string timers() {
  struct itimerval timer{};
  std::string text;
  for (const auto which : {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF})
    if (::getitimer(which, &timer) == 0 && (timer.it_value.tv_sec || timer.it_value.tv_usec)) text += "set ";
  return text;
}

}  // namespace

const std::vector<std::string>& process_aspects() {
  static const std::vector<std::string> aspects = {
      "signal handlers", "signal mask",      "working directory", "environment", "locale",   "umask",
      "limits",          "standard streams", "descriptors",       "threads",     "children", "timers"};
  return aspects;
}

ProcessState process_state() {
  std::error_code error;
  ProcessState state;
  state["signal handlers"] = handlers();
  state["signal mask"] = mask();
  state["working directory"] = fs::current_path(error).string();
  state["environment"] = environment();
  const char* const locale = ::setlocale(LC_ALL, nullptr);
  state["locale"] = locale ? locale : "";
  state["umask"] = creation_mask();
  state["limits"] = limits();
  state["standard streams"] = descriptors(0, 2);
  state["descriptors"] = descriptors(3, 1 << 20);
  state["threads"] = std::to_string(thread_ids().size());
  state["children"] = std::to_string(children().size());
  state["timers"] = timers();
  return state;
}

std::string difference(const ProcessState& before, const ProcessState& after, const std::string& aspect) {
  const std::string &was = before.at(aspect), &is = after.at(aspect);
  if (was == is) return {};
  std::set<std::string> old;
  for (const std::string& word : split(was, aspect == "environment" ? '\n' : ' ')) old.insert(word);
  std::string added;
  for (const std::string& word : split(is, aspect == "environment" ? '\n' : ' '))
    if (!old.erase(word)) added += (added.empty() ? "" : " ") + word;
  old.erase("");
  std::string gone;
  for (const std::string& word : old) gone += (gone.empty() ? "" : " ") + word;
  return aspect + ": " + (gone.empty() ? "" : "was " + gone + "; ") + "is now " + (added.empty() ? "less" : added);
}

std::string lasting_difference(const ProcessState& before, const std::string& aspect) {
  constexpr int64_t kMomentMs = 100;
  std::string what;
  wait_patiently(kMomentMs, [&] { return (what = difference(before, process_state(), aspect)).empty(); });
  return what;
}

std::vector<std::string> threads_that_take_signals() {
  std::vector<std::string> found;
  const pid_t self = static_cast<pid_t>(::syscall(SYS_gettid));
  for (const pid_t thread : thread_ids()) {
    if (thread == self) continue;
    const auto status = read_file("/proc/self/task/" + std::to_string(thread) + "/status");
    if (!status.ok()) continue;
    const size_t at = status->find("SigBlk:");
    if (at == std::string::npos) continue;
    const uint64_t blocked = std::stoull(status->substr(at + 7, 18), nullptr, 16);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
      if (!(blocked >> (signal - 1) & 1)) {
        found.push_back("thread " + std::to_string(thread));
        break;
      }
  }
  return found;
}

}  // namespace osiris::check

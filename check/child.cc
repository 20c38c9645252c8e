#include "check/child.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "check/bench/bench.h"
#include "check/bench/processes.h"
#include "check/case.h"
#include "check/describe.h"
#include "host/adapters/guarded_call.h"
#include "protocol/base/fd.h"
#include "protocol/base/file.h"

namespace osiris::check {
namespace {

bool lead_to(int number, const std::filesystem::path& file, int flags) {
  const FileDescriptor opened = FileDescriptor::open(file, flags, 0600);
  return opened.is_open() && ::dup2(opened.get(), number) == number;
}

// As in osiris's main (host/main.cc, host/run/interrupts.h), before anything is loaded.
void become_a_host() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  become_reaper();
  install_terminate_handler();
}

// Why the case cannot be: what it needs and this adapter or machine has not. Empty: it can.
std::string what_is_missing(const Case& chosen, Bench& bench) {
  if (chosen.needs & kManifest) {
    if (bench.task().manifest.empty()) return "there is no manifest <id>.adapter.toml beside the library";
    if (!bench.manifest() && chosen.id != "manifest.is-read") return "osiris does not read the manifest";
  }
  if ((chosen.needs & kShared) && bench.manifest() && bench.manifest()->isolate)
    return "osiris gives the adapter a process of its own, as its manifest asks";
  if (!(chosen.needs & ~unsigned{kManifest | kShared})) return {};
  if (const Status loaded = bench.load(); !loaded.ok()) return "the library does not load: " + loaded.error().message;
  if (!(chosen.needs & ~unsigned{kManifest | kLoaded | kShared})) return {};
  if (!bench.defects().empty()) return "the tables have defects: " + bench.defects().front();
  return {};
}

}  // namespace

int run_child() {
  auto text = read_all(STDIN_FILENO, "the task", uint64_t{16} << 20);
  const auto json = text.ok() ? parse_json(*text) : Result<Json>(text.error());
  if (!json.ok()) {
    std::fprintf(stderr, "osiris-adapter-check: no task on standard input: %s\n", json.error().message.c_str());
    return 2;
  }
  Bench bench(task_from_json(*json));
  const auto& directory = bench.task().directory;
  if (!lead_to(0, "/dev/null", O_RDONLY) || !lead_to(1, directory / "stdout", O_WRONLY | O_CREAT | O_TRUNC) ||
      !lead_to(2, directory / "stderr", O_WRONLY | O_CREAT | O_APPEND))
    return 2;
  become_a_host();
  if (bench.task().case_id == kDescription) {
    describe(bench);
    bench.end();
  }
  for (const Case& chosen : all_cases()) {
    if (chosen.id != bench.task().case_id) continue;
    if (const std::string missing = what_is_missing(chosen, bench); !missing.empty())
      bench.skip(missing);
    else
      chosen.run(bench);
    bench.end();
  }
  return 2;
}

}  // namespace osiris::check

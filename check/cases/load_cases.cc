// Loading the library and asking its entry: nothing else may happen then.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <new>
#include <thread>

#include "check/bench/bench.h"
#include "check/bench/lent_memory.h"
#include "check/bench/patience.h"
#include "check/bench/process_state.h"
#include "check/bench/processes.h"
#include "check/bench/syscall_watch.h"
#include "check/case.h"
#include "host/adapters/abi_text.h"
#include "host/adapters/module_check.h"
#include "protocol/base/clock.h"
#include "protocol/base/file.h"

namespace osiris::check {
namespace {

namespace fs = std::filesystem;

bool loads(Bench& bench) {
  const Status loaded = bench.load();
  return loaded.ok() || bench.expect(false, loaded.error().message);
}

void is_loaded(Bench& bench) { loads(bench); }

void prints_nothing(Bench& bench) {
  if (!loads(bench)) return;
  std::fflush(nullptr);
  for (const char* stream : {"stdout", "stderr"}) {
    const auto text = read_file(bench.task().directory / stream);
    bench.expect(!text.ok() || text->empty(), std::string("it wrote to ") + stream + ": " + (text.ok() ? *text : ""));
  }
}

struct LoadingCost {
  bool is_known = false;
  double used_ms = 0;  // of the processor, which other programs hardly lengthen
  double ms = 0;       // by the clock, of a machine that does nothing else: what waits
};

// In a process of its own: a library is loaded once.
LoadingCost cost_of_loading(Bench& bench) {
  void* const shared = ::mmap(nullptr, sizeof(LoadingCost), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return {};
  auto* const cost = new (shared) LoadingCost;
  const double busy_before = busyness();
  const pid_t loader = ::fork();
  if (loader == 0) {
    const int64_t began = system_clock().monotonic_ns();
    const clock_t processor = ::clock();
    cost->is_known = bench.load().ok();
    cost->used_ms = static_cast<double>(::clock() - processor) * 1e3 / CLOCKS_PER_SEC;
    cost->ms = static_cast<double>(system_clock().monotonic_ns() - began) / 1e6;
    _exit(0);
  }
  if (loader > 0) ::waitpid(loader, nullptr, 0);
  LoadingCost known = *cost;
  known.ms /= std::max(busy_before, busyness());
  ::munmap(shared, sizeof(LoadingCost));
  return known;
}

// What a busy machine makes longer now and then, a library makes longer each time.
void is_quick(Bench& bench) {
  constexpr double kProcessorMs = 100, kClockMs = 500;
  LoadingCost best;
  for (int i = 0; i < 3 && (!best.is_known || best.used_ms >= kProcessorMs || best.ms >= kClockMs); ++i) {
    const LoadingCost cost = cost_of_loading(bench);
    if (!cost.is_known) break;
    best = best.is_known ? LoadingCost{true, std::min(best.used_ms, cost.used_ms), std::min(best.ms, cost.ms)} : cost;
  }
  if (!loads(bench)) return;
  bench.note(std::to_string(static_cast<int>(best.used_ms * 1000)) + " µs of the processor");
  bench.expect(best.used_ms < kProcessorMs, "it took " + std::to_string(best.used_ms) + " ms of the processor");
  bench.expect(best.ms < kClockMs, "it took " + std::to_string(best.ms) + " ms");
}

std::function<void(Bench&)> leaves(const char* aspect) {
  return [aspect](Bench& bench) {
    const ProcessState before = process_state();
    if (!loads(bench)) return;
    if (const std::string what = lasting_difference(before, aspect); !what.empty()) bench.fail(what);
  };
}

// A language's runtime may start threads of its own when it is loaded; a signal for the host must not end in one.
void threads_block_signals(Bench& bench) {
  if (!loads(bench)) return;
  for (const std::string& thread : threads_that_take_signals())
    bench.fail(thread + " does not block SIGINT, SIGTERM and SIGHUP, which the host had blocked");
}

std::function<void(Bench&)> refuses(Watched watched) {
  return [watched](Bench& bench) {
    std::string why;
    if (!watch_syscalls(watched, why)) return bench.skip(why);
    const Status loaded = bench.load();
    for (const std::string& what : refused_syscalls()) bench.fail("it asked for " + what);
    if (!loaded.ok() && !bench.failed()) bench.fail(loaded.error().message);
  };
}

void gives_the_same_table_again(Bench& bench) {
  if (!loads(bench)) return;
  const std::string library = bench.task().library.string(), manifest = bench.task().manifest.string();
  const osiris_host_info info = {sizeof info, kHostAbi, abi_str(library), abi_str_or_absent(manifest)};
  for (int i = 0; i < 3; ++i)
    bench.expect(bench.entry()(&info) == bench.module(), "asked again, the entry returned another table");
}

void takes_info_at_a_pages_end(Bench& bench) {
  if (!loads(bench)) return;
  const std::string library = bench.task().library.string(), manifest = bench.task().manifest.string();
  LentMemory memory(Placement::kPageEnd);
  const osiris_host_info info = {sizeof info, kHostAbi, memory.text(abi_str(library)),
                                 memory.text(abi_str_or_absent(manifest))};
  bench.stand_at("the entry function, with memory that ends at a page");
  bench.expect(bench.entry()(memory.table(info)) == bench.module(), "the entry returned another table");
  memory.take_back();
  bench.expect(bench.module()->size != 0, "the table is not readable any more");
}

void takes_a_newer_host(Bench& bench) {
  if (!loads(bench)) return;
  const std::string library = bench.task().library.string();
  LentMemory memory(Placement::kHeap);
  const osiris_host_info info = {sizeof info, OSIRIS_ABI(1, 9), abi_str(library), {nullptr, 0}};
  const osiris_module* module = bench.entry()(memory.table(info, 64));
  bench.expect(module && negotiate_abi(module, library).ok(),
               "it gives a host of the ABI 1.9 no table that it can use");
}

void is_asked_from_another_thread(Bench& bench) {
  if (!loads(bench)) return;
  const osiris_module* module = nullptr;
  std::thread([&] {
    const std::string library = bench.task().library.string(), manifest = bench.task().manifest.string();
    const osiris_host_info info = {sizeof info, kHostAbi, abi_str(library), abi_str_or_absent(manifest)};
    module = bench.entry()(&info);
  }).join();
  bench.expect(module == bench.module(), "another thread was given another table");
}

void is_loaded_elsewhere(Bench& bench) {
  if (::chdir("/") != 0) return bench.skip("this process may not go to /");
  ::setenv("LD_LIBRARY_PATH", "", 1);
  loads(bench);
}

std::function<void(Bench&)> ends_with(int status) {
  return [status](Bench& bench) {
    if (loads(bench)) bench.end_by_exit(status);
  };
}

}  // namespace

std::vector<Case> load_cases() {
  std::vector<Case> cases = {
      {"load.is-loaded",
       "The library loads, with everything bound, and its entry returns tables that a 1.x host takes.", is_loaded,
       kNothing},
      {"load.prints-nothing", "Loading prints nothing.", prints_nothing, kNothing},
      {"load.is-quick", "Loading takes less than 100 ms of the processor.", is_quick, kNothing},
      {"load.elsewhere", "The library loads from any working directory and without LD_LIBRARY_PATH.",
       is_loaded_elsewhere, kNothing},
      {"load.threads-block-signals",
       "Threads that a runtime starts when it is loaded leave the host's signals to the host.", threads_block_signals,
       kNothing},
      {"load.no-network", "Loading opens no network connection.", refuses({.network = true}), kNothing},
      {"load.no-writing", "Loading writes no file.", refuses({.writes = true}), kNothing},
      {"load.no-process", "Loading starts no process.", refuses({.processes = true}), kNothing},
      {"load.same-table-again", "Asked again with the same paths, the entry returns the same table.",
       gives_the_same_table_again, kLoaded},
      {"load.info-at-pages-end", "The entry reads nothing past the end of what it is told, and keeps none of it.",
       takes_info_at_a_pages_end, kLoaded},
      {"load.newer-host", "A host of a later minor version, with a longer struct, is served too.", takes_a_newer_host,
       kLoaded},
      {"load.any-thread", "The entry may be asked from any thread.", is_asked_from_another_thread, kLoaded},
      {"load.exit-0", "A process that has loaded the library ends with status 0 when it says so.", ends_with(0),
       kNothing},
      {"load.exit-7", "A process that has loaded the library ends with the status that it chose.", ends_with(7),
       kNothing},
  };
  const std::pair<const char*, const char*> aspects[] = {{"load.keeps-signal-handlers", "signal handlers"},
                                                         {"load.keeps-signal-mask", "signal mask"},
                                                         {"load.keeps-directory", "working directory"},
                                                         {"load.keeps-environment", "environment"},
                                                         {"load.keeps-locale", "locale"},
                                                         {"load.keeps-umask", "umask"},
                                                         {"load.keeps-limits", "limits"},
                                                         {"load.keeps-standard-streams", "standard streams"},
                                                         {"load.leaves-no-descriptor", "descriptors"},
                                                         {"load.leaves-no-child", "children"},
                                                         {"load.sets-no-timer", "timers"}};
  static const char* const promises[] = {
      "Loading installs no signal handler.",       "Loading blocks no signal and unblocks none.",
      "Loading stays in the working directory.",   "Loading changes no variable of the environment.",
      "Loading leaves the locale as it is.",       "Loading leaves the umask as it is.",
      "Loading leaves the process's limits.",      "Loading leaves descriptors 0 to 2 alone.",
      "Loading leaves no descriptor open.",        "Loading leaves no child process.",
      "Loading sets no timer that sends a signal."};
  size_t at = 0;
  for (const auto& [id, aspect] : aspects) {
    const bool is_of_handlers = std::string_view(aspect) == "signal handlers";
    cases.push_back({id, promises[at++], leaves(aspect), is_of_handlers ? kShared : kNothing});
  }
  return cases;
}

}  // namespace osiris::check

// The process is the host's: what a whole run leaves of it, what the adapter's own processes are given, and what is
// left when the host dies.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "check/bench/patience.h"
#include "check/bench/process_state.h"
#include "check/bench/processes.h"
#include "check/bench/worker_between.h"
#include "check/case.h"
#include "check/cases/stage_support.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris::check {
namespace {

constexpr int64_t kStepMsMax = 15'000;  // until the first step of a run

// The state on the thread that makes the calls, before the first and after the last of one life.
std::function<void(Bench&)> keeps(const char* aspect) {
  return [aspect](Bench& bench) {
    const Pipeline pipeline = any_pipeline(bench);
    ProcessState before;
    std::string changed;
    LifeOptions options;
    options.before = [&](const std::string& stage) {
      if (stage == "create") before = process_state();
    };
    options.after = [&](const std::string& stage) {
      if (stage == "destroy" && std::string_view(aspect) != "children") changed = lasting_difference(before, aspect);
    };
    Life life(bench, options);
    life.run(bench.request(pipeline));
    if (std::string_view(aspect) == "children" && !left_after(2'000).empty()) changed = "a process is left";
    if (std::string_view(aspect) == "children" && changed.empty()) changed = lasting_difference(before, aspect);
    if (!changed.empty()) bench.fail(changed);
  };
}

void keeps_mask_in_every_call(Bench& bench) {
  const Pipeline pipeline = any_pipeline(bench);
  ProcessState before;
  LifeOptions options;
  options.before = [&](const std::string&) { before = process_state(); };
  options.after = [&](const std::string& stage) {
    for (const char* aspect : {"signal mask", "working directory", "umask", "locale", "environment"})
      if (const std::string what = lasting_difference(before, aspect); !what.empty())
        bench.fail("after " + stage + ": " + what);
  };
  Life life(bench, options);
  life.run(bench.request(pipeline));
}

void prints_nothing(Bench& bench) {
  const Pipeline pipeline = any_pipeline(bench);
  Life life(bench);
  life.run(bench.request(pipeline));
  std::fflush(nullptr);
  const auto text = read_file(bench.task().directory / "stdout");
  bench.expect(text.ok() && text->empty(), "it printed to standard output: " + (text.ok() ? text->substr(0, 200) : ""));
}

// The worker as the adapter starts it: a program in its place looks at itself.
ProcessView started_worker(Bench& bench) {
  const Pipeline pipeline = small_pipeline(bench.directory("run"));
  AdapterRequest request = bench.request(pipeline);
  const WorkerBetween between(bench, "plain");
  request.worker_path = between.path();
  request.worker_sha256 = between.sha256();
  Life life(bench);
  life.run(request);
  if (!between.was_started() && !bench.is_settled()) bench.fail("the worker was not started");
  return between.as_started();
}

void gives_children_a_mask(Bench& bench) {
  const ProcessView worker = started_worker(bench);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    bench.expect(!(worker.blocked >> (signal - 1) & 1),
                 "the worker was started with signal " + std::to_string(signal) + " blocked");
}

void gives_children_sigpipe(Bench& bench) {
  bench.expect(!(started_worker(bench).ignored >> (SIGPIPE - 1) & 1), "the worker was started with SIGPIPE ignored");
}

void gives_children_streams(Bench& bench) {
  const ProcessView worker = started_worker(bench), self = view_of(::getpid());
  for (int number = 0; number < 3 && !bench.is_settled(); ++number) {
    bench.expect(!worker.streams[number].empty(), "the worker has no descriptor " + std::to_string(number));
    bench.expect(number == 0 || worker.streams[number] != self.streams[number],
                 "the worker has the host's descriptor " + std::to_string(number));
  }
}

// docs/worker-protocol.md, "What an adapter does".
void gives_the_worker_its_environment(Bench& bench) {
  ::setenv("OSIRIS_CHECK_OF_THE_HOST", "1", 1);
  const ProcessView worker = started_worker(bench);
  if (bench.is_settled()) return;
  for (const std::string& line : split(worker.variables, '\n')) {
    const std::string name = line.substr(0, line.find('='));
    bench.expect(name.empty() || name == "PATH" || name == "HOME" || name == "TZ" || name == "LC_ALL",
                 "the worker was started with the variable " + name);
  }
  bench.expect(worker.variables.find("TZ=UTC") != std::string::npos, "the worker was started without TZ=UTC");
}

// A host in a process of its own is killed while its run goes on; everything that belonged to it ends.
void leaves_nothing_when_killed(Bench& bench) {
  const std::filesystem::path started = bench.directory("signs") / "started";
  AdapterRequest request = bench.request(endless_pipeline(bench.directory("endless")));
  const pid_t host = ::fork();
  if (host == 0) {
    Life life(bench);
    life.recorder().at_event = [&](const Recorder::Event& event) {
      if (event.name == "step_start") (void)write_file_atomically(started, "");
    };
    if (life.begin(request) && life.prepare(request)) life.execute(request);
    _exit(0);
  }
  std::error_code error;
  const bool was_running = wait_patiently(kStepMsMax, [&] { return std::filesystem::exists(started, error); });
  const size_t below = descendants_of(host).size();
  ::kill(host, SIGKILL);
  ::waitpid(host, nullptr, 0);
  const std::vector<pid_t> left = was_running ? left_after(4'000) : std::vector<pid_t>();
  for (const pid_t pid : left)
    bench.fail("its process " + view_of(pid).program + " lives on after the host was killed");
  release_leftovers(bench, request.run_id);
  if (!was_running) return bench.skip("the run did not get as far as its first step");
  bench.note(std::to_string(below) + " processes were below the host");
}

void waits_for_its_own_children(Bench& bench) {
  const pid_t mine = ::fork();
  if (mine == 0) _exit(42);
  const Pipeline pipeline = any_pipeline(bench);
  Life life(bench);
  life.run(bench.request(pipeline));
  int status = 0;
  bench.expect(::waitpid(mine, &status, WNOHANG) == mine && WIFEXITED(status) && WEXITSTATUS(status) == 42,
               "the status of a child of the host's was taken away: it waits for any child");
}

void leaves_other_descriptors(Bench& bench) {
  std::vector<int> mine;
  for (int i = 0; i < 20; ++i) mine.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Pipeline pipeline = any_pipeline(bench);
  Life life(bench);
  life.run(bench.request(pipeline));
  for (const int number : mine) {
    bench.expect(::fcntl(number, F_GETFD) >= 0, "it closed a descriptor of the host's");
    ::close(number);
  }
}

void survives_few_descriptors(Bench& bench) {
  std::vector<int> mine;
  for (int i = 0; i < 300; ++i) mine.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Pipeline pipeline = any_pipeline(bench);
  Life life(bench);
  life.run(bench.request(pipeline));
  if (!pipeline.plan().steps.empty() && !bench.is_settled()) life.expect_success(pipeline);
  for (const int number : mine) ::close(number);
}

void ends_by_exit(Bench& bench) {
  const Pipeline pipeline = any_pipeline(bench);
  {
    Life life(bench);
    life.run(bench.request(pipeline));
  }
  bench.end_by_exit(5);
}

}  // namespace

std::vector<Case> process_cases() {
  const auto runs = kTables | kRuns;
  return {
      {"process.signal-handlers", "A run installs no signal handler.", keeps("signal handlers")},
      {"process.signal-mask", "A run changes no signal mask of the host's threads.", keeps("signal mask")},
      {"process.directory", "A run leaves the working directory.", keeps("working directory")},
      {"process.environment", "A run leaves the environment.", keeps("environment")},
      {"process.locale", "A run leaves the locale.", keeps("locale")},
      {"process.umask", "A run leaves the umask.", keeps("umask")},
      {"process.limits", "A run leaves the process's limits.", keeps("limits")},
      {"process.standard-streams", "A run leaves descriptors 0 to 2.", keeps("standard streams")},
      {"process.descriptors", "A run closes every descriptor that it opened.", keeps("descriptors"), kTables | kShared},
      {"process.threads", "destroy joins every thread that the instance started.", keeps("threads"), kTables | kShared},
      {"process.children", "No process of a run is left when destroy has returned.", keeps("children")},
      {"process.timers", "A run sets no timer that sends a signal.", keeps("timers")},
      {"process.each-call", "Each single call leaves mask, directory, umask, locale and environment.",
       keeps_mask_in_every_call},
      {"process.prints-nothing", "A run prints nothing to standard output.", prints_nothing},
      {"process.other-children", "The adapter waits for its own children, by pid.", waits_for_its_own_children},
      {"process.other-descriptors", "The adapter closes no descriptor that it did not open.", leaves_other_descriptors},
      {"process.many-descriptors", "Descriptors of large numbers are used as well as small ones.",
       survives_few_descriptors},
      {"process.exit", "A process that has run a pipeline ends with the status that it chose.", ends_by_exit},
      {"process.children-signals", "The worker can be ended by SIGTERM: its signal mask is the default one.",
       gives_children_a_mask, runs | kChannel | kShared},
      {"process.children-sigpipe", "The worker has SIGPIPE at its default.", gives_children_sigpipe, runs | kChannel},
      {"process.children-streams", "The worker has descriptors 0 to 2 of its own.", gives_children_streams,
       runs | kChannel},
      {"process.worker-environment", "The worker has PATH, HOME, TZ=UTC and LC_ALL=C, and no variable of the host's.",
       gives_the_worker_its_environment, runs | kChannel},
      {"process.host-killed", "When the host is killed, its processes on this machine end within 4 s.",
       leaves_nothing_when_killed, runs},
  };
}

}  // namespace osiris::check

// osiris-worker: reads requests on stdin, runs the steps they ask for, writes records on stdout and its log on stderr
// (docs/worker-protocol.md). It is one static binary that must run on machines it knows nothing about, so it first
// shuts the doors through which an unknown machine could change its behaviour: name service plug-ins, openssl.cnf, time
// zone, locale.
#include <nss.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/guarded_memory.h"
#include "protocol/base/wipe.h"
#include "protocol/rpc/frames.h"
#include "worker/check/plan_check.h"
#include "worker/drivers.h"
#include "worker/drivers/python/install_command.h"
#include "worker/hold.h"
#include "worker/licenses.h"
#include "worker/log.h"
#include "worker/relay.h"
#include "worker/service.h"
#include "worker/specs/specs.h"
#include "worker/supervisor.h"

namespace osiris::worker {
namespace {

constexpr int kExitHostGone = 1;
constexpr int kExitUsage = 2;
constexpr int kExitFatal = 3;
constexpr int kExitTerminated = 128 + SIGTERM;
constexpr size_t kReadBytes = size_t{1} << 18;
// Within the 2 s in which a worker whose host is gone must be gone too.
constexpr auto kPatience = std::chrono::milliseconds(1200);

constexpr std::string_view kHelp =
    "osiris-worker: runs the steps of a pipeline. Started by an adapter, which speaks to it on stdin and stdout.\n"
    "\n"
    "  --version     print the version\n"
    "  --licenses    print the licences of what is linked in\n"
    "  --specs-hash  print the hash of the component specs it was built with\n"
    "  --help        print this\n"
    "  --install-requirements FILE --cache-dir DIRECTORY\n"
    "                make the virtual environment of python.processor steps that FILE describes\n"
    "  --hold DIR --lease SECONDS | --attach | --renew\n"
    "                a worker that outlives its stream, in a directory of its own\n"
    "  --ahead DRIVER...\n"
    "                as without arguments, for a run of these drivers that is still to come\n"
    "  --relay       one run after the other, each in a worker of its own\n"
    "  --check-plan  bind the SQL of the plan on stdin without running it (osiris validate)\n"
    "\n"
    "Without arguments it speaks the protocol of docs/worker-protocol.md.\n";

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

// A static glibc would load the machine's own libnss_*.so, built for another glibc, for whatever nsswitch.conf names.
void isolate() {
  __nss_configure_lookup("hosts", "files dns");
  __nss_configure_lookup("passwd", "files");
  __nss_configure_lookup("group", "files");
  __nss_configure_lookup("services", "files");
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  ::unsetenv("LC_ALL");
  ::setenv("LC_ALL", "C", 1);
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file size limit is an error like a full disk
  // Grandchildren whose parent died become ours, so that they can be found and ended.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

// A descriptor that becomes readable when SIGTERM, SIGINT or SIGHUP comes. Before any thread is started.
int watch_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

enum class Event : uint64_t { kReaderGone = 1, kFatal = 1 << 16 };

void tell(int fd, Event event) {
  const auto value = static_cast<uint64_t>(event);
  static_cast<void>(!::write(fd, &value, sizeof value));
}

// Ends the process with all it holds: the system takes back in an instant what destroying the run and its database
// would take milliseconds for, and a driver that does not listen is not waited for.
[[noreturn]] void end_process(int status) {
  std::fflush(nullptr);
  ::_exit(status);
}

// Builds that look at what is left at a process's end.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(OSIRIS_COVERAGE)
constexpr bool kEndsAtOnce = false;
#else
constexpr bool kEndsAtOnce = true;
#endif

class Main {
 public:
  explicit Main(std::vector<std::string> drivers_ahead = {})
      : drivers_ahead_(std::move(drivers_ahead)),
        signals_(watch_signals()),
        events_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  int run() {
    Service service({.out_fd = 1,
                     .version = OSIRIS_VERSION,
                     .drivers_ahead = drivers_ahead_,
                     .on_reader_gone = [fd = events_] { tell(fd, Event::kReaderGone); },
                     .on_fatal = [fd = events_] { tell(fd, Event::kFatal); }},
                    log_, system_clock());
    service.hello();
    for (;;) {
      pollfd fds[] = {{0, POLLIN, 0}, {signals_, POLLIN, 0}, {events_, POLLIN, 0}};
      if (::poll(fds, 3, -1) < 0 && errno != EINTR) return leave(service, "poll failed", kExitHostGone, false);
      if (fds[1].revents) return leave(service, "the worker was told to stop by a signal", kExitTerminated, true);
      if (fds[2].revents) return leave_for_event(service);
      if (fds[0].revents && !read_requests(service)) {
        const bool idle = service.idle();
        return leave(service, "stdin ended: the host is gone", idle ? 0 : kExitHostGone, idle);
      }
      if (service.wants_exit()) return leave(service, "shutdown", 0, true);
    }
  }

 private:
  // False at the end of the stream.
  bool read_requests(Service& service) {
    buffer_.resize(kReadBytes);
    const ssize_t got = ::read(0, buffer_.data(), buffer_.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (got <= 0) {
      if (auto rest = parser_.finish()) service.handle(std::move(*rest));
      return false;
    }
    parser_.feed(std::string_view(buffer_).substr(0, static_cast<size_t>(got)));
    while (auto frame = parser_.next()) {
      service.handle(std::move(*frame));
      if (service.take_had_secrets()) {
        parser_.wipe_consumed();
        wipe(buffer_);
      }
      if (service.wants_exit()) break;
    }
    return true;
  }

  int leave_for_event(Service& service) {
    uint64_t events = 0;
    static_cast<void>(!::read(events_, &events, sizeof events));
    if (events >= static_cast<uint64_t>(Event::kFatal))
      return leave(service, "the worker cannot go on", kExitFatal, false);
    return leave(service, "stdout was closed: the host is gone", kExitHostGone, false);
  }

  int leave(Service& service, std::string_view reason, int status, bool reads) {
    if (!service.leave(reason, kPatience, reads) || kEndsAtOnce) end_process(status);
    return status;
  }

  Log log_;
  rpc::FrameParser parser_;
  std::string buffer_;
  std::vector<std::string> drivers_ahead_;
  int signals_;
  int events_;
};

int run(int argc, char** argv) {
  if (argc == 1) {
    isolate();
    return Main().run();
  }
  const std::string_view option = argv[1];
  if (option == "--ahead") {
    isolate();
    return Main(std::vector<std::string>(argv + 2, argv + argc)).run();
  }
  if (argc >= 3 && option == "--supervise") return supervise(argv + 2);
  if (option == "--hold") return hold(std::vector<std::string>(argv + 2, argv + argc));
  if (argc == 2 && option == "--relay") return relay();
  if (option == "--install-requirements") {
    isolate();
    return python::install_requirements(std::vector<std::string>(argv + 2, argv + argc));
  }
  if (argc == 2 && option == "--check-plan") {
    isolate();
    return check_plan_command();
  }
  if (argc == 2 && option == "--version") {
    print("osiris-worker " OSIRIS_VERSION "\n");
  } else if (argc == 2 && option == "--licenses") {
    print(third_party_text());
  } else if (argc == 2 && option == "--specs-hash") {
    print(specs_sha256() + "\n");
  } else if (argc == 2 && option == "--help") {
    print(kHelp);
  } else {
    std::fprintf(stderr, "osiris-worker: unknown arguments, starting with \"%s\"\n%s", argv[1],
                 std::string(kHelp).c_str());
    return kExitUsage;
  }
  return std::fflush(stdout) == 0 ? 0 : kExitHostGone;
}

}  // namespace
}  // namespace osiris::worker

int main(int argc, char** argv) {
  osiris::guard_memory();
  return osiris::worker::run(argc, argv);
}

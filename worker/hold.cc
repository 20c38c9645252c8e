#include "worker/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "protocol/base/file.h"
#include "protocol/base/own_environment.h"
#include "worker/holder.h"

namespace osiris::worker {
namespace {

constexpr int kExitUsage = 2;
constexpr int kExitNotHeld = 3;
// Relative to DIR, in which all of this works: a socket's own path holds 107 bytes.
constexpr const char* kSocket = "socket";
constexpr const char* kPid = "pid";  // the worker's
constexpr const char* kEnded = "ended";
constexpr int64_t kLeaseMaxS = 86'400;

int fail(int status, const std::string& what) {
  std::fprintf(stderr, "osiris-worker: %s\n", what.c_str());
  return status;
}

std::string with_errno(const std::string& what) { return what + ": " + std::strerror(errno); }

sockaddr_un address() {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strcpy(at.sun_path, kSocket);
  return at;
}

FileDescriptor connect_to_holder() {
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un at = address();
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return {};
  return socket;
}

bool greet(int socket, char byte) {
  iovec part{&byte, 1};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int) * 3)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (byte == kAttach) {
    message.msg_control = room;
    message.msg_controllen = sizeof room;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * 3);
    const int fds[] = {0, 1, 2};
    std::memcpy(CMSG_DATA(header), fds, sizeof fds);
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

// What the holder answers; -1 when it lets go or is gone.
int answer_of(int socket) {
  unsigned char byte = 0;
  return read_some(socket, reinterpret_cast<char*>(&byte), 1) == 1 ? byte : -1;
}

// A worker that has ended already: its clients end as it did. `otherwise`: what is wrong when none has.
int end_of_past(const std::string& otherwise) {
  if (const auto ended = read_file(kEnded, 16))
    if (const int status = std::atoi(ended->c_str()); status >= 0 && status < 256) return status;
  return fail(kExitNotHeld, otherwise);
}

// A client that comes while the holder ends is connected and never accepted: it ends as the worker did, too.
int attach(const std::string& directory) {
  const FileDescriptor socket = connect_to_holder();
  if (!socket.is_open()) return end_of_past("no worker is held in " + directory);
  if (!greet(socket.get(), kAttach)) return end_of_past(with_errno("the holder does not answer"));
  const int status = answer_of(socket.get());
  return status >= 0 ? status : end_of_past("the holder let go: another one attached, or the stream broke");
}

int renew(const std::string& directory) {
  const FileDescriptor socket = connect_to_holder();
  if (!socket.is_open()) return fail(kExitNotHeld, "no worker is held in " + directory);
  if (!greet(socket.get(), kRenew) || answer_of(socket.get()) != kRenew)
    return fail(kExitNotHeld, "the holder does not answer");
  return 0;
}

// The holder's process, from the fork on.
// `where`: the worker's directory.
[[noreturn]] void become_holder(FileDescriptor listening, FileDescriptor ready, int64_t lease_s,
                                const std::filesystem::path& where) {
  ::setsid();
  ::signal(SIGHUP, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  for (int fd = 0; fd < 3; ++fd) {
    const FileDescriptor null = FileDescriptor::open("/dev/null", O_RDWR);
    ::dup2(null.get(), fd);
  }
  SpawnOptions options;
  options.arguments = {"/proc/self/exe"};
  options.working_directory = where;
  options.environment = own_environment();
  auto worker = Subprocess::spawn(options);
  if (!worker) {
    write_all(ready.get(), worker.error().message);
    ::_exit(1);
  }
  if (!write_file_atomically(kPid, std::to_string(worker->pid()) + "\n")) {
    write_all(ready.get(), "cannot write its pid; is the disk full?");
    ::_exit(1);
  }
  write_all(ready.get(), "+");
  ready = FileDescriptor();
  Holder holder(std::move(listening), *std::move(worker), lease_s * 1000);
  const int status = holder.run();
  static_cast<void>(write_file_atomically(kEnded, std::to_string(status) + "\n"));
  ::unlink(kPid);
  ::unlink(kSocket);
  // The last thing: a client that has ended finds how the worker ended, and no socket.
  holder.tell_end(status);
  ::_exit(0);
}

int start(const std::string& directory, int64_t lease_s, const std::filesystem::path& where) {
  FileDescriptor listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un at = address();
  // Another holder's socket is never taken from it; that of a holder which was killed is removed with DIR.
  if (::bind(listening.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
      ::listen(listening.get(), 8) != 0)
    return fail(kExitNotHeld, with_errno("cannot hold a worker in " + directory));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(kExitNotHeld, with_errno("cannot make a pipe"));
  FileDescriptor ready(ends[0]), tell(ends[1]);
  const pid_t holder = ::fork();
  if (holder < 0) return fail(kExitNotHeld, with_errno("cannot start a holder"));
  if (holder == 0) {
    ready = FileDescriptor();
    become_holder(std::move(listening), std::move(tell), lease_s, where);
  }
  tell = FileDescriptor();
  const auto said = read_all(ready.get(), directory, 4096);
  if (!said || *said != "+") return fail(kExitNotHeld, "cannot start the worker" + (said ? ": " + *said : ""));
  return attach(directory);
}

bool enter(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return false;
  struct stat info{};
  if (::stat(directory.c_str(), &info) != 0) return false;
  if (info.st_uid != ::geteuid() || (info.st_mode & 0077) != 0) {
    errno = EPERM;
    return false;
  }
  return ::chdir(directory.c_str()) == 0;
}

}  // namespace

int hold(const std::vector<std::string>& arguments) {
  const std::string usage = "usage: --hold DIR --lease SECONDS | --hold DIR --attach | --hold DIR --renew";
  const bool starts = arguments.size() == 3 && arguments[1] == "--lease";
  const bool asks = arguments.size() == 2 && (arguments[1] == "--attach" || arguments[1] == "--renew");
  if (!starts && !asks) return fail(kExitUsage, usage);
  int64_t lease_s = 0;
  if (starts) {
    const std::string& text = arguments[2];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), lease_s);
    if (error != std::errc() || end != text.data() + text.size() || lease_s < 1 || lease_s > kLeaseMaxS)
      return fail(kExitUsage, "the lease \"" + text + "\" is no number of seconds from 1 to 86400");
  }
  const std::string& directory = arguments[0];
  std::error_code ignored;
  const std::filesystem::path where = std::filesystem::current_path(ignored);
  if (!enter(directory))
    return fail(kExitNotHeld, with_errno(directory + " cannot be used, or is not its owner's alone"));
  if (starts) return start(directory, lease_s, where);
  return arguments[1] == "--attach" ? attach(directory) : renew(directory);
}

}  // namespace osiris::worker

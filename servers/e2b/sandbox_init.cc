// Order matters here. As root: mounts first, with the machine's rights over the directories, and the user namespace
// last, so that no process inside owns the mounts or the network. Not as root: the user namespace first, because only
// it gives the right to mount. clone() rather than unshare(): a sanitizer's background thread would make
// unshare(CLONE_NEWUSER) fail.
#include "servers/e2b/sandbox_init.h"

#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "servers/e2b/agent/agent.h"

namespace osiris::e2b_server {
namespace {

// Read-only from the machine, where it has them; the base layer holds the mount points.
constexpr const char* kSharedEtc[] = {"alternatives", "ssl",          "ca-certificates", "ld.so.cache",
                                      "ld.so.conf",   "ld.so.conf.d", "resolv.conf",     "mime.types",
                                      "services",     "protocols",    "python3",         "python3.11"};

// The server waits for "ready" and gets this instead: its ready line says why there are no namespaces.
bool complain(const char* what, const std::string& on) {
  const std::string text = std::string(what) + " " + on + ": " + std::strerror(errno);
  [[maybe_unused]] const Status sent =
      send_message(kAgentSocket, Json::object({{"event", "failed"}, {"message", text}}));
  return false;
}

bool bind(const std::string& from, const std::string& to, bool read_only) {
  if (::mount(from.c_str(), to.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) return complain("bind", to);
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NOSUID | (read_only ? uint64_t{MOUNT_ATTR_RDONLY} : 0);
  // Not mount_setattr(): the kernel has it since 5.12, glibc since 2.36 only.
  if (::syscall(SYS_mount_setattr, AT_FDCWD, to.c_str(), AT_RECURSIVE, &attributes, sizeof attributes) != 0)
    return complain("restrict", to);
  return true;
}

bool write_file(const std::string& path, const std::string& text) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  return (file.is_open() && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) ||
         complain("write", path);
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

bool is_link(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

bool mount_devices(const std::string& root) {
  const std::string dev = root + "/dev";
  if (::mount("tmpfs", dev.c_str(), "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=1m") != 0)
    return complain("mount", dev);
  for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"}) {
    const std::string node = dev + "/" + name;
    FileDescriptor::open(node, O_CREAT | O_WRONLY);
    if (::mount(("/dev/" + std::string(name)).c_str(), node.c_str(), nullptr, MS_BIND, nullptr) != 0)
      return complain("bind", node);
  }
  for (const char* name : {"pts", "shm"}) ::mkdir((dev + "/" + name).c_str(), 0755);
  if (::mount("devpts", (dev + "/pts").c_str(), "devpts", MS_NOSUID | MS_NOEXEC,
              "newinstance,ptmxmode=0666,mode=0620") != 0)
    return complain("mount", dev + "/pts");
  if (::mount("tmpfs", (dev + "/shm").c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") != 0)
    return complain("mount", dev + "/shm");
  const std::pair<const char*, const char*> links[] = {{"pts/ptmx", "ptmx"},
                                                       {"/proc/self/fd", "fd"},
                                                       {"/proc/self/fd/0", "stdin"},
                                                       {"/proc/self/fd/1", "stdout"},
                                                       {"/proc/self/fd/2", "stderr"}};
  for (const auto& [target, name] : links)
    if (::symlink(target, (dev + "/" + name).c_str()) != 0) return complain("link", dev + "/" + name);
  return true;
}

bool build_root(const InitConfig& config) {
  const std::string& root = config.root;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return complain("make private", "/");
  if (!bind(root, root, false)) return false;
  if (!bind("/usr", root + "/usr", true) || !bind(config.usr_local, root + "/usr/local", false)) return false;
  for (const char* name : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"})
    if (exists(root + name) && !is_link(root + name) && !bind(name, root + name, true)) return false;
  for (const char* name : kSharedEtc) {
    const std::string shared = std::string("/etc/") + name;
    if (config.own_network && std::strcmp(name, "resolv.conf") == 0) continue;
    if (exists(shared) && exists(root + shared) && !bind(shared, root + shared, true)) return false;
  }
  // A network of its own has E2B's name server, whose place is in the image and not the machine's.
  if (config.own_network && exists(root + "/etc/resolv.conf") &&
      !write_file(root + "/etc/resolv.conf", "nameserver 8.8.8.8\n"))
    return false;
  if (!mount_devices(root)) return false;
  const std::string owner =
      config.id_base == 0 ? "" : ",uid=" + std::to_string(config.id_base) + ",gid=" + std::to_string(config.id_base);
  if (::mount("tmpfs", (root + "/run").c_str(), "tmpfs", MS_NOSUID | MS_NODEV, ("mode=755" + owner).c_str()) != 0)
    return complain("mount", root + "/run");
  if (::mount("proc", (root + "/proc").c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
    return complain("mount", root + "/proc");
  if (::chdir(root.c_str()) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0) return complain("pivot", root);
  if (::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) return complain("leave the old root", root);
  return true;
}

bool bring_up_loopback() {
  const FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  if (!socket.is_open() || ::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return complain("read", "lo");
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0 || complain("raise", "lo");
}

// By the parent, which alone has the right to map more than its own id.
bool map_ids(const InitConfig& config, pid_t child) {
  const std::string proc = "/proc/" + std::to_string(child);
  std::string uids, gids;
  if (config.id_base != 0) {
    uids = gids = "0 " + std::to_string(config.id_base) + " " + std::to_string(kIdCount);
  } else {
    if (!write_file(proc + "/setgroups", "deny")) return false;
    uids = std::to_string(kUserId) + " " + std::to_string(::geteuid()) + " 1";
    gids = std::to_string(kUserId) + " " + std::to_string(::getegid()) + " 1";
  }
  return write_file(proc + "/uid_map", uids) && write_file(proc + "/gid_map", gids);
}

// While the rights over the process-id namespace are still there.
void number_processes_from(int first_pid) {
  const FileDescriptor last(first_pid > 0 ? ::open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC) : -1);
  const std::string text = std::to_string(first_pid - 1);
  // Refused or absent: the numbers are then those of every fresh namespace.
  if (last.is_open()) [[maybe_unused]]
    const ssize_t ignored = ::write(last.get(), text.data(), text.size());
}

bool tell(int fd) { return ::write(fd, "x", 1) == 1; }
bool hear(int fd) {
  char byte;
  return ::read(fd, &byte, 1) == 1;
}

int become_agent(const InitConfig& config, FileDescriptor to_parent, FileDescriptor from_parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const bool as_root = config.id_base != 0;
  if (!as_root && (!tell(to_parent.get()) || !hear(from_parent.get()))) return 1;
  if (config.own_network && !bring_up_loopback()) return 1;
  if (::sethostname(config.hostname.c_str(), config.hostname.size()) != 0) return complain("name", config.hostname), 1;
  if (!build_root(config)) return 1;
  number_processes_from(config.first_pid);
  if (as_root) {
    if (::unshare(CLONE_NEWUSER) != 0) return complain("unshare", "user namespace"), 1;
    if (!tell(to_parent.get()) || !hear(from_parent.get())) return 1;
    if (::setgroups(0, nullptr) != 0 || ::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0)
      return complain("become", "root inside"), 1;
  }
  ::prctl(PR_SET_DUMPABLE, 1);         // /proc/self stays readable after the change of ids
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // forgotten by the change of ids
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  to_parent.close();
  from_parent.close();
  AgentConfig agent;
  agent.socket = kAgentSocket;
  agent.can_switch_user = as_root;
  return run_agent(agent);
}

int run_in_namespaces(const InitConfig& config) {
  int up_ends[2], down_ends[2];
  if (::pipe2(up_ends, O_CLOEXEC) != 0 || ::pipe2(down_ends, O_CLOEXEC) != 0) return 1;
  FileDescriptor from_child(up_ends[0]), to_parent(up_ends[1]), from_parent(down_ends[0]), to_child(down_ends[1]);
  unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD;
  if (config.own_network) flags |= CLONE_NEWNET;
  if (config.id_base == 0) flags |= CLONE_NEWUSER;
  const long child = ::syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr);
  if (child < 0) return complain("clone", "namespaces"), 1;
  if (child == 0) {
    from_child.close();
    to_child.close();
    ::_exit(become_agent(config, std::move(to_parent), std::move(from_parent)));
  }
  to_parent.close();
  from_parent.close();
  const pid_t pid = static_cast<pid_t>(child);
  if (hear(from_child.get()) && map_ids(config, pid) &&
      send_message(kAgentSocket, Json::object({{"event", "launched"}, {"host_pid", pid}})).ok())
    tell(to_child.get());
  to_child.close();
  FileDescriptor(kAgentSocket).close();
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

Json InitConfig::to_json() const {
  return Json::object({{"root", root},
                       {"usr_local", usr_local},
                       {"hostname", hostname},
                       {"namespaces", namespaces},
                       {"own_network", own_network},
                       {"id_base", id_base},
                       {"first_pid", first_pid}});
}

Result<InitConfig> InitConfig::from_text(std::string_view text) {
  OSIRIS_ASSIGN(const Json json, parse_json(text));
  InitConfig config;
  config.root = json["root"].as_string();
  config.usr_local = json["usr_local"].as_string();
  config.hostname = json["hostname"].as_string();
  config.namespaces = json["namespaces"].as_bool();
  config.own_network = json["own_network"].as_bool();
  config.id_base = static_cast<unsigned>(json["id_base"].as_uint());
  config.first_pid = static_cast<int>(json["first_pid"].as_int());
  return config;
}

int run_sandbox_init(const InitConfig& config) {
  ::syscall(SYS_close_range, static_cast<unsigned>(kAgentSocket + 1), ~0u, 0u);
  ::fcntl(kAgentSocket, F_SETFD, FD_CLOEXEC);
  ::signal(SIGINT, SIG_IGN);  // the terminal's Ctrl-C is for the server
  if (config.namespaces) return run_in_namespaces(config);
  AgentConfig agent;
  agent.socket = kAgentSocket;
  agent.prefix = config.root;
  if (!send_message(kAgentSocket, Json::object({{"event", "launched"}, {"host_pid", ::getpid()}})).ok()) return 1;
  return run_agent(agent);
}

}  // namespace osiris::e2b_server

#include "check/bench/syscall_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <set>
#include <string_view>

namespace osiris::check {
namespace {

struct Note {
  int number;
  char path[256];
};
constexpr size_t kNotesMax = 64;
Note notes[kNotesMax];
std::atomic<size_t> note_count{0};

bool opens(int number) { return number == SYS_openat || number == SYS_open || number == SYS_creat; }

// Async-signal-safe. The call fails with EACCES; its registers still hold the arguments.
void refuse(int, siginfo_t* info, void* context) {
  greg_t* const registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const size_t at = note_count.fetch_add(1);
  if (at < kNotesMax) {
    notes[at].number = info->si_syscall;
    notes[at].path[0] = 0;
    const greg_t text =
        info->si_syscall == SYS_openat || info->si_syscall == SYS_mkdirat || info->si_syscall == SYS_unlinkat
            ? registers[REG_RSI]
            : registers[REG_RDI];
    if (opens(info->si_syscall) || info->si_syscall == SYS_mkdir || info->si_syscall == SYS_mkdirat ||
        info->si_syscall == SYS_unlink || info->si_syscall == SYS_unlinkat || info->si_syscall == SYS_rename ||
        info->si_syscall == SYS_execve)
      std::strncpy(notes[at].path, reinterpret_cast<const char*>(text), sizeof notes[at].path - 1);
  }
  registers[REG_RAX] = -EACCES;
}

class Program {
 public:
  Program() { load(offsetof(seccomp_data, nr)); }
  void refuse_call(int number) { add_jump(number, 0, 1), refuse_here(); }
  // If the lowest word of argument `index`, masked, is not 0 (or is `value`, where one is given).
  void refuse_if_any_bit(int number, int index, uint32_t bits) {
    add_jump(number, 0, 4);
    load(static_cast<uint32_t>(offsetof(seccomp_data, args) + 8 * static_cast<size_t>(index)));
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
    refuse_here();
    load(offsetof(seccomp_data, nr));
  }
  void refuse_if_equal(int number, int index, uint32_t value) {
    add_jump(number, 0, 4);
    load(static_cast<uint32_t>(offsetof(seccomp_data, args) + 8 * static_cast<size_t>(index)));
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    refuse_here();
    load(offsetof(seccomp_data, nr));
  }
  // If no bit of `bits` is set: clone that makes no thread.
  void refuse_unless_any_bit(int number, int index, uint32_t bits) {
    add_jump(number, 0, 4);
    load(static_cast<uint32_t>(offsetof(seccomp_data, args) + 8 * static_cast<size_t>(index)));
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 1, 0));
    refuse_here();
    load(offsetof(seccomp_data, nr));
  }
  // As if this kernel had no such call: glibc then takes an older one, whose arguments a filter can see.
  void hide(int number) {
    add_jump(number, 0, 1);
    code_.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (ENOSYS & SECCOMP_RET_DATA)));
  }
  bool install() {
    code_.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
  }

 private:
  void load(uint32_t at) { code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)); }
  void add_jump(int number, unsigned char yes, unsigned char no) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), yes, no));
  }
  void refuse_here() { code_.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)); }

  std::vector<sock_filter> code_;
};

std::string sentence(const Note& note) {
  const std::string path = note.path;
  if (opens(note.number)) return "opening " + path + " to write";
  switch (note.number) {
    case SYS_socket:
      return "a socket of the internet";
    case SYS_execve:
      return "starting " + path;
    case SYS_fork:
    case SYS_vfork:
    case SYS_clone:
      return "a process or thread of its own";
    default:
      return "changing the file system" + (path.empty() ? "" : " at " + path);
  }
}

}  // namespace

bool watch_syscalls(const Watched& watched, std::string& why) {
  struct sigaction action{};
  action.sa_sigaction = refuse;
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  ::sigaction(SIGSYS, &action, nullptr);
  Program program;
  if (watched.network) {
    program.refuse_if_equal(SYS_socket, 0, AF_INET);
    program.refuse_if_equal(SYS_socket, 0, AF_INET6);
  }
  if (watched.writes) {
    constexpr uint32_t kWrites = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
    program.refuse_if_any_bit(SYS_openat, 2, kWrites);
    program.refuse_if_any_bit(SYS_open, 1, kWrites);
    for (const int number :
         {SYS_creat, SYS_mkdir, SYS_mkdirat, SYS_unlink, SYS_unlinkat, SYS_rmdir, SYS_rename, SYS_renameat,
          SYS_renameat2, SYS_link, SYS_linkat, SYS_symlink, SYS_symlinkat, SYS_truncate})
      program.refuse_call(number);
  }
  if (watched.processes || watched.threads) {
    program.hide(SYS_clone3);
    if (watched.processes && watched.threads) program.refuse_call(SYS_clone);
    if (watched.processes && !watched.threads) program.refuse_unless_any_bit(SYS_clone, 0, CLONE_THREAD);
    if (!watched.processes) program.refuse_if_any_bit(SYS_clone, 0, CLONE_THREAD);
  }
  if (watched.processes)
    for (const int number : {SYS_fork, SYS_vfork, SYS_execve}) program.refuse_call(number);
  if (program.install()) return true;
  why = std::string("this machine lets no process watch its system calls: ") + std::strerror(errno);
  return false;
}

std::vector<std::string> refused_syscalls() {
  std::set<std::string> sentences;
  const size_t count = std::min(note_count.load(), kNotesMax);
  for (size_t i = 0; i < count; ++i)
    if (!std::string_view(notes[i].path).starts_with("/dev/"))
      sentences.insert(sentence(notes[i]));  // a device is no file
  return {sentences.begin(), sentences.end()};
}

}  // namespace osiris::check

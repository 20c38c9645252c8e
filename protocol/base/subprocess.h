// A child process without a shell: an argument vector, exactly the environment given, its own session and process
// group, no inherited descriptor but 0, 1 and 2, every signal at its default. Errors of exec come back as values.
//
// Deliberate: a piped stdin is one end of a socket pair, because writing to a dead reader must be an error and not
// a SIGPIPE, whose disposition belongs to the program that loaded us. Linux only (pidfd, PR_SET_PDEATHSIG).
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/fd.h"

namespace osiris {

struct ExitStatus {
  bool signaled = false;
  int value = 0;  // exit status, or the signal's number

  bool success() const { return !signaled && value == 0; }
  // "exited with status 3", "was killed by signal 9 (SIGKILL)".
  std::string describe() const;
};

struct SpawnOptions {
  enum class Stream { kPipe, kNull, kInherit };

  std::vector<std::string> arguments;  // [0] is the program, absolute: nothing is searched for
  std::vector<std::pair<std::string, std::string>> environment;
  std::filesystem::path working_directory;  // empty: the parent's
  Stream standard_input = Stream::kPipe;
  Stream standard_output = Stream::kPipe;
  Stream standard_error = Stream::kPipe;
  // Sent to the child when the *thread* that spawned it ends, the process's death included; 0: none. The child's own
  // children get none of it.
  int parent_death_signal = SIGKILL;
};

// Not thread safe, except signal_group() against wait functions of one other thread.
class Subprocess {
 public:
  // kNotFound or kInvalidArgument when the program cannot be executed.
  static Result<Subprocess> spawn(const SpawnOptions& options);

  Subprocess(Subprocess&&) noexcept = default;
  Subprocess& operator=(Subprocess&&) = delete;
  // Kills the session and reaps the child.
  ~Subprocess();

  pid_t pid() const { return pid_; }
  // Readable (poll) once the child has ended; stays valid as long as this object.
  int pidfd() const { return pidfd_.get(); }
  // The parent's ends, non-blocking; -1 where not a pipe. Write to stdin with send(..., MSG_NOSIGNAL).
  int stdin_fd() const { return stdin_.get(); }
  int stdout_fd() const { return stdout_.get(); }
  int stderr_fd() const { return stderr_.get(); }
  void close_stdin() { stdin_.close(); }

  // The exit status once the child has ended. Never waits. What is left of its process group is killed first; after
  // anything but exit status 0, what is left of its whole session: children that made groups of their own.
  std::optional<ExitStatus> poll_exit();
  // Waits until the child has ended or `timeout_ms` is over (negative: without limit).
  std::optional<ExitStatus> wait(int64_t timeout_ms);
  // To every process of the group. No effect once the child was reaped.
  void signal_group(int signal_number) const;
  // SIGKILL to every process of its session. Only a descendant that began a session of its own escapes.
  void kill_session() const;

 private:
  Subprocess() = default;
  pid_t pid_ = -1;
  FileDescriptor pidfd_, stdin_, stdout_, stderr_;
  std::optional<ExitStatus> exit_;
};

struct CommandOutput {
  ExitStatus exit;
  std::string standard_output;  // at most `bytes_max` of each
  std::string standard_error;
};
// Runs a short program to its end, with `input` as its stdin: a program that does not read it all is no error.
// kDeadline when it took longer (it is then killed).
Result<CommandOutput> run_command(SpawnOptions options, int64_t timeout_ms, size_t bytes_max = 1 << 20,
                                  std::string_view input = {});

}  // namespace osiris

// osiris/sdk/process.hpp: child processes of an adapter. The host blocks SIGINT, SIGTERM and SIGHUP and ignores
// SIGPIPE; programs started here have the default mask and the default actions, a session of their own, exactly the
// environment that is given, and no descriptor but 0, 1 and 2.
#pragma once

#include <osiris/sdk/channel.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace osiris::adapter_sdk {

struct Program {
  std::string path;  // absolute: nothing is searched for
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;
  std::string directory;  // to work in; empty: the host's
};

// The home directory of the user that osiris runs as, by the user database: an adapter reads no environment.
std::string home_directory();
// PATH, HOME, TZ and LC_ALL as a worker has them everywhere, and nothing else.
std::vector<std::pair<std::string, std::string>> worker_environment(const std::string& home);

// A program that runs already, and that no channel listens to yet. It ends with the thread that started it.
class StartedProgram {
 public:
  // Throws when the program cannot be started.
  explicit StartedProgram(const Program& program);
  ~StartedProgram();  // kills it
  StartedProgram(StartedProgram&&) noexcept;

  // Whether it is still there, and is what starting `program` now would make: arguments that only hurry it do not
  // count.
  bool can_be(const Program& program);

 private:
  friend class ProcessChannel;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// A worker that is a child process. It ends with the thread that made the channel, which is how it ends with a killed
// host.
class ProcessChannel final : public ByteChannel {
 public:
  // Borrows the waker. Throws when the program cannot be started.
  ProcessChannel(const Program& program, const Waker& waker);
  ProcessChannel(StartedProgram started, const Waker& waker);
  ~ProcessChannel() override;
  int pid() const;

  void send(std::string bytes) override;
  // Bytes of send() that the child has not taken yet: they are held in memory. receive() moves them.
  size_t unsent() const noexcept;
  Received receive(std::string& output, std::string& log, Milliseconds wait) override;
  void close_input() override;
  void kill() override;  // SIGTERM, soon after SIGKILL for its session
  Health health() override;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// How a program ended.
struct Ending {
  bool signaled = false;
  int value = 0;  // exit status, or the signal's number
  bool success() const { return !signaled && value == 0; }
  std::string describe() const;  // "exited with status 3", "was killed by signal 9 (SIGKILL)"
};

// A program that is fed and read while it runs. Its destructor kills its whole session.
class Child {
 public:
  // Throws when the program cannot be started.
  explicit Child(const Program& program);
  ~Child();
  Child(Child&&) noexcept;

  // True in `gives_up` ends the wait, with a Failure of OSIRIS_CANCELLED. It is asked every 100 ms.
  using GivesUp = std::function<bool()>;
  // Throws OSIRIS_UNAVAILABLE when the program reads no more.
  void write(std::string_view bytes, const GivesUp& gives_up);
  void close_input();
  // Some of its stdout; empty at the end; nothing when none came within `wait`.
  std::optional<std::string> read(Milliseconds wait);
  // Waits for its end, reading on. Nothing when it did not end within `wait`.
  std::optional<Ending> wait(Milliseconds wait);
  const std::string& errors() const;  // its stderr so far, at most 64 KiB

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

struct Output {
  Ending ending;
  std::string output, errors;
};
// Runs a program to its end. Throws OSIRIS_DEADLINE when that took longer than `limit` (it is then killed), and
// OSIRIS_CANCELLED.
Output run_program(const Program& program, std::string_view input, Milliseconds limit, const Child::GivesUp& gives_up);

}  // namespace osiris::adapter_sdk

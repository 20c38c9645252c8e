#include <osiris/sdk/process.hpp>

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/api/convert.h"
#include "plugins/sdk/channel/process_channel.h"
#include "plugins/sdk/channel/worker_environment.h"
#include "protocol/base/clock.h"

namespace osiris::adapter_sdk {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
constexpr size_t kErrorsMax = size_t{64} << 10;
constexpr int64_t kSliceMs = 100;

int64_t now_ms() { return system_clock().monotonic_ns() / 1'000'000; }

sdk::ProcessChannel::Program to_channel_program(const Program& program) {
  return {.path = program.path,
          .arguments = program.arguments,
          .environment = program.environment,
          .working_directory = program.directory};
}

Ending to_ending(const ExitStatus& exit) { return {exit.signaled, exit.value}; }

}  // namespace

// From the user database: an adapter reads no environment.
std::string home_directory() {
  std::string buffer(16384, '\0');
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found && found->pw_dir &&
      *found->pw_dir)
    return found->pw_dir;
  return "/";
}

std::vector<std::pair<std::string, std::string>> worker_environment(const std::string& home) {
  return sdk::worker_environment(home);
}

struct StartedProgram::Parts {
  Program program;
  Subprocess process;
};

StartedProgram::StartedProgram(const Program& program)
    : parts_(new Parts{program, sdk::value_or_throw(sdk::ProcessChannel::spawn(to_channel_program(program)))}) {}
StartedProgram::~StartedProgram() = default;
StartedProgram::StartedProgram(StartedProgram&&) noexcept = default;

bool StartedProgram::can_be(const Program& program) {
  const Program& is = parts_->program;
  return is.path == program.path && is.directory == program.directory && is.environment == program.environment &&
         !parts_->process.poll_exit();
}

struct ProcessChannel::Parts {
  std::unique_ptr<sdk::ProcessChannel> channel;
};

ProcessChannel::ProcessChannel(const Program& program, const Waker& waker) : parts_(std::make_unique<Parts>()) {
  parts_->channel = sdk::value_or_throw(sdk::ProcessChannel::start(to_channel_program(program), waker.parts().waker));
}
ProcessChannel::ProcessChannel(StartedProgram started, const Waker& waker) : parts_(std::make_unique<Parts>()) {
  parts_->channel = std::make_unique<sdk::ProcessChannel>(std::move(started.parts_->process), waker.parts().waker);
}
ProcessChannel::~ProcessChannel() = default;
int ProcessChannel::pid() const { return parts_->channel->pid(); }
void ProcessChannel::send(std::string bytes) { sdk::check_or_throw(parts_->channel->send(std::move(bytes))); }
size_t ProcessChannel::unsent() const noexcept { return parts_->channel->unsent(); }
void ProcessChannel::close_input() { parts_->channel->close_input(); }
void ProcessChannel::kill() { parts_->channel->kill(); }

Received ProcessChannel::receive(std::string& output, std::string& log, Milliseconds wait) {
  sdk::Incoming incoming{std::move(output), std::move(log)};
  const sdk::ReceiveOutcome outcome = parts_->channel->receive(incoming, wait.count());
  output = std::move(incoming.output);
  log = std::move(incoming.log);
  Received received;
  received.kind = static_cast<Received::Kind>(outcome.kind);
  if (outcome.exit) received.exit = to_exit(*outcome.exit);
  return received;
}

Health ProcessChannel::health() {
  Health health;
  health.note = parts_->channel->diagnose().note;
  return health;
}

std::string Ending::describe() const { return ExitStatus{signaled, value}.describe(); }

struct Child::Parts {
  Subprocess process;
  std::string path, output, errors;
  bool output_open = true, errors_open = true;

  // Waits for any of what is open, `wants_room` in stdin included, and reads. True: there is room.
  bool move(int64_t wait_ms, bool wants_room);
};

bool Child::Parts::move(int64_t wait_ms, bool wants_room) {
  pollfd events[] = {{output_open && output.size() < kReadBytes ? process.stdout_fd() : -1, POLLIN, 0},
                     {errors_open ? process.stderr_fd() : -1, POLLIN, 0},
                     {wants_room ? process.stdin_fd() : -1, POLLOUT, 0},
                     {output_open || errors_open || wants_room ? -1 : process.pidfd(), POLLIN, 0}};
  if (::poll(events, std::size(events), static_cast<int>(std::clamp<int64_t>(wait_ms, 0, 60'000))) <= 0) return false;
  const auto take = [](int fd, bool& open, std::string& into) {
    std::string block(kReadBytes, '\0');
    const int64_t got = read_some(fd, block.data(), block.size());
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (got <= 0)
      open = false;
    else
      into.append(block, 0, static_cast<size_t>(got));
  };
  if (events[0].revents) take(process.stdout_fd(), output_open, output);
  if (events[1].revents) {
    take(process.stderr_fd(), errors_open, errors);
    if (errors.size() > kErrorsMax) errors.erase(0, errors.size() - kErrorsMax);
  }
  return events[2].revents != 0;
}

Child::Child(const Program& program)
    : parts_(new Parts{sdk::value_or_throw(Subprocess::spawn(to_spawn_options(program))), program.path, {}, {}}) {}
Child::~Child() = default;
Child::Child(Child&&) noexcept = default;

void Child::write(std::string_view bytes, const GivesUp& gives_up) {
  while (!bytes.empty()) {
    if (gives_up && gives_up()) throw plugin::Failure(OSIRIS_CANCELLED, "the run was cancelled");
    if (!parts_->move(kSliceMs, true)) continue;
    const ssize_t sent = ::send(parts_->process.stdin_fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0)
      bytes.remove_prefix(static_cast<size_t>(sent));
    else if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
      throw plugin::Failure(OSIRIS_UNAVAILABLE, parts_->path + " takes no more input");
  }
}

void Child::close_input() { parts_->process.close_stdin(); }

std::optional<std::string> Child::read(Milliseconds wait) {
  const int64_t until = now_ms() + wait.count();
  while (parts_->output.empty() && parts_->output_open) {
    const int64_t left = until - now_ms();
    if (left < 0) return std::nullopt;
    parts_->move(left, false);
  }
  return std::exchange(parts_->output, {});
}

std::optional<Ending> Child::wait(Milliseconds wait) {
  const int64_t until = now_ms() + wait.count();
  for (;;) {
    // Its end first, then what is left in the pipes, which a child of its own may hold open.
    const auto exit = parts_->process.poll_exit();
    const int64_t left = until - now_ms();
    if (exit) {
      while ((parts_->output_open && parts_->output.size() < kReadBytes) || parts_->errors_open) {
        const size_t before = parts_->output.size() + parts_->errors.size();
        const bool was_open = parts_->output_open && parts_->errors_open;
        parts_->move(0, false);
        if (before == parts_->output.size() + parts_->errors.size() &&
            was_open == (parts_->output_open && parts_->errors_open))
          break;
      }
      return to_ending(*exit);
    }
    if (left <= 0) return std::nullopt;
    pollfd ended{parts_->process.pidfd(), POLLIN, 0};
    if (parts_->output_open || parts_->errors_open)
      parts_->move(std::min<int64_t>(left, kSliceMs), false);
    else
      ::poll(&ended, 1, static_cast<int>(std::min<int64_t>(left, kSliceMs)));
  }
}

const std::string& Child::errors() const { return parts_->errors; }

Output run_program(const Program& program, std::string_view input, Milliseconds limit, const Child::GivesUp& gives_up) {
  const int64_t until = now_ms() + limit.count();
  const Child::GivesUp late = [&] { return now_ms() >= until || (gives_up && gives_up()); };
  const auto end = [&]() -> plugin::Failure {
    if (gives_up && gives_up()) return {OSIRIS_CANCELLED, "the run was cancelled"};
    return {OSIRIS_DEADLINE, program.path + " did not end within " + std::to_string(limit.count()) + " ms"};
  };
  Child child(program);
  try {
    child.write(input, late);
  } catch (const plugin::Failure& failure) {
    if (failure.code() == OSIRIS_CANCELLED) throw end();  // a program need not read all of its input
  }
  child.close_input();
  Output output;
  for (;;) {
    if (late()) throw end();
    const auto bytes = child.read(Milliseconds(kSliceMs));
    if (!bytes) continue;
    if (bytes->empty()) break;
    output.output += *bytes;
  }
  for (;;) {
    const auto ending = child.wait(Milliseconds(kSliceMs));
    if (!ending && late()) throw end();
    if (!ending) continue;
    output.ending = *ending;
    output.errors = child.errors();
    return output;
  }
}

}  // namespace osiris::adapter_sdk

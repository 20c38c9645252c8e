#include "host/commands/child_run.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "host/commands/interruptible.h"
#include "host/run/stages.h"
#include "protocol/base/json.h"
#include "protocol/base/subprocess.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr size_t kDocumentBytesMax = 256u << 20;
constexpr size_t kReadBytes = size_t{1} << 16;

// What the child writes to its end of the pipe, which does not wait.
std::string read_until_end(int fd) {
  std::string text, piece(kReadBytes, '\0');
  for (;;) {
    pollfd readable{fd, POLLIN, 0};
    if (::poll(&readable, 1, -1) < 0 && errno != EINTR) return text;
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return text;
    if (text.size() < kDocumentBytesMax) text.append(piece, 0, static_cast<size_t>(got));
  }
}

SpawnOptions spawn_options(const CommandContext& context, const std::vector<std::string>& arguments,
                           SpawnOptions::Stream standard_error) {
  SpawnOptions options;
  options.arguments = {(context.executable_directory / "osiris").string()};
  options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
  options.arguments.push_back("--json");
  for (const auto& [name, value] : context.process_environment.all()) options.environment.emplace_back(name, value);
  options.working_directory = context.cwd;
  options.standard_input = SpawnOptions::Stream::kNull;
  options.standard_error = standard_error;
  options.parent_death_signal = SIGTERM;  // it gives back what it holds
  return options;
}

struct Answer {
  Json document;  // null: what the child wrote is none
  ExitStatus exit;
};

// What the child writes on standard output. A signal to this process goes to it; kCancelled then.
Result<Answer> ask_child(const CommandContext& context, const std::vector<std::string>& arguments,
                         SpawnOptions::Stream standard_error) {
  std::mutex mutex;  // the two below
  Subprocess* running = nullptr;
  StopReason stopped = StopReason::kNone;
  const auto stop = [&](StopReason reason) {
    const std::lock_guard lock(mutex);
    stopped = reason;
    if (running) running->signal_group(SIGTERM);
  };
  OSIRIS_ASSIGN(const auto interrupts, begin_interruptible(context, {stop, [] { return std::string(); }}, 0));
  OSIRIS_ASSIGN(Subprocess child, Subprocess::spawn(spawn_options(context, arguments, standard_error)));
  {
    const std::lock_guard lock(mutex);
    running = &child;
    if (stopped != StopReason::kNone) child.signal_group(SIGTERM);
  }
  const std::string text = read_until_end(child.stdout_fd());
  const auto exit = child.wait(-1);
  {
    const std::lock_guard lock(mutex);
    running = nullptr;
    if (stopped != StopReason::kNone) return stopped_error(stopped);
  }
  const auto document = parse_json(text);
  return Answer{document.ok() ? *document : Json(), exit.value_or(ExitStatus{})};
}

// What the child has said, `is_read` where people have read it.
Error no_run(const Answer& answer, const std::string& what, bool is_read) {
  const std::string& message = answer.document["message"].as_string();
  if (message.empty()) return {Code::kUnavailable, what + " (" + answer.exit.describe() + ")"};
  const Code code = code_from_name(answer.document["code"].as_string());
  return {code, is_read ? what : what + ": " + message, is_read ? std::string() : answer.document["hint"].as_string()};
}

}  // namespace

Result<std::string> run_as_child(const CommandContext& context, const std::vector<std::string>& arguments) {
  OSIRIS_ASSIGN(const Answer answer, ask_child(context, arguments, SpawnOptions::Stream::kInherit));
  const std::string& run_id = answer.document["session_id"].as_string();
  if (run_id.empty()) return no_run(answer, "osiris " + join(arguments, " ") + " made no run", !context.json);
  return run_id;
}

Status check_run_as_child(const CommandContext& context, std::vector<std::string> arguments) {
  const std::string words = "osiris " + join(arguments, " ");
  arguments.push_back("--dry-run");
  OSIRIS_ASSIGN(const Answer answer, ask_child(context, arguments, SpawnOptions::Stream::kNull));
  if (answer.exit.success()) return {};
  return no_run(answer, words + " would make no run", false);
}

}  // namespace osiris

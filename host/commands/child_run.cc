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

SpawnOptions spawn_options(const CommandContext& context, const std::vector<std::string>& arguments) {
  SpawnOptions options;
  options.arguments = {(context.executable_directory / "osiris").string()};
  options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
  options.arguments.push_back("--json");
  for (const auto& [name, value] : context.process_environment.all()) options.environment.emplace_back(name, value);
  options.working_directory = context.cwd;
  options.standard_input = SpawnOptions::Stream::kNull;
  options.standard_error = SpawnOptions::Stream::kInherit;
  options.parent_death_signal = SIGTERM;  // it gives back what it holds
  return options;
}

// People have read why: the child has said it. Programs get it here.
Error no_run(const CommandContext& context, const Json& document, const std::string& words, const ExitStatus& exit) {
  const std::string& message = document["message"].as_string();
  if (message.empty()) return {Code::kUnavailable, words + " " + exit.describe() + " and made no run"};
  const Code code = code_from_name(document["code"].as_string());
  return {code, words + " made no run" + (context.json ? ": " + message : ""),
          context.json ? document["hint"].as_string() : std::string()};
}

}  // namespace

Result<std::string> run_as_child(const CommandContext& context, const std::vector<std::string>& arguments) {
  std::mutex mutex;  // the two below
  Subprocess* running = nullptr;
  StopReason stopped = StopReason::kNone;
  const auto stop = [&](StopReason reason) {
    const std::lock_guard lock(mutex);
    stopped = reason;
    if (running) running->signal_group(SIGTERM);
  };
  OSIRIS_ASSIGN(const auto interrupts, begin_interruptible(context, {stop, [] { return std::string(); }}, 0));
  OSIRIS_ASSIGN(Subprocess child, Subprocess::spawn(spawn_options(context, arguments)));
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
  const Json answer = document.ok() ? *document : Json();
  if (answer["session_id"].as_string().empty())
    return no_run(context, answer, "osiris " + join(arguments, " "), exit.value_or(ExitStatus{}));
  return answer["session_id"].as_string();
}

}  // namespace osiris

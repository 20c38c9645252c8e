#include "tests/e2b_server/command.h"

#include <poll.h>

#include "protocol/base/text.h"

namespace osiris::e2b_server {

StartSpec shell_spec(const Command& command) {
  StartSpec spec;
  spec.process.config = Json::object({{"cmd", "/bin/bash"}, {"args", Json::array({"-l", "-c", command.text})}, {"envs", command.env}});
  if (!command.cwd.empty()) spec.process.config.set("cwd", command.cwd);
  spec.user = command.user;
  return spec;
}

std::optional<int> run_command(Sandbox& sandbox, const Command& command, const std::function<void(std::string_view)>& on_output) {
  auto started = sandbox.start(shell_spec(command), Json::object());
  if (started.error) {
    on_output(started.error->message);
    return std::nullopt;
  }
  const auto events = started.value->subscribe();
  started.value->start(command.deadline);
  std::optional<int> exit_code;
  while (true) {
    if (auto event = events->take()) {
      const Json& body = event->body["event"];
      for (const char* stream : {"stdout", "stderr"})
        if (body["data"].contains(stream)) on_output(base64_decode(body["data"][stream].as_string()).value_or(""));
      if (body["end"].is_object()) exit_code = static_cast<int>(body["end"]["exitCode"].as_int(0));
      continue;
    }
    if (events->closed() != Subscriber::Closed::kNo) break;
    pollfd ready{events->event_fd(), POLLIN, 0};
    ::poll(&ready, 1, -1);
  }
  started.value->unsubscribe(events);
  return exit_code;
}

}  // namespace osiris::e2b_server

#include "servers/e2b/command.h"

#include <poll.h>

#include "protocol/base/text.h"

namespace osiris::e2b_server {

StartSpec shell_spec(const Command& command) {
  StartSpec spec;
  spec.process.config =
      Json::object({{"cmd", "/bin/bash"}, {"args", Json::array({"-l", "-c", command.text})}, {"envs", command.env}});
  if (!command.cwd.empty()) spec.process.config.set("cwd", command.cwd);
  spec.user = command.user;
  return spec;
}

CommandEnd run_command(Sandbox& sandbox, const Command& command,
                       const std::function<void(std::string_view)>& on_output) {
  auto started = sandbox.start(shell_spec(command), Json::object());
  if (started.error) return {false, "command failed: " + started.error->code + ": " + started.error->message};
  const auto events = started.value->subscribe();
  started.value->start(command.deadline);
  CommandEnd end{false, "command failed: unavailable: the sandbox is gone"};
  while (true) {
    if (auto event = events->take()) {
      const Json& body = event->body["event"];
      for (const char* stream : {"stdout", "stderr"})
        if (body["data"].contains(stream)) on_output(base64_decode(body["data"][stream].as_string()).value_or(""));
      if (body["end"].is_object()) end = {true, body["end"]["error"].as_string()};
      continue;
    }
    if (events->closed() != Subscriber::Closed::kNo) break;
    pollfd ready{events->event_fd(), POLLIN, 0};
    ::poll(&ready, 1, -1);
  }
  started.value->unsubscribe(events);
  return end;
}

}  // namespace osiris::e2b_server

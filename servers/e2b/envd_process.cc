// process.Process of envd: Start, Connect, List, SendInput, StreamInput, CloseStdin, SendSignal, Update.
#include <algorithm>

#include "servers/e2b/auth.h"
#include "servers/e2b/connect_codec.h"
#include "servers/e2b/server.h"
#include "servers/e2b/stream.h"

namespace osiris::e2b_server {
namespace {

constexpr int kSigterm = 15;
constexpr int kSigkill = 9;

std::string not_found_text(const Json& selector) {
  if (selector["tag"].is_string()) return "process with tag " + selector["tag"].as_string() + " not found";
  return "process with pid " + std::to_string(integer(selector["pid"])) + " not found";
}

std::shared_ptr<Process> select(Sandbox& sandbox, const Json& selector) {
  if (selector["tag"].is_string()) return sandbox.find_tag(selector["tag"].as_string());
  return sandbox.find(static_cast<int>(integer(selector["pid"], -1)));
}

void start(Call& call) {
  const auto message = read_stream_request(call.exchange);
  if (!message) return;
  const Json& process = (*message)["process"];
  StartSpec spec;
  spec.process.config = Json::object({{"cmd", process["cmd"]}});
  for (const char* key : {"args", "envs", "cwd"})
    if (process.contains(key)) spec.process.config.set(key, process[key]);
  spec.process.tag = (*message)["tag"].as_string();
  spec.process.is_pty = (*message)["pty"].is_object();
  spec.process.has_stdin = !spec.process.is_pty && (*message)["stdin"].as_bool(true);
  spec.pty_size = (*message)["pty"]["size"];
  spec.user = acting_user(call.request());
  if (spec.user.empty()) spec.user = call.sandbox->image.user;
  if (!process.contains("cwd") && !call.sandbox->image.workdir.empty())
    spec.process.config.set("cwd", call.sandbox->image.workdir);
  const auto deadline = timeout_header(call.request());
  const SteadyTime over = end_of(deadline);  // before the process's own, so that its kill is never seen as an end
  auto started = call.sandbox->sandbox->start(spec, call.sandbox->envs);
  if (started.error && started.error->code == "unavailable") return call.exchange.abort();
  if (started.error) return fail_connect_stream(call.exchange, started.error->code, started.error->message);
  const auto subscriber = started.value->subscribe();
  started.value->start(deadline);
  std::string command = process["cmd"].as_string();
  for (const Json& argument : process["args"].items()) command += " " + argument.as_string();
  call.server.registry().logs().add(call.sandbox->id, call.server.clock().unix_ns(), "info",
                                    "Process with pid " + std::to_string(started.value->pid()) + " started",
                                    Json::object({{"event_type", "process_start"}, {"command", command}}));
  stream_events(call.exchange, *subscriber, keepalive_event_of_process(), over);
  started.value->unsubscribe(subscriber);
}

void connect(Call& call) {
  const auto message = read_stream_request(call.exchange);
  if (!message) return;
  const auto process = select(*call.sandbox->sandbox, (*message)["process"]);
  if (!process) return fail_connect_stream(call.exchange, "not_found", not_found_text((*message)["process"]));
  const auto subscriber = process->subscribe();
  stream_events(call.exchange, *subscriber, keepalive_event_of_process(), end_of(timeout_header(call.request())));
  process->unsubscribe(subscriber);
}

void list(Call& call) {
  if (!read_unary(call.exchange)) return;
  Json processes = Json::array();
  for (const auto& process : call.sandbox->sandbox->running()) {
    Json info = Json::object({{"config", process->config().config}, {"pid", process->pid()}});
    if (!process->config().tag.empty()) info.set("tag", process->config().tag);
    processes.push_back(std::move(info));
  }
  call.exchange.respond_json(
      200, processes.size() > 0 ? Json::object({{"processes", std::move(processes)}}) : Json::object());
}

// The live process of a unary call; answers not_found itself.
std::shared_ptr<Process> live_process(Call& call, const Json& message) {
  auto process = select(*call.sandbox->sandbox, message["process"]);
  if (process && !process->has_ended()) return process;
  respond_connect_error(call.exchange, "not_found", not_found_text(message["process"]));
  return nullptr;
}

// The Connect code and message of a refused input; nothing: written.
std::optional<AgentError> write_input(Process& process, const Json& input, SteadyTime until) {
  const bool to_pty = input.contains("pty");
  const auto bytes = decode_bytes(input[to_pty ? "pty" : "stdin"]);
  if (!bytes && !input.contains("pty") && !input.contains("stdin"))
    return AgentError{"unimplemented", "invalid input type"};
  if (!bytes) return AgentError{"invalid_argument", "the input is not base64"};
  switch (process.send_input(*bytes, to_pty, until)) {
    case Process::InputError::kNone:
      return std::nullopt;
    case Process::InputError::kTimeout:
      return AgentError{"deadline_exceeded", "context deadline exceeded"};
    case Process::InputError::kClosed:
      return AgentError{"internal", "error writing to stdin: it is closed"};
    case Process::InputError::kNoStdin:
      return AgentError{"internal", "error writing to stdin: stdin not enabled for this process"};
    case Process::InputError::kWrongKind:
      break;
  }
  return AgentError{"internal", to_pty ? "tty not assigned to process"
                                       : "tty assigned to process — input should be written to the pty"};
}

void send_input(Call& call) {
  const auto message = read_unary(call.exchange);
  if (!message) return;
  const auto process = live_process(call, *message);
  if (!process) return;
  const SteadyTime until = end_of(timeout_header(call.request()));
  if (const auto failed = write_input(*process, (*message)["input"], until))
    return respond_connect_error(call.exchange, failed->code, failed->message);
  call.exchange.respond_json(200, Json::object());
}

// Client stream: envelopes are handled as they arrive.
void stream_input(Call& call) {
  if (!is_connect_stream(call.exchange)) return;
  const SteadyTime until = end_of(timeout_header(call.request()));
  EnvelopeReader reader;
  std::shared_ptr<Process> process;
  std::optional<AgentError> failed;
  char block[65536];
  while (!failed) {
    const auto count = call.exchange.read_body(block, sizeof block);
    if (!count.ok()) return;
    if (*count == 0) break;
    reader.feed(std::string_view(block, *count));
    for (auto next = reader.next(); !failed; next = reader.next()) {
      if (!next.ok()) failed = AgentError{"invalid_argument", next.error().message};
      if (failed || !next->has_value()) break;
      const auto message = parse_json((*next)->payload);
      if ((*next)->flags != 0) {
        failed = AgentError{"invalid_argument", "compressed envelopes are not supported"};
      } else if (!message.ok()) {
        failed = AgentError{"invalid_argument", "an envelope holds no JSON message"};
      } else if (message->contains("start")) {
        process = select(*call.sandbox->sandbox, (*message)["start"]["process"]);
        if (!process || process->has_ended())
          failed = AgentError{"not_found", not_found_text((*message)["start"]["process"])};
      } else if (message->contains("data")) {
        if (process)
          failed = write_input(*process, (*message)["data"]["input"], until);
        else
          failed = AgentError{"invalid_argument", "data came before start"};
      }
    }
  }
  if (!failed && !reader.is_empty()) failed = AgentError{"invalid_argument", "the stream ends inside an envelope"};
  if (!failed && !process) failed = AgentError{"invalid_argument", "the stream named no process"};
  if (!begin_connect_stream(call.exchange)) return;
  if (!failed) call.exchange.write(envelope(0, "{}"));
  call.exchange.write(failed ? end_of_stream(failed->code, failed->message) : end_of_stream());
  call.exchange.end_stream();
}

void close_stdin(Call& call) {
  const auto message = read_unary(call.exchange);
  if (!message) return;
  const auto process = live_process(call, *message);
  if (!process) return;
  if (!process->close_stdin())
    return respond_connect_error(call.exchange, "unknown", "a terminal has no stdin to close");
  call.exchange.respond_json(200, Json::object());
}

void send_signal(Call& call) {
  const auto message = read_unary(call.exchange);
  if (!message) return;
  const Json& given = (*message)["signal"];
  int number = static_cast<int>(given.as_int());
  if (given.as_string() == "SIGNAL_SIGKILL") number = kSigkill;
  if (given.as_string() == "SIGNAL_SIGTERM") number = kSigterm;
  if (number != kSigkill && number != kSigterm)
    return respond_connect_error(call.exchange, "unimplemented", "invalid signal");
  const auto process = live_process(call, *message);
  if (!process) return;
  if (!call.sandbox->sandbox->signal(process->pid(), number))
    return respond_connect_error(call.exchange, "not_found", not_found_text((*message)["process"]));
  call.exchange.respond_json(200, Json::object());
}

void update(Call& call) {
  const auto message = read_unary(call.exchange);
  if (!message) return;
  const auto process = live_process(call, *message);
  if (!process) return;
  const Json& size = (*message)["pty"]["size"];
  if (size.is_object() &&
      !process->resize(static_cast<int>(integer(size["cols"])), static_cast<int>(integer(size["rows"]))))
    return respond_connect_error(call.exchange, "internal", "error resizing tty: tty not assigned to process");
  call.exchange.respond_json(200, Json::object());
}

}  // namespace

std::vector<Route> process_routes() {
  return {{"POST", "/process.Process/Start", start},
          {"POST", "/process.Process/Connect", connect},
          {"POST", "/process.Process/List", list},
          {"POST", "/process.Process/SendInput", send_input},
          {"POST", "/process.Process/StreamInput", stream_input},
          {"POST", "/process.Process/CloseStdin", close_stdin},
          {"POST", "/process.Process/SendSignal", send_signal},
          {"POST", "/process.Process/Update", update}};
}

}  // namespace osiris::e2b_server

#include "plugins/e2b/api/envd.h"

#include <algorithm>
#include <array>
#include <thread>

#include "protocol/base/text.h"
#include "protocol/base/thread.h"
#include "protocol/base/wipe.h"

namespace osiris::e2b {
namespace {

using std::chrono::steady_clock;

constexpr int kKeepaliveSeconds = 5;
// A stream that brings neither data nor a keepalive for this long is dead, whatever TCP says.
constexpr http::Milliseconds kStreamIdle{3 * kKeepaliveSeconds * 1000};

// Of a file, before it is unpacked: many sandboxes send theirs at the same time.
constexpr size_t kDownloadAheadMax = 512u << 10;

// A worker that does not take a signal goes with its sandbox.
constexpr http::Milliseconds kSignalWait{5'000};

// An RPC error of a process that cannot be started or found, told apart from a broken stream by its code.
Error rpc_error(const Json& error, const std::string& operation) {
  return rpc_failure(operation, error["code"].as_string(), error["message"].as_string());
}

// The service's answer in the place of a sandbox that it forks, pauses or resumes: it passes nothing on. A fork that
// was given up may begin late. What envd itself refuses with 409 bears a code of Connect's.
bool is_between_states(const http::Response& response) {
  if (response.status != 409) return false;
  const auto body = parse_json(response.body);
  return !body || !(*body)["code"].is_string();
}

constexpr std::string_view kInput = "send to the worker";

// One message of a StreamInput, written in place: JSON and base64 of what is secret leave no other copy.
void append_input(std::string& body, std::string_view bytes) {
  std::string encoded = base64(bytes);
  std::string message;
  message.reserve(encoded.size() + 40);
  message.append(R"({"data":{"input":{"stdin":")").append(encoded).append(R"("}}})");
  std::string envelope = encode_envelope(message);
  body += envelope;
  for (std::string* copy : {&encoded, &message, &envelope}) wipe(*copy);
}

// A service that does not know StreamInput says so by its status (connectrpc.com: 404, 405 and 501 are
// "unimplemented").
Error refused_input(const http::ExchangeResult& outcome) {
  Error error = failure_from(outcome, kInput);
  const int status = outcome.response ? outcome.response->status : 0;
  const std::string code = detail_of(error, "rpc_code").as_string();
  if ((status != 404 && status != 405 && status != 501) || code == "not_found") return error;
  error.message +=
      "; this service takes no process input as a stream (process.Process/StreamInput), and its other call for input "
      "(SendInput) would put the run's secrets into its log, so the run ends here";
  error.hint = "Use E2B's own service, or one whose envd answers process.Process/StreamInput.";
  return error;
}

Error stream_broke(const std::string& operation, const std::string& reason) {
  return make_failure(FailureClass::kNetworkError, operation + ": the stream broke: " + reason, "",
                      Json::object({{"operation", operation}}));
}

}  // namespace

std::string envd_url(const ApiConfig& config, const Sandbox& sandbox) {
  if (!config.sandbox_url.empty()) return config.sandbox_url;
  const std::string& domain = sandbox.domain.empty() ? config.domain : sandbox.domain;
  static constexpr std::array<std::string_view, 7> kSharedHost{
      "e2b.app", "e2b.dev", "e2b.pro", "e2b-staging.dev", "e2b-tango.dev", "e2b-juliett.dev", "foxtrot-2.e2b.dev"};
  if (std::find(kSharedHost.begin(), kSharedHost.end(), domain) != kSharedHost.end())
    return "https://sandbox." + domain;
  return "https://49983-" + sandbox.id + "." + domain;
}

Result<std::optional<ProcessEvent>> ProcessStream::take() {
  for (;;) {
    auto envelope = decoder_.next();
    if (!envelope) return stream_broke(operation_, envelope.error().message);
    if (!*envelope) return std::optional<ProcessEvent>();
    auto json = parse_json((*envelope)->payload);
    if (!json) return stream_broke(operation_, json.error().message);
    if ((*envelope)->end_of_stream) {
      closed_ = true;
      if (const Json* error = json->find("error")) return rpc_error(*error, operation_);
      return std::optional<ProcessEvent>();
    }
    const Json& event = (*json)["event"];
    ProcessEvent out;
    if (const Json* start = event.find("start")) {
      out.kind = ProcessEvent::Kind::kStart;
      out.pid = (*start)["pid"].as_int();
      return std::optional(out);
    }
    if (const Json* data = event.find("data")) {
      const bool is_error = data->contains("stderr");
      out.kind = is_error ? ProcessEvent::Kind::kStderr : ProcessEvent::Kind::kStdout;
      auto bytes = base64_decode((*data)[is_error ? "stderr" : "stdout"].as_string());
      if (!bytes) return stream_broke(operation_, "output that is not base64");
      out.bytes = std::move(*bytes);
      return std::optional(std::move(out));
    }
    if (const Json* end = event.find("end")) {
      out.kind = ProcessEvent::Kind::kEnd;
      out.exited = (*end)["exited"].as_bool();
      out.exit_code = static_cast<int>((*end)["exitCode"].as_int());
      out.status = (*end)["status"].as_string();
      return std::optional(std::move(out));
    }
    // keepalive, and kinds of event that a later envd may add
  }
}

Result<ProcessEvent> ProcessStream::next(http::Milliseconds wait) {
  const auto until = steady_clock::now() + wait;
  for (;;) {
    if (closed_) return stream_broke(operation_, "it has ended");
    auto event = take();
    if (!event) closed_ = true;  // what follows bytes that make no sense is not listened to
    if (!event) return event.error();
    if (*event) return **std::move(event);
    if (closed_) continue;
    const auto left = std::chrono::duration_cast<http::Milliseconds>(until - steady_clock::now());
    auto bytes = exchange_->read(std::max(left, http::Milliseconds(0)));
    if (!bytes) {
      if (bytes.error().code == Code::kDeadline || bytes.error().code == Code::kCancelled) return bytes.error();
      if (!exchange_->reached_server())
        return make_failure(FailureClass::kNetworkError, operation_ + ": " + bytes.error().message, "");
      return stream_broke(operation_, bytes.error().message);
    }
    if (!head_seen_) {
      OSIRIS_ASSIGN(const http::Response* head, exchange_->head());
      head_seen_ = true;
      if (head->status != 200) {
        http::ExchangeResult outcome;
        outcome.response = *head;
        outcome.response->body = *bytes;
        closed_ = true;
        return failure_from(outcome, operation_);
      }
    }
    if (bytes->empty()) {
      closed_ = true;
      return stream_broke(operation_, "it ended in the middle");
    }
    decoder_.feed(*bytes);
  }
}

Envd::Envd(ApiClient& api, Sandbox sandbox, http::Milliseconds stall_limit)
    : api_(api), sandbox_(std::move(sandbox)), base_url_(envd_url(api.config(), sandbox_)), stall_limit_(stall_limit) {}

http::Request Envd::request(std::string method, const std::string& path, std::string operation) const {
  http::Request request;
  request.method = std::move(method);
  request.url = base_url_ + path;
  request.label = std::move(operation);
  request.timeouts = api_.config().timeouts;
  request.is_refusal = is_between_states;
  request.headers.add("E2b-Sandbox-Id", sandbox_.id);
  request.headers.add("E2b-Sandbox-Port", "49983");
  if (!sandbox_.envd_token.empty()) request.headers.add("X-Access-Token", sandbox_.envd_token);
  request.headers.add("Accept-Encoding", "identity");
  return request;
}

Result<uint64_t> Envd::upload(const std::vector<UploadPart>& parts, const std::atomic<bool>* cancelled,
                              std::function<void()> opened) {
  constexpr std::string_view kOperation = "upload files";
  static constexpr std::string_view kBoundary = "osiris-6f1d0c5b8a7e4e3f9d2b";
  http::Request upload = request("POST", "/files", std::string(kOperation));
  upload.headers.add("Content-Type", "multipart/form-data; boundary=" + std::string(kBoundary));
  upload.timeouts.total = http::Milliseconds(0);
  upload.timeouts.idle = std::max(upload.timeouts.idle, stall_limit_);
  const auto pipe = std::make_shared<http::BodyPipe>(4u << 20);
  upload.body_stream = pipe;
  uint64_t sent = 0;
  std::thread producer;
  const bool has_begun = begin_thread(producer, [&] {
    const auto sink = [&](std::string_view bytes) {
      sent += bytes.size();
      return pipe->write(bytes);
    };
    for (const UploadPart& part : parts) {
      const std::string head = "--" + std::string(kBoundary) +
                               "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + part.path +
                               "\"\r\nContent-Type: application/octet-stream\r\n\r\n";
      if (!sink(head)) return;
      if (const Status written = part.write(sink); !written.ok()) {
        pipe->fail(written.error());
        return;
      }
      if (!sink("\r\n")) return;
    }
    if (sink("--" + std::string(kBoundary) + "--\r\n")) pipe->close();
  });
  if (!has_begun) return no_more_threads("cannot " + std::string(kOperation));
  http::SendOptions options;
  options.cancelled = cancelled;
  options.opened = std::move(opened);
  const http::ExchangeResult outcome = http::send(api_.transport(), upload, options);
  pipe->abandon();
  producer.join();
  if (outcome.response && outcome.response->status / 100 != 2) return failure_from(outcome, kOperation);
  // A part that could not be made; one that was merely not wanted any more says kCancelled.
  if (const auto own = pipe->failure(); own && own->code != Code::kCancelled) return *own;
  if (!is_success(outcome)) return failure_from(outcome, kOperation);
  return sent;
}

http::Request Envd::stream_request(const std::string& procedure, std::string operation) const {
  http::Request call = request("POST", procedure, std::move(operation));
  call.headers.add("Content-Type", "application/connect+json");
  call.headers.add("Connect-Protocol-Version", "1");
  return call;
}

std::unique_ptr<ProcessStream> Envd::stream(const std::string& procedure, const Json& message, std::string operation,
                                            http::Milliseconds idle) {
  http::Request start = stream_request(procedure, operation);
  start.headers.add("Keepalive-Ping-Interval", std::to_string(kKeepaliveSeconds));
  start.body = encode_envelope(message.dump());
  start.timeouts.total = http::Milliseconds(0);
  start.timeouts.idle = idle;
  start.buffered_bytes_max = 512u << 10;
  return std::make_unique<ProcessStream>(api_.transport().open(std::move(start)), std::move(operation));
}

std::unique_ptr<ProcessStream> Envd::start(const StartSpec& spec) {
  Json arguments = Json::array();
  for (const std::string& argument : spec.arguments) arguments.push_back(argument);
  Json environment = Json::object();
  for (const auto& [name, value] : spec.environment) environment.set(name, value);
  const Json process = Json::object({{"cmd", spec.command}, {"args", arguments}, {"envs", environment}});
  // No Connect-Timeout-Ms: it would kill the worker. Its life is bounded by the sandbox's lease.
  return stream("/process.Process/Start", Json::object({{"process", process}, {"stdin", true}}), "start the worker",
                std::max(kStreamIdle, stall_limit_));  // it cannot be made twice, so it is waited for
}

std::unique_ptr<ProcessStream> Envd::connect(int64_t pid) {
  return stream("/process.Process/Connect", Json::object({{"process", Json::object({{"pid", pid}})}}),
                "reconnect to the worker", kStreamIdle);
}

Result<Json> Envd::unary(const std::string& procedure, const Json& message, std::string operation,
                         const CallOptions& manner) {
  http::Request call = request("POST", procedure, operation);
  call.headers.add("Content-Type", "application/json");
  call.headers.add("Connect-Protocol-Version", "1");
  call.body = message.dump();
  call.idempotent = manner.idempotent;
  if (manner.wait.count() > 0) call.timeouts = shortened(call.timeouts, manner.wait);
  http::SendOptions options;
  options.cancelled = manner.cancelled;
  const http::ExchangeResult outcome =
      manner.once ? http::send(api_.transport(), call, options) : api_.sender().send(call, options);
  if (!outcome.response || outcome.response->status != 200) return failure_from(outcome, operation);
  auto body = parse_json(outcome.response->body);
  return body.ok() ? *std::move(body) : Json::object();
}

// Never by SendInput: envd writes every unary call, its message included, to the log that the service keeps. A stream's
// messages it does not write.
Status Envd::stream_input(int64_t pid, std::string_view bytes, const std::atomic<bool>* cancelled) {
  constexpr size_t kSliceBytes = 1u << 20;
  http::Request call = stream_request("/process.Process/StreamInput", std::string(kInput));
  call.timeouts = shortened(call.timeouts, std::max(api_.config().timeouts.total, stall_limit_));
  call.has_secrets = true;
  const size_t slices = bytes.size() / kSliceBytes + 1;
  call.body.reserve(bytes.size() / 3 * 4 + slices * 64 +
                    64);  // grown in one piece, so that no part of it is left behind
  call.body +=
      encode_envelope(Json::object({{"start", Json::object({{"process", Json::object({{"pid", pid}})}})}}).dump());
  for (size_t at = 0; at < bytes.size(); at += kSliceBytes) append_input(call.body, bytes.substr(at, kSliceBytes));
  http::SendOptions options;
  options.cancelled = cancelled;
  const http::ExchangeResult outcome = api_.sender().send(call, options);
  if (!outcome.response || outcome.response->status != 200) return refused_input(outcome);
  EnvelopeDecoder decoder;
  decoder.feed(outcome.response->body);
  for (;;) {
    auto envelope = decoder.next();
    if (!envelope) return stream_broke(std::string(kInput), envelope.error().message);
    if (!*envelope) return stream_broke(std::string(kInput), "its answer has no end");
    if (!(*envelope)->end_of_stream) continue;
    const auto end = parse_json((*envelope)->payload);
    if (!end) return stream_broke(std::string(kInput), end.error().message);
    const Json* error = end->find("error");
    return error ? Status(rpc_error(*error, std::string(kInput))) : Status();
  }
}

Status Envd::signal(int64_t pid, bool kill) {
  const Json message =
      Json::object({{"process", Json::object({{"pid", pid}})}, {"signal", kill ? "SIGNAL_SIGKILL" : "SIGNAL_SIGTERM"}});
  const auto sent =
      unary("/process.Process/SendSignal", message, "signal the worker", {.idempotent = true, .wait = kSignalWait});
  if (!sent) return sent.error();
  return {};
}

Result<std::vector<int64_t>> Envd::list_processes() {
  OSIRIS_ASSIGN(const Json list,
                unary("/process.Process/List", Json::object(), "list the processes", {.wait = kAskWait, .once = true}));
  std::vector<int64_t> pids;
  for (const Json& process : list["processes"].items()) pids.push_back(process["pid"].as_int());
  return pids;
}

std::unique_ptr<http::Exchange> Envd::download(const std::string& path, uint64_t offset) {
  http::Request get = request("GET", "/files?path=" + percent_encode(path), "download " + path);
  if (offset > 0) get.headers.add("Range", "bytes=" + std::to_string(offset) + "-");
  get.timeouts.total = http::Milliseconds(0);
  get.buffered_bytes_max = kDownloadAheadMax;
  return api_.transport().open(std::move(get));
}

Result<bool> Envd::is_alive() {
  http::Request get = request("GET", "/health", "ask the sandbox for its health");
  get.timeouts = shortened(get.timeouts, kAskWait);
  const http::ExchangeResult outcome = http::send(api_.transport(), get);
  if (outcome.response && outcome.response->status / 100 == 2) return true;
  if (outcome.response && (outcome.response->status == 502 || outcome.response->status == 404)) {
    // The proxy's own JSON says the sandbox is not there; any other 502 is trouble on the way.
    const auto body = parse_json(outcome.response->body);
    if (body.ok() && body->contains("sandboxId")) return false;
  }
  return failure_from(outcome, get.label);
}

}  // namespace osiris::e2b

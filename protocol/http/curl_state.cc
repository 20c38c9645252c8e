#include "protocol/http/curl_state.h"

#include <strings.h>

#include "protocol/base/categories.h"

namespace osiris::http::curl {
namespace {

// A request that may have had an effect is not one to repeat blindly.
constexpr const char* kUnknownEffect = "What the server did is unknown; look before you try again.";
constexpr const char* kBroke = "The connection broke; try again.";

std::string in_words(Milliseconds time) {
  const int64_t ms = time.count();
  return ms % 1000 ? std::to_string(ms) + " ms" : std::to_string(ms / 1000) + " s";
}

}  // namespace

std::string what_of(const Request& request) {
  return request.label.empty() ? request.method + " " + request.url : request.label;
}

Error head_is_cut(const State& state) {
  return Error(Code::kUnavailable,
               what_of(state.request) + ": the connection closed before the head of the answer was whole",
               is_idempotent(state.request) ? kBroke : kUnknownEffect, category::kConnectionFailed);
}

Error classify(CURLcode code, const State& state) {
  const std::string what = what_of(state.request);
  const std::string reason = state.error_text[0] ? state.error_text : curl_easy_strerror(code);
  if (state.idle_expired)
    return Error(Code::kUnavailable, what + ": no byte for " + in_words(state.request.timeouts.idle),
                 "The server or the network stalled; try again.", category::kConnectionTimeout);
  switch (code) {
    case CURLE_SEND_FAIL_REWIND:
      return Error(Code::kUnavailable, what + ": the connection broke before an answer came", kUnknownEffect,
                   category::kConnectionFailed);
    case CURLE_OPERATION_TIMEDOUT:
      return Error(Code::kUnavailable, what + ": " + reason,
                   "The server or the network is slow; raise the timeout or try again.", category::kConnectionTimeout);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return Error(Code::kUnavailable, what + ": " + reason, "Check the host name and the network.",
                   category::kConnectionNotFound);
    case CURLE_COULDNT_CONNECT:
      return Error(Code::kUnavailable, what + ": " + reason, "Is the server running and reachable from here?",
                   category::kConnectionFailed);
    case CURLE_SSL_CACERT_BADFILE:
      return Error(Code::kUnauthenticated, what + ": " + reason,
                   "Certificates cannot be checked here: install ca-certificates, or name a CA file.",
                   category::kConnectionAuthFailed);
    case CURLE_PEER_FAILED_VERIFICATION:
      return Error(Code::kUnauthenticated, what + ": " + reason,
                   "The server's certificate is not trusted; name its CA file.", category::kConnectionAuthFailed);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return Error(Code::kInvalidArgument, what + ": " + reason, "Check the URL.", category::kConnectionInvalidConfig);
    default:
      return Error(Code::kUnavailable, what + ": " + reason, kBroke, category::kConnectionFailed);
  }
}

size_t on_header(char* data, size_t size, size_t count, void* user) {
  auto& state = *static_cast<State*>(user);
  std::string_view line(data, size * count);
  const std::lock_guard lock(state.mutex);
  state.reached_server = true;
  state.last_byte = std::chrono::steady_clock::now();
  if (state.head_done) return size * count;  // a trailer: the head is being read
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {
    state.response.headers = Headers();  // a new head: what came before was 1xx
  } else if (const size_t colon = line.find(':'); colon != std::string_view::npos) {
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    state.response.headers.add(std::string(line.substr(0, colon)), std::string(value));
  } else if (line.empty()) {
    long status = 0;
    curl_easy_getinfo(state.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200) {
      state.response.status = static_cast<int>(status);
      state.head_done = true;
      state.changed.notify_all();
    }
  }
  return size * count;
}

size_t on_body(char* data, size_t size, size_t count, void* user) {
  auto& state = *static_cast<State*>(user);
  const std::lock_guard lock(state.mutex);
  if (state.cancelled) return 0;
  state.last_byte = std::chrono::steady_clock::now();
  if (state.buffer.size() >= state.request.buffered_bytes_max) {
    state.paused = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  state.buffer.append(data, size * count);
  state.bytes_received += size * count;
  state.changed.notify_all();
  return size * count;
}

size_t on_upload(char* into, size_t size, size_t count, void* user) {
  auto& state = *static_cast<State*>(user);
  size_t copied = 0;
  switch (state.request.body_stream->read(into, size * count, &copied)) {
    case BodyPipe::Read::kBytes: {
      const std::lock_guard lock(state.mutex);
      state.bytes_sent += copied;
      state.last_byte = std::chrono::steady_clock::now();
      return copied;
    }
    case BodyPipe::Read::kAgain:
      return CURL_READFUNC_PAUSE;
    case BodyPipe::Read::kEnd:
      return 0;
    case BodyPipe::Read::kFailed:
      break;
  }
  return CURL_READFUNC_ABORT;
}

size_t on_body_once(char* into, size_t size, size_t count, void* user) {
  auto& state = *static_cast<State*>(user);
  const size_t copied = state.request.body.copy(into, size * count, state.body_offset);
  state.body_offset += copied;
  return copied;
}

}  // namespace osiris::http::curl

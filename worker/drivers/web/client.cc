#include "worker/drivers/web/client.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "protocol/base/ca_bundle.h"
#include "protocol/base/categories.h"
#include "protocol/base/random.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "protocol/http/curl_transport.h"
#include "protocol/http/retry.h"

namespace osiris::worker::web {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(20);
constexpr int64_t kDelayMax_ms = 60'000;
constexpr size_t kQuotedBytes = 300;
constexpr int kWaitsMax = 2;  // for a server that does not answer

// The first of the variables that the user passed and that says something, in either case of letters.
std::string passed(const Json& environment, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const std::string& value = environment[name].as_string(); !value.empty()) return value;
  return {};
}

http::CurlOptions curl_options(const StepContext& step, const ClientOptions& options) {
  const Json& environment = step.passed_environment();
  http::CurlOptions curl;
  curl.user_agent = options.user_agent;
  curl.verifies_certificates = options.verifies_certificates;
  curl.ca_file = passed(environment, {"SSL_CERT_FILE"});
  curl.system_ca_file = system_ca_file();
  curl.https_proxy = passed(environment, {"HTTPS_PROXY", "https_proxy"});
  curl.http_proxy = passed(environment, {"HTTP_PROXY", "http_proxy"});
  curl.no_proxy = passed(environment, {"NO_PROXY", "no_proxy"});
  return curl;
}

// What a server says of its refusal, in one line.
std::string quoted(const std::string& body) {
  const std::string line = printable_line(std::string(trim(body.substr(0, kQuotedBytes))));
  return line.empty() ? "" : ": " + line + (body.size() > kQuotedBytes ? " ..." : "");
}

bool passes_by(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

Error status_error(const http::Request& request, const http::Response& response) {
  const int status = response.status;
  const std::string what = request.url + " answered " + std::to_string(status) + quoted(response.body);
  if (status == 401 || status == 403)
    return Error(Code::kUnauthenticated, what, "Check the connection's token, its rights, and `auth_type`.",
                 status == 401 ? category::kConnectionAuthFailed : category::kExtractPermissionDenied);
  if (status == 404 || status == 410)
    return Error(Code::kNotFound, what, "Check the URL.", category::kConnectionNotFound);
  if (status >= 300 && status < 400)
    return Error(Code::kInvalidArgument,
                 what + (response.headers.has("location")
                             ? ", and sends elsewhere: " + printable_line(std::string(response.headers.get("location")))
                             : ""),
                 "Write that URL: redirects are not followed, because they would carry the token away.",
                 category::kConnectionInvalidConfig);
  if (passes_by(status))
    return Error(Code::kUnavailable, what,
                 status == 429 ? "The server limits how often it is asked: try again later, or ask for larger pages."
                               : "Try again later.",
                 category::kConnectionFailed);
  return Error(status < 500 ? Code::kInvalidArgument : Code::kUnavailable, what, "", category::kExtractQueryFailed);
}

}  // namespace

http::Timeouts timeouts_of(const ClientOptions& options) {
  http::Timeouts timeouts;
  timeouts.total = http::Milliseconds(options.timeout_ms);
  timeouts.idle = http::Milliseconds(options.silence_ms ? options.silence_ms : options.timeout_ms);
  return timeouts;
}

Verdict judge_status(const http::Request& request, const http::Response& response) {
  if (response.status >= 200 && response.status <= 299) return {};
  return {status_error(request, response), passes_by(response.status)};
}

struct Client::Attempt {
  std::optional<http::Response> response;
  Error error;
  bool may_pass = false;
  bool was_in_vain = false;  // no connection came to be, or no byte, for as long as one is waited for
  int64_t wait_ms = 0;       // that the server asks for
};

Client::Client(StepContext& step, ClientOptions options)
    : step_(step),
      options_(std::move(options)),
      transport_(std::make_unique<http::CurlTransport>(curl_options(step, options_))) {
  if (!options_.outlives_cancel) watch_.emplace(step_, [this] { cancelled_ = true; });
}

Client::~Client() = default;

Client::Attempt Client::attempt(const http::Request& request, const Judge& judge, const Sink& sink) {
  http::SendOptions how;
  how.max_body_bytes = options_.answer_bytes_max;
  how.cancelled = &cancelled_;
  how.sink = sink;
  ++requests_made_;
  http::ExchangeResult result = http::send(*transport_, request, how);
  Attempt attempt;
  if (!result.response) {
    attempt.error = result.failure->error;
    if (attempt.error.category.empty())
      attempt.error.category =
          attempt.error.code == Code::kDeadline ? category::kConnectionTimeout : category::kConnectionFailed;
    attempt.may_pass = attempt.error.code == Code::kUnavailable || attempt.error.code == Code::kDeadline;
    attempt.was_in_vain = attempt.error.category == category::kConnectionTimeout;
    if (http::is_idempotent(request) || !result.failure->reached_server) return attempt;
    attempt.may_pass = false;
    attempt.error.code = Code::kInvalidState;
    attempt.error.message = "outcome unknown: " + attempt.error.message;
    return attempt;
  }
  if (const auto wait = http::retry_after(result.response->headers)) attempt.wait_ms = wait->count();
  Verdict verdict = judge(request, *result.response);
  if (verdict.status.ok()) {
    attempt.response = *std::move(result.response);
  } else {
    attempt.error = verdict.status.error();
    attempt.may_pass = verdict.may_pass;
  }
  return attempt;
}

Status Client::pause(int64_t milliseconds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  while (std::chrono::steady_clock::now() < until) {
    if (cancelled_) return step_cancelled();
    std::this_thread::sleep_for(kLookEvery);
  }
  return {};
}

Result<Json> Client::send(http::Request request, AnswerCheck check) {
  request.idempotent = true;
  Json body;
  OSIRIS_ASSIGN(
      const http::Response response,
      exchange(std::move(request), [&](const http::Request& asked, const http::Response& answer) -> Verdict {
        if (Verdict refused = judge_status(asked, answer); !refused.status.ok()) return refused;
        auto parsed = parse_json(answer.body);
        if (!parsed.ok())
          return {Error(Code::kStepFailed,
                        asked.url + " answered what is no JSON (" + parsed.error().message + ")" + quoted(answer.body),
                        "Check the URL: it should be that of the API, not of a page.", category::kExtractQueryFailed)};
        if (Status checked = check ? check(*parsed) : Status(); !checked.ok())
          return {checked, checked.error().code == Code::kUnavailable};
        body = *std::move(parsed);
        return {};
      }));
  return body;
}

Result<http::Response> Client::exchange(http::Request request, const Judge& judge, const Sink& sink) {
  request.has_secrets = true;
  request.timeouts = timeouts_of(options_);
  int waits = 0;
  for (int attempts = 1;; ++attempts) {
    if (cancelled_ || (!options_.outlives_cancel && step_.is_cancelled())) return step_cancelled();
    Attempt made = attempt(request, judge, sink);
    if (made.response) return *std::move(made.response);
    if (made.error.code == Code::kInvalidState) return made.error;
    if (cancelled_) return step_cancelled();
    if (made.was_in_vain) {
      ++waits;
      request.wants_new_connection = true;  // the old one may lead nowhere any more
    }
    if (!made.may_pass || attempts > options_.retries_max || waits == kWaitsMax ||
        made.wait_ms > options_.retry_after_max_ms) {
      if (attempts > 1) made.error.message += " (after " + std::to_string(attempts) + " attempts)";
      return made.error;
    }
    const int64_t doubled = std::min(options_.retry_delay_ms << std::min(attempts - 1, 20), kDelayMax_ms);
    // Between half of it and all of it, so that many steps do not come back at once.
    const int64_t wait = std::max(
        made.wait_ms, doubled / 2 + static_cast<int64_t>(random_number() % static_cast<uint64_t>(doubled / 2 + 1)));
    step_.log("attempt " + std::to_string(attempts) + " failed: " + made.error.message + "; the next one in " +
              std::to_string(wait) + " ms");
    OSIRIS_TRY(pause(wait));
  }
}

}  // namespace osiris::worker::web

#include "worker/drivers/web/client.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "protocol/base/categories.h"
#include "protocol/base/random.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "protocol/http/ca_bundle.h"
#include "protocol/http/curl_transport.h"
#include "protocol/http/retry.h"

namespace osiris::worker::web {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(20);
constexpr int64_t kDelayMax_ms = 60'000;
constexpr int64_t kRetryAfterMax_ms = 600'000;
constexpr size_t kQuotedBytes = 300;

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
  curl.system_ca_file = http::system_ca_file();
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

struct Client::Attempt {
  std::optional<Json> body;
  Error error;
  bool may_pass = false;
  int64_t wait_ms = 0;  // that the server asks for
};

Client::Client(StepContext& step, ClientOptions options)
    : step_(step),
      options_(std::move(options)),
      transport_(std::make_unique<http::CurlTransport>(curl_options(step, options_))),
      watch_([this] {
        while (!ended_ && !cancelled_) {
          if (step_.is_cancelled()) cancelled_ = true;
          std::this_thread::sleep_for(kLookEvery);
        }
      }) {}

Client::~Client() {
  ended_ = true;
  watch_.join();
}

Client::Attempt Client::attempt(const http::Request& request, AnswerCheck check) {
  http::SendOptions how;
  how.max_body_bytes = options_.answer_bytes_max;
  how.cancelled = &cancelled_;
  ++requests_made_;
  const http::ExchangeResult result = http::send(*transport_, request, how);
  Attempt attempt;
  if (!result.response) {
    attempt.error = result.failure->error;
    if (attempt.error.category.empty())
      attempt.error.category =
          attempt.error.code == Code::kDeadline ? category::kConnectionTimeout : category::kConnectionFailed;
    attempt.may_pass = attempt.error.code == Code::kUnavailable || attempt.error.code == Code::kDeadline;
    return attempt;
  }
  const http::Response& response = *result.response;
  if (const auto wait = http::retry_after(response.headers)) attempt.wait_ms = wait->count();
  if (response.status < 200 || response.status > 299) {
    attempt.error = status_error(request, response);
    attempt.may_pass = passes_by(response.status);
    return attempt;
  }
  auto body = parse_json(response.body);
  if (!body.ok()) {
    attempt.error =
        Error(Code::kStepFailed,
              request.url + " answered what is no JSON (" + body.error().message + ")" + quoted(response.body),
              "Check the URL: it should be that of the API, not of a page.", category::kExtractQueryFailed);
    return attempt;
  }
  if (const Status checked = check ? check(*body) : Status(); !checked.ok()) {
    attempt.error = checked.error();
    attempt.may_pass = checked.error().code == Code::kUnavailable;
    return attempt;
  }
  attempt.body = *std::move(body);
  return attempt;
}

Status Client::pause(int64_t milliseconds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  while (std::chrono::steady_clock::now() < until) {
    if (cancelled_) return Error(Code::kCancelled, "stopped");
    std::this_thread::sleep_for(kLookEvery);
  }
  return {};
}

Result<Json> Client::send(http::Request request, AnswerCheck check) {
  request.idempotent = true;
  request.has_secrets = true;
  request.timeouts.total = http::Milliseconds(options_.timeout_ms);
  for (int attempts = 1;; ++attempts) {
    if (cancelled_ || step_.is_cancelled()) return Error(Code::kCancelled, "stopped");
    Attempt made = attempt(request, check);
    if (made.body) return *std::move(made.body);
    if (cancelled_) return Error(Code::kCancelled, "stopped");
    if (!made.may_pass || attempts > options_.retries_max || made.wait_ms > kRetryAfterMax_ms) {
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

#include "protocol/http/retry.h"

#include <algorithm>
#include <charconv>
#include <ctime>

#include "protocol/base/clock.h"

namespace osiris::http {
namespace {

bool is_transient(int status) {
  return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

struct RetryDecision {
  bool retry = false;
  std::string reason;
};

RetryDecision decide(const Request& request, const ExchangeResult& outcome) {
  if (outcome.response) {
    const int status = outcome.response->status;
    const bool is_refusal = status == 429 || (request.is_refusal && request.is_refusal(*outcome.response));
    const auto told = status >= 400 ? parse_should_retry(outcome.response->headers.get("Should-Retry")) : std::nullopt;
    if (!told.value_or(is_refusal || is_transient(status))) return {};
    return {is_refusal || is_idempotent(request), "HTTP " + std::to_string(status)};
  }
  const Failure& failure = *outcome.failure;
  if (failure.error.code != Code::kUnavailable) return {};
  return {!failure.reached_server || is_idempotent(request), failure.error.message};
}

}  // namespace

std::optional<bool> parse_should_retry(std::string_view value) {
  const auto is = [&](std::string_view word) {
    return std::equal(value.begin(), value.end(), word.begin(), word.end(),
                      [](char a, char b) { return (a | 0x20) == b; });
  };
  if (is("true")) return true;
  if (is("false")) return false;
  return std::nullopt;
}

Milliseconds backoff(const RetryPolicy& policy, int attempt) {
  return Milliseconds(
      std::min<int64_t>(policy.delay_first.count() << std::min(attempt - 1, 20), policy.delay_max.count()));
}

std::optional<int64_t> parse_http_date(std::string_view value) {
  tm fields{};
  const std::string text(value);
  const char* rest = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &fields);
  if (!rest || *rest) return std::nullopt;
  return timegm(&fields);
}

std::optional<Milliseconds> retry_after(const Headers& headers, const Clock& clock) {
  const int64_t sent = parse_http_date(headers.get("Date")).value_or(clock.unix_ns() / 1'000'000'000);
  return parse_retry_after(headers.get("Retry-After"), sent);
}

std::optional<Milliseconds> parse_retry_after(std::string_view value, int64_t now_unix_s) {
  int64_t seconds = 0;
  const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (code == std::errc() && end == value.data() + value.size() && !value.empty())
    return seconds < 0 || seconds > 86'400 * 7 ? std::nullopt : std::optional(Milliseconds(seconds * 1000));
  const auto until = parse_http_date(value);
  if (!until) return std::nullopt;
  return Milliseconds(std::clamp<int64_t>(*until - now_unix_s, 0, 86'400 * 7) * 1000);
}

RetryingSender::RetryingSender(Transport& transport, RetryPolicy policy, std::function<bool(Milliseconds)> sleep,
                               std::function<void(const Request&, const RetryNote&)> note)
    : transport_(transport), policy_(policy), sleep_(std::move(sleep)), note_(std::move(note)), random_(policy.seed) {}

// In slices where the caller may cancel.
bool RetryingSender::pause(Milliseconds wait, const std::atomic<bool>* cancelled) const {
  if (!cancelled) return sleep_(wait);
  constexpr Milliseconds kSlice{100};
  for (; wait.count() > 0; wait -= std::min(wait, kSlice))
    if (cancelled->load() || !sleep_(std::min(wait, kSlice))) return false;
  return true;
}

ExchangeResult RetryingSender::send(const Request& request, const SendOptions& options) {
  Milliseconds spent{0};
  for (int attempt = 1;; ++attempt) {
    const auto started = std::chrono::steady_clock::now();
    ExchangeResult outcome = http::send(transport_, request, options);
    spent += std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - started);
    if (outcome.response) outcome.response->attempts = attempt;
    if (outcome.failure) outcome.failure->attempts = attempt;
    const RetryDecision decision = decide(request, outcome);
    if (!decision.retry || request.body_stream) return outcome;

    const int64_t ceiling = backoff(policy_, attempt).count();
    Milliseconds wait;
    {
      const std::lock_guard lock(mutex_);
      wait = Milliseconds(std::uniform_int_distribution<int64_t>(ceiling / 2, ceiling)(random_));
    }
    if (outcome.response) {
      const auto asked = retry_after(outcome.response->headers);
      if (asked && spent + *asked > policy_.budget) return outcome;
      if (asked) wait = std::max(wait, *asked);
    }
    const Milliseconds left = policy_.budget - spent;
    if (left.count() <= 0) return outcome;
    wait = std::min(wait, left);  // the last attempt starts at the end of the budget
    if (note_) note_(request, RetryNote{attempt, wait, decision.reason});
    if (!pause(wait, options.cancelled)) return outcome;
    spent += wait;
  }
}

}  // namespace osiris::http

#include "servers/e2b/shaped_exchange.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace osiris::e2b_server {
namespace {

using Type = FaultAction::Type;
using When = FaultAction::When;

constexpr size_t kRequestHeadMaxBytes = 2u << 20;  // a SendInput of 1 MiB is logged whole
constexpr int64_t kMiddleBytes = 10;               // where "middle" is when the plan does not say

}  // namespace

ShapedExchange::ShapedExchange(Exchange& inner, std::chrono::milliseconds rtt, std::vector<FaultAction> faults,
                               Effects effects)
    : inner_(inner), rtt_(rtt), faults_(std::move(faults)), effects_(std::move(effects)) {}

void ShapedExchange::sleep_ms(int64_t ms) const {
  if (ms > 0) effects_.sleep(std::chrono::milliseconds(ms));
}

// As long as these bytes take on the slow line.
void ShapedExchange::pace(size_t bytes) const {
  effects_.sleep(std::chrono::microseconds(static_cast<int64_t>(bytes) * 1'000'000 / bytes_per_s_));
}

// Where the answer's body breaks: as the plan says; else early, but inside however short it is.
int64_t ShapedExchange::middle_of(const FaultAction& fault) const {
  if (fault.after_bytes >= 0) return fault.after_bytes;
  return length_bytes_ ? std::min<int64_t>(kMiddleBytes, static_cast<int64_t>(*length_bytes_ / 2)) : kMiddleBytes;
}

void ShapedExchange::apply_effect(const FaultAction& fault) {
  applied_.emplace_back(type_name(fault.type));
  if (fault.type == Type::kKillSandbox) effects_.kill_sandbox();
  if (fault.type == Type::kKillProcess) effects_.kill_process(fault.signal);
  if (fault.type == Type::kClockJump) effects_.jump_clock(fault.ms);
  if (fault.type == Type::kTell) effects_.tell(fault.port);
}

void ShapedExchange::record_once() {
  if (std::exchange(recorded_, true)) return;
  effects_.record(*this);
}

std::vector<std::string> ShapedExchange::applied_faults() const {
  std::vector<std::string> out = applied_;
  for (const FaultAction& fault : faults_)
    if (fault.when == When::kAfter && !cut_) out.push_back(std::string(type_name(fault.type)) + " after");
  return out;
}

bool ShapedExchange::answer_status(const FaultAction& fault) {
  applied_.push_back("status " + std::to_string(fault.status));
  Pairs headers{{"x-request-id", effects_.request_id}};
  if (fault.retry_after_s) headers.emplace_back("retry-after", std::to_string(*fault.retry_after_s));
  if (!fault.should_retry.empty()) headers.emplace_back("should-retry", fault.should_retry);
  std::string body = fault.text;
  if (body.empty()) {
    headers.emplace_back("content-type", "application/json");
    Json code = fault.code.empty() ? Json(fault.status) : Json(fault.code);
    Json error = Json::object({{"code", std::move(code)}, {"message", fault.message}});
    if (!fault.error_code.empty()) error.set("error_code", fault.error_code);
    body = error.dump();
  } else {
    headers.emplace_back("content-type", "text/plain");
  }
  status_ = fault.status;
  response_bytes_ = body.size();
  delay_answer();
  record_once();
  inner_.respond(fault.status, headers, body);
  answered_ = true;
  return false;
}

bool ShapedExchange::admit() {
  sleep_ms(rtt_.count() / 2);
  const std::vector<FaultAction> all = faults_;
  // What strikes here strikes nowhere else.
  std::erase_if(faults_, [](const FaultAction& fault) {
    return fault.when == When::kRequest || fault.type == Type::kLatency || fault.type == Type::kBandwidth ||
           fault.type == Type::kStatus;
  });
  for (const FaultAction& fault : all) {
    if (fault.type == Type::kLatency) {
      applied_.emplace_back("latency");
      sleep_ms(fault.ms);
    } else if (fault.type == Type::kBandwidth) {
      applied_.emplace_back("bandwidth");
      bytes_per_s_ = fault.bytes_per_s;
    } else if (fault.type == Type::kStatus) {
      return answer_status(fault);
    } else if (fault.when == When::kRequest && fault.type == Type::kReset) {
      applied_.emplace_back("reset request");
      abort();
      return false;
    } else if (fault.when == When::kRequest && fault.type == Type::kStall) {
      applied_.emplace_back("stall request");
      sleep_ms(fault.ms);
    } else if (fault.when == When::kRequest) {
      apply_effect(fault);
    }
  }
  return true;
}

Result<size_t> ShapedExchange::read_body(char* out, size_t capacity_bytes) {
  for (const FaultAction& fault : faults_) {
    if (fault.when != When::kUpload) continue;
    const uint64_t limit = static_cast<uint64_t>(fault.after_bytes < 0 ? kMiddleBytes : fault.after_bytes);
    if (request_bytes_ < limit) {
      capacity_bytes = std::min<size_t>(capacity_bytes, limit - request_bytes_);
      continue;
    }
    applied_.push_back(std::string(type_name(fault.type)) + " upload");
    const FaultAction struck = fault;
    std::erase_if(faults_, [](const FaultAction& item) { return item.when == When::kUpload; });
    if (struck.type == Type::kReset) {
      abort();
      return Error(Code::kUnavailable, "cut by the fault plan");
    }
    if (struck.type == Type::kStall)
      sleep_ms(struck.ms);
    else
      apply_effect(struck);
    break;
  }
  auto count = inner_.read_body(out, capacity_bytes);
  if (!count.ok()) return count;
  if (request_head_.size() < kRequestHeadMaxBytes)
    request_head_.append(out, std::min(*count, kRequestHeadMaxBytes - request_head_.size()));
  request_bytes_ += *count;
  if (bytes_per_s_ > 0) pace(*count);
  return count;
}

void ShapedExchange::delay_answer() {
  if (rtt_.count() == 0) return;
  auto due = std::chrono::steady_clock::now() + rtt_ / 2;
  if (event_time_) due = *event_time_ + rtt_ / 2;
  std::this_thread::sleep_until(due);
}

// The request has been handled, its answer is about to leave.
bool ShapedExchange::cut_before_answer() {
  for (const FaultAction& fault : faults_) {
    if (fault.when != When::kBefore) continue;
    if (fault.type == Type::kReset) {
      applied_.emplace_back("reset before");
      abort();
      return true;
    }
    if (fault.type == Type::kStall) {
      applied_.emplace_back("stall before");
      sleep_ms(fault.ms);
    } else {
      apply_effect(fault);
    }
  }
  return false;
}

const FaultAction* ShapedExchange::planned_cut() const {
  const auto found =
      std::find_if(faults_.begin(), faults_.end(), [](const FaultAction& fault) { return fault.type == Type::kCut; });
  return found == faults_.end() ? nullptr : &*found;
}

bool ShapedExchange::cuts_head() const {
  const FaultAction* cut = planned_cut();
  return cut && cut->at < CutAt::kChunkSize;
}

// What the inner exchange is given next breaks off there.
void ShapedExchange::begin_cut() {
  const FaultAction cut = *planned_cut();
  applied_.push_back(std::string("cut ") + cut_name(cut.at) + (cut.resets ? " rst" : " fin"));
  cut_ = true;
  record_once();
  inner_.cut(cut.at, cut.resets);
}

Pairs ShapedExchange::with_id(Pairs headers) const {
  headers.emplace_back("x-request-id", effects_.request_id);
  return headers;
}

void ShapedExchange::respond(int status, const Pairs& headers, std::string_view body) {
  const bool cuts_inside = std::any_of(faults_.begin(), faults_.end(),
                                       [](const FaultAction& fault) { return fault.when == When::kMiddle; }) &&
                           !cuts_head();
  if (cuts_inside || bytes_per_s_ > 0) {
    if (!begin_stream(status, headers, body.size())) return;
    write(body);
    end_stream();
    return;
  }
  if (cut_ || answered_) return;
  answered_ = true;
  status_ = status;
  if (cut_before_answer()) return;
  response_bytes_ = body.size();
  delay_answer();
  if (cuts_head()) begin_cut();
  record_once();
  inner_.respond(status, with_id(headers), body);
}

bool ShapedExchange::begin_stream(int status, const Pairs& headers, std::optional<uint64_t> length_bytes) {
  if (cut_ || answered_) return false;
  answered_ = true;
  const bool has_body = status != 204 && status != 304;
  if (planned_cut() && !cuts_head() && has_body)
    length_bytes.reset();  // a body in chunks, as a proxy on the way may make one
  chunked_ = !length_bytes;
  length_bytes_ = length_bytes;
  status_ = status;
  if (cut_before_answer()) return false;
  delay_answer();
  if (cuts_head()) begin_cut();
  if (length_bytes_ == 0) record_once();
  return inner_.begin_stream(status, with_id(headers), length_bytes);
}

bool ShapedExchange::is_due(const FaultAction& fault, uint64_t upcoming_bytes) const {
  if (fault.when != When::kMiddle || fault.type == Type::kCut) return false;
  if (fault.after_events >= 0) return events_ >= fault.after_events;
  return response_bytes_ + upcoming_bytes > static_cast<uint64_t>(middle_of(fault));
}

bool ShapedExchange::pass(std::string_view bytes) {
  response_bytes_ += bytes.size();
  if (length_bytes_ && response_bytes_ >= *length_bytes_) record_once();
  if (bytes_per_s_ <= 0) return inner_.write(bytes);
  const size_t step = std::max<size_t>(1, static_cast<size_t>(bytes_per_s_ / 20));
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, step);
    if (!inner_.write(part)) return false;
    bytes.remove_prefix(part.size());
    pace(part.size());
  }
  return true;
}

bool ShapedExchange::send_part(std::string_view bytes) {
  for (const FaultAction& fault : std::vector<FaultAction>(faults_)) {
    if (!is_due(fault, bytes.size())) continue;
    const int64_t limit = middle_of(fault);
    // An event fault tears the envelope itself; a byte fault cuts exactly there.
    const int64_t keep = fault.after_events >= 0 ? static_cast<int64_t>(bytes.size() / 2)
                                                 : limit - static_cast<int64_t>(response_bytes_);
    const std::string_view head =
        bytes.substr(0, static_cast<size_t>(std::clamp<int64_t>(keep, 0, static_cast<int64_t>(bytes.size()))));
    std::erase_if(faults_, [&](const FaultAction& item) { return item.type == fault.type && item.when == fault.when; });
    if (fault.type == Type::kKillSandbox || fault.type == Type::kKillProcess || fault.type == Type::kClockJump ||
        fault.type == Type::kTell) {
      apply_effect(fault);
      continue;
    }
    applied_.push_back(std::string(type_name(fault.type)) + " middle");
    if (!pass(head)) return false;
    if (fault.type == Type::kReset) {
      abort();
      return false;
    }
    if (fault.type == Type::kTruncate) {  // a clean end in the middle of things; with a length, a close
      record_once();
      if (chunked_) inner_.end_stream();
      cut_ = true;
      return false;
    }
    sleep_ms(fault.ms);
    bytes.remove_prefix(head.size());
  }
  return pass(bytes);
}

bool ShapedExchange::write(std::string_view bytes) {
  if (cut_) return false;
  if (event_time_) delay_answer();
  if (const FaultAction* cut = planned_cut();
      cut && cut->at == CutAt::kChunkSize && events_ >= cut->after_events && !bytes.empty()) {
    begin_cut();
    return inner_.write(bytes);
  }
  const bool sent = send_part(bytes);
  ++events_;
  return sent;
}

void ShapedExchange::end_stream() {
  if (cut_) return;
  if (planned_cut() && chunked_) begin_cut();
  record_once();
  inner_.end_stream();
}

void ShapedExchange::abort() {
  if (cut_) return;
  cut_ = true;
  record_once();
  inner_.abort();
}

void ShapedExchange::finish() {
  for (const FaultAction& fault : faults_) {
    if (fault.when != When::kAfter || cut_) continue;
    if (fault.type == Type::kReset)
      abort();
    else if (fault.type == Type::kStall)
      sleep_ms(fault.ms);
    else
      apply_effect(fault);
  }
  record_once();
}

}  // namespace osiris::e2b_server

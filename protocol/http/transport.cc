#include "protocol/http/transport.h"

#include <strings.h>

#include <algorithm>
#include <cstring>

#include "protocol/base/wipe.h"

namespace osiris::http {
namespace {

constexpr size_t kLentBytesMin = size_t{256} << 10;

}  // namespace

std::string_view Headers::get(std::string_view name) const {
  for (const auto& [key, value] : entries_)
    if (key.size() == name.size() && strncasecmp(key.data(), name.data(), name.size()) == 0) return value;
  return {};
}

bool Headers::has(std::string_view name) const {
  return std::any_of(entries_.begin(), entries_.end(), [name](const auto& entry) {
    return entry.first.size() == name.size() && strncasecmp(entry.first.data(), name.data(), name.size()) == 0;
  });
}

bool BodyPipe::write(std::string_view bytes) {
  if (bytes.size() >= kLentBytesMin) return lend(bytes);
  while (!bytes.empty()) {
    std::function<void()> notify;
    {
      std::unique_lock lock(mutex_);
      room_.wait(lock, [this] { return abandoned_ || held() < capacity_bytes_; });
      if (abandoned_) return false;
      if (held() == 0) notify = notify_;
      const size_t taken = std::min(bytes.size(), capacity_bytes_ - held());
      if (offset_ >= held()) {  // no byte is moved more often than it was written
        buffer_.erase(0, offset_);
        offset_ = 0;
      }
      buffer_.append(bytes.substr(0, taken));
      bytes.remove_prefix(taken);
      news_.notify_one();
    }
    if (notify) notify();
  }
  return true;
}

bool BodyPipe::lend(std::string_view bytes) {
  std::function<void()> notify;
  {
    const std::lock_guard lock(mutex_);
    if (abandoned_) return false;
    if (held() == 0) notify = notify_;
    lent_ = bytes;
    news_.notify_one();
  }
  if (notify) notify();
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return abandoned_ || lent_.empty(); });
  lent_ = {};
  return !abandoned_;
}

void BodyPipe::close() {
  std::function<void()> notify;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    notify = notify_;
    news_.notify_one();
  }
  if (notify) notify();
}

void BodyPipe::fail(Error error) {
  std::function<void()> notify;
  {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(error);
    notify = notify_;
    news_.notify_one();
  }
  if (notify) notify();
}

BodyPipe::Read BodyPipe::read(char* into, size_t capacity, size_t* count) {
  const std::lock_guard lock(mutex_);
  *count = 0;
  if (failure_) return Read::kFailed;
  if (held() == 0 && lent_.empty()) return closed_ ? Read::kEnd : Read::kAgain;
  const std::string_view next = held() > 0 ? std::string_view(buffer_).substr(offset_) : lent_;
  *count = std::min(capacity, next.size());
  std::memcpy(into, next.data(), *count);
  if (held() > 0)
    offset_ += *count;
  else
    lent_.remove_prefix(*count);
  room_.notify_one();
  return Read::kBytes;
}

BodyPipe::Read BodyPipe::read_wait(char* into, size_t capacity, size_t* count) {
  {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [this] { return closed_ || failure_ || held() > 0 || !lent_.empty(); });
  }
  return read(into, capacity, count);  // one reader: what was there stays there
}

void BodyPipe::abandon() {
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
  notify_ = nullptr;
  room_.notify_all();
}

void BodyPipe::on_readable(std::function<void()> notify) {
  const std::lock_guard lock(mutex_);
  notify_ = std::move(notify);
}

std::optional<Error> BodyPipe::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

Request::~Request() {
  if (has_secrets) wipe(body);
}

bool is_idempotent(const Request& request) {
  return request.idempotent || request.method == "GET" || request.method == "HEAD" || request.method == "PUT" ||
         request.method == "DELETE";
}

ExchangeResult send(Transport& transport, const Request& request, const SendOptions& options) {
  const std::unique_ptr<Exchange> exchange = transport.open(request);
  if (options.opened) options.opened();
  Response response;
  std::string body;
  uint64_t taken_bytes = 0;
  auto failed = [&](const Error& error) {
    ExchangeResult outcome;
    outcome.failure = Failure{error, exchange->reached_server(), 1};
    return outcome;
  };
  constexpr Milliseconds kPoll{50};
  std::optional<std::chrono::steady_clock::time_point> give_up;
  for (;;) {
    if (!give_up && options.cancelled && options.cancelled->load())
      give_up = std::chrono::steady_clock::now() + options.cancel_grace;
    if (give_up && std::chrono::steady_clock::now() >= *give_up) {
      exchange->cancel();
      return failed(Error(Code::kCancelled, request.label + " was cancelled"));
    }
    auto bytes = exchange->read(options.cancelled ? kPoll : Milliseconds{1000});
    if (!bytes) {
      if (bytes.error().code == Code::kDeadline && bytes.error().category.empty()) continue;  // just no byte yet
      return failed(bytes.error());
    }
    if (bytes->empty()) break;
    if (const auto answer = exchange->head(); options.sink && answer && (*answer)->status / 100 == 2) {
      const Status taken = options.sink(**answer, taken_bytes, *bytes);
      if (!taken.ok()) {
        exchange->cancel();
        return failed(taken.error());
      }
      taken_bytes += bytes->size();
      continue;
    }
    if (body.size() + bytes->size() > options.max_body_bytes) {
      exchange->cancel();
      return failed(Error(Code::kExhausted, request.label + ": the reply is larger than " +
                                                std::to_string(options.max_body_bytes) + " bytes"));
    }
    body += *bytes;
  }
  auto head = exchange->head();
  if (!head) return failed(head.error());
  response = **head;
  response.body = std::move(body);
  ExchangeResult outcome;
  outcome.response = std::move(response);
  return outcome;
}

}  // namespace osiris::http

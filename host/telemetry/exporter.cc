#include "host/telemetry/exporter.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "host/telemetry/otlp.h"
#include "host/telemetry/otlp_protobuf.h"
#include "protocol/base/clock.h"
#include "protocol/base/secret_names.h"
#include "protocol/base/thread.h"
#include "protocol/base/utf8.h"
#include "protocol/http/retry.h"

namespace osiris {
namespace {

using http::Milliseconds;

constexpr size_t kQueueMax = 8'192;    // items of a signal that wait
constexpr size_t kBatchMax = 512;      // items of a request
constexpr Milliseconds kEvery{2'000};  // a batch that is not full waits no longer
constexpr Milliseconds kPause{5'000};  // after a request that failed
constexpr Milliseconds kConnect{3'000};
constexpr Milliseconds kLeave{500};  // for a thread to end that was told to

bool may_pass(int status) { return status == 429 || status == 502 || status == 503 || status == 504; }

// "a collector that is not there", in one line.
std::string failure_text(const std::string& url, const http::ExchangeResult& result) {
  const std::string where = mask_url_passwords(url);
  if (result.failure) return where + ": " + result.failure->error.message;
  const std::string said = printable_line(result.response->body.substr(0, 200));
  return where + " answered " + std::to_string(result.response->status) + (said.empty() ? "" : ": " + said);
}

}  // namespace

struct Exporter::Shared {
  Shared(TelemetrySettings s, std::string v, std::function<Json()> m)
      : settings(std::move(s)), version(std::move(v)), metrics(std::move(m)) {}

  const TelemetrySettings settings;
  const std::string version;
  const std::function<Json()> metrics;
  std::atomic<bool> is_given_up{false};  // what is under way is broken off

  std::mutex mutex;
  std::condition_variable changed;
  std::array<std::deque<Json>, 3> queues;  // by Signal; that of metrics stays empty
  Outcome outcome;
  bool is_closing = false, is_done = false;
};

// The thread. Nothing of it is touched by another one but Shared.
class Exporter::Sender {
 public:
  explicit Sender(std::shared_ptr<Shared> shared)
      : shared_(std::move(shared)),
        transport_(shared_->settings.http),
        sender_(transport_, policy(), [this](Milliseconds wait) { return wait_for(wait); }) {}

  void run() {
    int64_t metrics_due_ns = now_ns() + static_cast<int64_t>(shared_->settings.metric_interval_s * 1e9);
    for (;;) {
      const bool is_closing = wait();
      for (const Signal signal : {Signal::kTraces, Signal::kLogs}) send_queue(signal, is_closing);
      if (is_closing || now_ns() >= metrics_due_ns) {
        send_metrics();
        metrics_due_ns = now_ns() + static_cast<int64_t>(shared_->settings.metric_interval_s * 1e9);
      }
      if (is_closing) return;
    }
  }

 private:
  static int64_t now_ns() { return system_clock().monotonic_ns(); }
  // Of one request: while the run goes on its items wait in the queue for the next try.
  http::RetryPolicy policy() const {
    http::RetryPolicy policy;
    policy.delay_first = Milliseconds{100};
    policy.delay_max = Milliseconds{1'000};
    policy.budget = Milliseconds{static_cast<int64_t>(shared_->settings.flush_s * 1e3)};
    return policy;
  }
  bool wait_for(Milliseconds wait) {
    std::unique_lock lock(shared_->mutex);
    shared_->changed.wait_for(lock, wait, [&] { return shared_->is_given_up.load(); });
    return !shared_->is_given_up;
  }

  // Until there is something to do; true once the run has ended.
  bool wait() {
    std::unique_lock lock(shared_->mutex);
    const auto is_full = [&](Signal signal) {
      return shared_->queues[static_cast<size_t>(signal)].size() >= kBatchMax;
    };
    const auto pause = has_failed_ ? kPause : kEvery;
    shared_->changed.wait_for(lock, pause, [&] {
      return shared_->is_closing || (!has_failed_ && (is_full(Signal::kTraces) || is_full(Signal::kLogs)));
    });
    has_failed_ = false;
    return shared_->is_closing;
  }

  void send_queue(Signal signal, bool to_the_end) {
    while (!shared_->is_given_up) {
      Json batch = take(signal);
      if (batch.size() == 0) return;
      const size_t count = batch.size();
      const Sent sent = is_unreachable_ ? Sent::kNotNow : send(signal, batch);
      if (sent == Sent::kNotNow && !to_the_end) return give_back(signal, std::move(batch));
      if (sent != Sent::kTaken) leave_out(count);
      if (has_failed_ && !to_the_end) return;
    }
  }

  void send_metrics() {
    if (shared_->settings.route(Signal::kMetrics).url.empty() || is_unreachable_ || shared_->is_given_up) return;
    const Json metrics = shared_->metrics();
    if (metrics.size() > 0) send(Signal::kMetrics, metrics);
  }

  Json take(Signal signal) {
    const std::lock_guard lock(shared_->mutex);
    auto& queue = shared_->queues[static_cast<size_t>(signal)];
    Json batch = Json::array();
    for (; !queue.empty() && batch.size() < kBatchMax; queue.pop_front()) batch.push_back(std::move(queue.front()));
    return batch;
  }
  void give_back(Signal signal, Json batch) {
    const std::lock_guard lock(shared_->mutex);
    auto& queue = shared_->queues[static_cast<size_t>(signal)];
    auto& items = batch.items();
    queue.insert(queue.begin(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
    for (; queue.size() > kQueueMax; queue.pop_back()) ++shared_->outcome.left_out;
  }
  void leave_out(size_t count) {
    const std::lock_guard lock(shared_->mutex);
    shared_->outcome.left_out += count;
  }

  enum class Sent { kTaken, kNotNow, kRefused };
  Sent send(Signal signal, const Json& items) {
    const TelemetrySettings::Route& route = shared_->settings.route(signal);
    const Json document = otlp_document(signal, shared_->settings.resource, shared_->version, items);
    http::Request request;
    request.method = "POST";
    request.url = route.url;
    request.headers = route.headers;
    request.headers.add("content-type", route.is_json ? "application/json" : "application/x-protobuf");
    request.body = route.is_json ? document.dump() : otlp_protobuf(document);
    request.timeouts.connect = kConnect;
    request.timeouts.total = Milliseconds{static_cast<int64_t>(route.timeout_s * 1e3)};
    request.label = "the collector";
    request.idempotent = true;   // what arrives twice is told apart by its ids
    request.has_secrets = true;  // headers: no log of requests shows them
    http::SendOptions options;
    options.max_body_bytes = 1 << 20;
    options.cancelled = &shared_->is_given_up;
    bool is_closing;
    {
      const std::lock_guard lock(shared_->mutex);
      is_closing = shared_->is_closing;
    }
    // While the run goes on, the queue is the place to wait in. At its end a server that asks to come back gets that.
    const http::ExchangeResult result =
        is_closing && !is_unreachable_ ? send_at_end(request, options) : http::send(transport_, request, options);
    if (result.response && result.response->status / 100 == 2) {
      const auto partial = partial_success(result.response->body, route.is_json);
      if (partial)
        failed(route.url + " did not take " + std::to_string(partial->rejected) + " " +
               std::string(signal_name(signal)) + ": " + partial->message);
      if (partial) has_failed_ = false;
      return Sent::kTaken;
    }
    failed(failure_text(route.url, result));
    // What is not there now will not be in the time that the end of a run may take.
    if (result.failure && is_closing) is_unreachable_ = true;
    return result.failure || may_pass(result.response->status) ? Sent::kNotNow : Sent::kRefused;
  }

  http::ExchangeResult send_at_end(const http::Request& request, const http::SendOptions& options) {
    http::ExchangeResult result = http::send(transport_, request, options);
    if (!result.response || !may_pass(result.response->status)) return result;
    return sender_.send(request, options);
  }

  void failed(const std::string& why) {
    has_failed_ = true;
    const std::lock_guard lock(shared_->mutex);
    if (shared_->outcome.error.empty()) shared_->outcome.error = why;
  }

  const std::shared_ptr<Shared> shared_;
  http::Client transport_;
  http::RetryingSender sender_;
  bool has_failed_ = false, is_unreachable_ = false;
};

Exporter::Exporter(TelemetrySettings settings, std::string version, std::function<Json()> metrics)
    : shared_(std::make_shared<Shared>(std::move(settings), std::move(version), std::move(metrics))) {}

Exporter::~Exporter() {
  if (is_started_) shared_->is_given_up = true;
}

void Exporter::add(Signal signal, Json item) {
  if (shared_->settings.route(signal).url.empty()) return;
  const std::lock_guard lock(shared_->mutex);
  auto& queue = shared_->queues[static_cast<size_t>(signal)];
  if (queue.size() >= kQueueMax) {
    ++shared_->outcome.left_out;
    return;
  }
  queue.push_back(std::move(item));
  if (queue.size() == kBatchMax) shared_->changed.notify_all();
}

void Exporter::start() {
  if (is_started_) return;
  is_started_ = true;
  std::thread thread;
  const bool has_begun = begin_thread(thread, [shared = shared_] {
    {
      Sender sender(shared);
      sender.run();
    }
    const std::lock_guard lock(shared->mutex);
    shared->is_done = true;
    shared->changed.notify_all();
  });
  if (has_begun) return thread.detach();
  const std::lock_guard lock(shared_->mutex);
  shared_->is_done = true;
  shared_->outcome.error = no_more_threads("nothing was sent").message;
}

Exporter::Outcome Exporter::finish() {
  start();
  std::unique_lock lock(shared_->mutex);
  shared_->is_closing = true;
  shared_->changed.notify_all();
  const auto is_done = [&] { return shared_->is_done; };
  const Milliseconds flush{static_cast<int64_t>(shared_->settings.flush_s * 1e3)};
  if (!shared_->changed.wait_for(lock, flush, is_done)) {
    shared_->is_given_up = true;
    shared_->changed.notify_all();
    shared_->changed.wait_for(lock, kLeave, is_done);
    if (shared_->outcome.error.empty())
      shared_->outcome.error = "the collector was not done in " + std::to_string(flush.count()) + " ms";
  }
  for (const auto& queue : shared_->queues) shared_->outcome.left_out += queue.size();
  return shared_->outcome;
}

}  // namespace osiris

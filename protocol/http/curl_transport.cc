// One thread owns the curl multi handle and every easy handle in it; other threads only queue work and wake it.
// A body that is not read fast enough pauses its own transfer (flow control per exchange), never the loop.
#include "protocol/http/curl_transport.h"
#include "protocol/base/ca_bundle.h"

#include <curl/curl.h>
#include <signal.h>
#include <strings.h>

#include <deque>
#include <map>
#include <thread>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/thread.h"
#include "protocol/http/curl_state.h"

namespace osiris::http {

using curl::classify;
using curl::head_is_cut;
using curl::on_body;
using curl::on_body_once;
using curl::on_header;
using curl::on_upload;
using curl::State;
using curl::what_of;

namespace {

constexpr uint64_t kAuthorityBytesMax = uint64_t{16} << 20;

bool is_https(std::string_view url) { return url.size() > 6 && strncasecmp(url.data(), "https:", 6) == 0; }

// What is trusted, as one PEM text: the system's authorities and those of the file. Empty: the system's alone. A file
// that cannot be read is trusted for nothing, and the first exchange says so.
std::string authorities_of(const CurlOptions& options) {
  if (options.ca_file.empty() && options.system_ca_file.empty()) return {};
  const std::string system = options.system_ca_file.empty() ? system_ca_file() : options.system_ca_file;
  std::string all;
  for (const std::string& file : {system, options.ca_file})
    if (const auto text = file.empty() ? Result<std::string>(std::string()) : read_file(file, kAuthorityBytesMax); text)
      all += *text + "\n";
  return all;
}

}  // namespace

class CurlTransport::Loop {
 public:
  explicit Loop(CurlOptions options) : options_(std::move(options)) {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    static_cast<void>(initialised);
    authorities_ = authorities_of(options_);
    multi_ = curl_multi_init();
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, options_.connections_max);
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  }

  ~Loop() {
    if (!thread_.joinable()) {
      curl_multi_cleanup(multi_);
      return;
    }
    post([this] { stopping_ = true; });
    thread_.join();
  }

  // False: the machine has no more threads, and nothing that is posted runs.
  bool begin() {
    const std::lock_guard lock(begin_mutex_);
    return thread_.joinable() || begin_thread(thread_, [this] { run(); });
  }

  // Runs `task` on the loop's thread, soon.
  void post(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    curl_multi_wakeup(multi_);  // under the lock: the last task ends the loop, and the handle with it
  }

  void start(const std::shared_ptr<State>& state) {
    CURL* easy = curl_easy_init();
    state->easy = easy;
    apply(*state, easy);
    active_[easy] = state;
    curl_multi_add_handle(multi_, easy);
  }

  void stop(const std::shared_ptr<State>& state) {
    if (state->easy) finish(state->easy, CURLE_ABORTED_BY_CALLBACK);
  }

  void resume(const std::shared_ptr<State>& state) {
    if (state->easy) curl_easy_pause(state->easy, CURLPAUSE_CONT);
  }

 private:
  void apply(State& state, CURL* easy) {
    const Request& request = state.request;
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, state.error_text);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, options_.user_agent.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 0L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    if (request.wants_new_connection) curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    const std::string& by_scheme = is_https(request.url) ? options_.https_proxy : options_.http_proxy;
    curl_easy_setopt(easy, CURLOPT_PROXY, options_.proxy.empty() ? by_scheme.c_str() : options_.proxy.c_str());
    if (!options_.verifies_certificates) {
      curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
      curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    curl_easy_setopt(easy, CURLOPT_NOPROXY, options_.no_proxy.c_str());
    if (!authorities_.empty()) {
      curl_blob blob{authorities_.data(), authorities_.size(), CURL_BLOB_NOCOPY};
      curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
      curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO_BLOB, &blob);
    } else if (!system_ca_file_.empty()) {
      curl_easy_setopt(easy, CURLOPT_CAINFO, system_ca_file_.c_str());
      curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, system_ca_file_.c_str());
    }
    curl_easy_setopt(easy, CURLOPT_SOCKS5_AUTH, CURLAUTH_BASIC);  // no GSSAPI: curl_unused.c
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.timeouts.connect.count()));
    if (request.timeouts.total.count() > 0)
      curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeouts.total.count()));
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // a proxy's head is not the server's
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &state);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &state);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L * 1024);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);

    for (const auto& [name, value] : request.headers.entries())
      state.header_list = curl_slist_append(state.header_list, (name + (value.empty() ? ";" : ": " + value)).c_str());
    state.header_list = curl_slist_append(state.header_list, "Expect:");
    if (request.body_stream) {
      curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
      curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_upload);
      curl_easy_setopt(easy, CURLOPT_READDATA, &state);
      if (request.body_stream_bytes >= 0)
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body_stream_bytes));
    } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
               request.method == "PATCH") {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      if (is_idempotent(request) || request.body.empty()) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
        // There is nothing in it that could not be rewound, but on a connection of its own curl does not try twice.
        if (!is_idempotent(request)) curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
      } else {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_body_once);
        curl_easy_setopt(easy, CURLOPT_READDATA, &state);
      }
      if (!request.headers.has("Content-Type"))
        state.header_list = curl_slist_append(state.header_list, "Content-Type:");
    } else if (request.method == "HEAD") {
      curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, state.header_list);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }

  // A write to a connection that broke is a SIGPIPE in OpenSSL's hands, for this thread. What it does to the process is
  // for the program that loaded us to say, so it stays here, and everything that may write happens here, closing
  // included.
  static void keep_sigpipe_here() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  }

  void run() {
    keep_sigpipe_here();
    for (;;) {
      for (auto& task : take_tasks()) task();
      if (stopping_) break;
      int running = 0;
      curl_multi_perform(multi_, &running);
      int queued = 0;
      while (CURLMsg* message = curl_multi_info_read(multi_, &queued))
        if (message->msg == CURLMSG_DONE) finish(message->easy_handle, message->data.result);
      expire_idle();
      curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
    for (auto& [easy, state] : active_) release(*state);
    curl_multi_cleanup(multi_);
  }

  std::deque<std::function<void()>> take_tasks() {
    const std::lock_guard lock(mutex_);
    return std::exchange(tasks_, {});
  }

  // curl has no timeout for "no byte for so long" that knows of pauses; a paused transfer is not idle.
  void expire_idle() {
    const auto now = std::chrono::steady_clock::now();
    std::vector<CURL*> expired;
    for (auto& [easy, state] : active_) {
      curl_off_t sent = 0;
      curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &sent);
      const std::lock_guard lock(state->mutex);
      if (sent != state->bytes_seen || state->paused) {
        state->bytes_seen = sent;
        state->last_byte = now;
      }
      const auto idle = state->request.timeouts.idle;
      if (idle.count() > 0 && now - state->last_byte > idle) {
        state->idle_expired = true;
        expired.push_back(easy);
      }
    }
    for (CURL* easy : expired) finish(easy, CURLE_OPERATION_TIMEDOUT);
  }

  void finish(CURL* easy, CURLcode code) {
    const auto found = active_.find(easy);
    if (found == active_.end()) return;
    const std::shared_ptr<State> state = found->second;
    active_.erase(found);
    long connects = 0;
    curl_off_t sent = 0;
    curl_off_t connected_us = 0;
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
    curl_multi_remove_handle(multi_, easy);
    {
      const std::lock_guard lock(state->mutex);
      if (connected_us > 0 || sent > 0) state->reached_server = true;
      state->bytes_sent = static_cast<uint64_t>(sent);
      if (state->cancelled)
        state->error = Error(Code::kCancelled, state->request.label + " was cancelled");
      else if (state->request.body_stream && state->request.body_stream->failure())
        state->error = state->request.body_stream->failure();
      else if (code != CURLE_OK)
        state->error = classify(code, *state);
      else if (!state->head_done)  // to curl, a head that an orderly close cut short is a transfer like any other
        state->error = head_is_cut(*state);
    }
    release(*state);
    const std::lock_guard lock(state->mutex);
    state->done = true;
    state->changed.notify_all();
  }

  static void release(State& state) {
    if (state.request.body_stream) state.request.body_stream->abandon();
    curl_easy_cleanup(std::exchange(state.easy, nullptr));
    curl_slist_free_all(std::exchange(state.header_list, nullptr));
  }

  const CurlOptions options_;
  std::string authorities_;                              // lent to libcurl
  const std::string system_ca_file_ = system_ca_file();  // empty: this machine has none
  CURLM* multi_ = nullptr;
  std::mutex begin_mutex_;
  std::thread thread_;     // from the first exchange on
  bool stopping_ = false;  // loop thread only
  std::map<CURL*, std::shared_ptr<State>> active_;
  std::mutex mutex_;
  std::deque<std::function<void()>> tasks_;
};

namespace {

class CurlExchange : public Exchange {
 public:
  CurlExchange(std::shared_ptr<State> state, std::function<void(std::function<void()>)> post,
               std::function<void(std::shared_ptr<State>)> stop, std::function<void(std::shared_ptr<State>)> resume)
      : state_(std::move(state)), post_(std::move(post)), stop_(std::move(stop)), resume_(std::move(resume)) {}

  ~CurlExchange() override {
    cancel();
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [this] { return state_->done; });
  }

  Result<const Response*> head() override {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [this] { return state_->head_done || state_->done; });
    if (state_->head_done) return static_cast<const Response*>(&state_->response);
    return *state_->error;
  }

  Result<std::string> read(Milliseconds wait) override {
    std::unique_lock lock(state_->mutex);
    const bool ready = state_->changed.wait_for(lock, wait, [this] { return !state_->buffer.empty() || state_->done; });
    if (!state_->buffer.empty()) {
      std::string bytes = std::move(state_->buffer);
      state_->buffer.clear();
      if (std::exchange(state_->paused, false)) post_([resume = resume_, state = state_] { resume(state); });
      return bytes;
    }
    if (!ready) return Error(Code::kDeadline, state_->request.label + ": no byte yet");
    if (state_->error) return *state_->error;
    state_->response.bytes_sent = state_->bytes_sent;
    state_->response.bytes_received = state_->bytes_received;
    return std::string();
  }

  void cancel() override {
    {
      const std::lock_guard lock(state_->mutex);
      if (state_->done || state_->cancelled) return;
      state_->cancelled = true;
    }
    post_([stop = stop_, state = state_] { stop(state); });
  }

  bool reached_server() const override {
    const std::lock_guard lock(state_->mutex);
    return state_->reached_server;
  }

 private:
  std::shared_ptr<State> state_;
  std::function<void(std::function<void()>)> post_;
  std::function<void(std::shared_ptr<State>)> stop_;
  std::function<void(std::shared_ptr<State>)> resume_;
};

}  // namespace

CurlTransport::CurlTransport(CurlOptions options) : loop_(std::make_unique<Loop>(std::move(options))) {}
CurlTransport::~CurlTransport() = default;

std::unique_ptr<Exchange> CurlTransport::open(Request request) {
  auto state = std::make_shared<State>(std::move(request));
  Loop* loop = loop_.get();
  if (!loop->begin()) {
    if (state->request.body_stream) state->request.body_stream->abandon();
    state->error = no_more_threads(what_of(state->request));
    state->done = true;
  } else if (state->request.body_stream) {
    state->request.body_stream->on_readable([loop, weak = std::weak_ptr<State>(state)] {
      loop->post([loop, weak] {
        if (auto alive = weak.lock()) loop->resume(alive);
      });
    });
  }
  if (!state->done) loop->post([loop, state] { loop->start(state); });
  return std::make_unique<CurlExchange>(
      state, [loop](std::function<void()> task) { loop->post(std::move(task)); },
      [loop](const std::shared_ptr<State>& s) { loop->stop(s); },
      [loop](const std::shared_ptr<State>& s) { loop->resume(s); });
}

}  // namespace osiris::http

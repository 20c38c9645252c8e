#include "host/adapters/adapter_process.h"

#include <algorithm>

#include "host/adapters/abi_text.h"
#include "host/adapters/extensions.h"
#include "host/adapters/isolated_process.h"
#include "protocol/base/clock.h"
#include "protocol/base/own_environment.h"
#include "protocol/base/thread.h"
#include "protocol/base/wipe.h"

namespace osiris {

using namespace isolation;

namespace {

// Less than osiris gives a library that it loads itself.
constexpr std::chrono::seconds kLoadLimit{25};
constexpr int64_t kEndLimitMs = 2'000;
constexpr std::chrono::milliseconds kAskEvery{100};  // whether the host was told to stop
// The grace of the ABI for a request that names none.
constexpr int64_t kDefaultGraceNs = 30'000'000'000;

int64_t now_ns() { return system_clock().monotonic_ns(); }

}  // namespace

Result<std::unique_ptr<AdapterProcess>> AdapterProcess::start(const IsolatedAdapter::Library& library,
                                                              std::string& answer) {
  SpawnOptions options;
  options.arguments = {isolation_program().string(), std::string(kIsolatedAdapterWord)};
  options.environment = own_environment();
  options.standard_error = SpawnOptions::Stream::kInherit;
  options.parent_death_signal = 0;  // of the thread that spawns, which may end first; its input tells it of our end
  auto spawned = Subprocess::spawn(options);
  if (!spawned.ok()) return spawned.error().within("cannot start the process of the adapter " + library.id);
  std::unique_ptr<AdapterProcess> process(new AdapterProcess(*std::move(spawned)));
  Writer writer;
  writer.text(library.file.string()).text(library.manifest.string()).text(library.id);
  process->channel_.limit_receive(kLoadLimit);
  process->channel_.send(Kind::kLoad, 0, writer.body);
  auto message = process->channel_.receive();
  process->channel_.limit_receive(std::chrono::milliseconds(-1));
  if (!message || message->kind != Kind::kLoaded) {
    if (message && message->kind == Kind::kRefused) {
      Reader reader(message->body);
      const auto code = static_cast<Code>(reader.number());
      const std::string what(abi_view(reader.text())), hint(abi_view(reader.text()));
      return Error(code, what, hint);
    }
    const auto exit = process->process_.wait(kEndLimitMs);
    return Error(Code::kInternal,
                 "adapter misbehaving: " + library.id + " (" + library.file.string() + "), load: " +
                     (exit ? "its process " + exit->describe()
                           : "its process did not return from loading it (a constructor, or its entry function)"),
                 "report it to the adapter's author");
  }
  answer = std::move(message->body);
  return process;
}

AdapterProcess::~AdapterProcess() {
  // The end of its input ends the process; one that does not look at it is killed with all it started.
  process_.close_stdin();
  if (!process_.wait(kEndLimitMs)) process_.kill_session();
  if (reader_.joinable()) reader_.join();
}

bool AdapterProcess::serve(const osiris_host* host) {
  host_ = host;
  return begin_thread(reader_, [this] { read(); });
}

void AdapterProcess::begin_early(const osiris_early_run& run) {
  Writer writer;
  write_early(writer, run);
  channel_.send(Kind::kEarly, 0, writer.body);
}

void AdapterProcess::read() {
  while (const auto message = channel_.receive()) {
    switch (message->kind) {
      case Kind::kReturned: {
        Reader reader(message->body);
        Returned returned;
        returned.status = static_cast<osiris_status>(reader.number());
        returned.has_instance = reader.number() != 0;
        const bool has_thrown = reader.number() != 0;
        if (const osiris_str thrown = reader.text(); has_thrown) returned.thrown = abi_view(thrown);
        const std::lock_guard lock(mutex_);
        if (message->number == call_) returned_ = std::move(returned);
        changed_.notify_all();
        break;
      }
      case Kind::kIsCancelled:
      case Kind::kSecret:
      case Kind::kDeliver:
        answer(*message);
        break;
      default:
        tell(*message);
    }
  }
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  changed_.notify_all();
}

void AdapterProcess::answer(const Message& message) {
  Reader reader(message.body);
  Writer writer;
  if (message.kind == Kind::kIsCancelled) {
    writer.number(host_->is_cancelled(host_));
  } else if (message.kind == Kind::kSecret) {
    const osiris_str name = reader.text();
    const bool has_use = reader.number() != 0;
    std::string value;
    const auto use = [](void* into, osiris_str lent) noexcept { *static_cast<std::string*>(into) = abi_view(lent); };
    const osiris_status status = host_->with_secret(host_, name, has_use ? +use : nullptr, &value);
    writer.body.reserve(2 * sizeof(int64_t) + value.size());  // so that no copy of it is left behind
    writer.number(status).text(value);
    wipe(value);
  } else {
    const osiris_str name = reader.text();
    const std::string terminated(abi_view(name));
    writer.number(host_->deliver(host_, name.data ? terminated.c_str() : nullptr, reader.text()));
  }
  channel_.send(Kind::kAnswer, message.number, writer.body);
  wipe(writer.body);
}

void AdapterProcess::tell(const Message& message) {
  Reader reader(message.body);
  const bool is_whole = reader.number() != 0;
  if (message.kind == Kind::kFail) {
    osiris_error error{};
    error.size = sizeof error;
    error.code = static_cast<osiris_status>(reader.number());
    for (osiris_str* text : {&error.message, &error.hint, &error.detail_json}) *text = reader.text();
    host_->fail(host_, is_whole ? &error : nullptr);
  } else if (message.kind == Kind::kLog) {
    osiris_log line{};
    line.size = sizeof line;
    line.level = static_cast<int32_t>(reader.number());
    line.time_unix_ns = reader.number();
    for (osiris_str* text : {&line.message, &line.step_id, &line.source, &line.fields_json}) *text = reader.text();
    host_->log(host_, is_whole ? &line : nullptr);
  } else if (message.kind == Kind::kProgress) {
    osiris_progress progress{};
    progress.size = sizeof progress;
    progress.done = reader.real();
    progress.total = reader.real();
    for (osiris_str* text : {&progress.unit, &progress.step_id, &progress.note}) *text = reader.text();
    host_->progress(host_, is_whole ? &progress : nullptr);
  } else if (message.kind == Kind::kEvent) {
    osiris_event event{};
    event.size = sizeof event;
    event.time_unix_ns = reader.number();
    for (osiris_str* text : {&event.name, &event.step_id, &event.data_json}) *text = reader.text();
    host_->emit_event(host_, is_whole ? &event : nullptr);
    if (message.number) channel_.send(Kind::kAnswer, message.number);
  } else if (message.kind == Kind::kMetric) {
    osiris_metric metric{};
    metric.size = sizeof metric;
    metric.kind = static_cast<uint32_t>(reader.number());
    metric.time_unix_ns = reader.number();
    metric.value = reader.real();
    for (osiris_str* text : {&metric.name, &metric.unit, &metric.step_id, &metric.tags_json}) *text = reader.text();
    host_->emit_metric(host_, is_whole ? &metric : nullptr);
  }
}

int64_t AdapterProcess::limit_ns() const {
  if (!is_bounded_ && stopped_ns_ == 0) return 0;
  return std::max(began_ns_, stopped_ns_) + grace_ns_;
}

std::optional<AdapterProcess::Returned> AdapterProcess::call(Slot slot, std::string_view arguments, int64_t grace_ns,
                                                             bool bounded) {
  std::unique_lock lock(mutex_);
  returned_.reset();
  began_ns_ = now_ns();
  grace_ns_ = grace_ns > 0 ? grace_ns : kDefaultGraceNs;
  is_bounded_ = bounded;
  const uint64_t number = ++call_;
  lock.unlock();
  Writer writer;
  writer.number(static_cast<int64_t>(slot));
  writer.body += arguments;
  channel_.send(Kind::kCall, number, writer.body);
  lock.lock();
  while (!returned_ && !has_ended_) {
    const int64_t limit = limit_ns();
    if (limit == 0) {
      changed_.wait_for(lock, kAskEvery);
      if (!returned_ && !has_ended_ && stopped_ns_ == 0) take_stop(lock);
    } else if (const int64_t left = limit - now_ns(); left > 0) {
      changed_.wait_for(lock, std::chrono::nanoseconds(left));
    } else {
      is_over_ = true;
      process_.kill_session();
      changed_.wait(lock, [this] { return has_ended_; });
    }
  }
  // A return that came before the end counts: the adapter did what was asked.
  if (returned_) return std::exchange(returned_, std::nullopt);
  if (end_.empty()) {
    const auto exit = process_.wait(kEndLimitMs);
    end_ = is_over_ ? "did not return in the time it has to stop, and was killed"
           : exit   ? exit->describe()
                    : "closed the connection to osiris";
  }
  return std::nullopt;
}

// Of a host that stops while there is no instance to cancel: create goes on.
void AdapterProcess::take_stop(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  if (host_->is_cancelled(host_)) cancel();
  lock.lock();
}

void AdapterProcess::cancel() {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ns_ == 0) stopped_ns_ = now_ns();
    changed_.notify_all();
  }
  channel_.send(Kind::kCancel, 0);
}

std::string AdapterProcess::end() const { return end_; }

}  // namespace osiris

#include "host/adapters/isolated_process.h"

#include <fcntl.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <thread>
#include <vector>

#include "host/adapters/abi_text.h"
#include "host/adapters/extensions.h"
#include "host/adapters/guarded_call.h"
#include "host/adapters/isolation_wire.h"
#include "host/adapters/loader.h"
#include "host/adapters/module_check.h"
#include "protocol/base/thread.h"
#include "protocol/base/wipe.h"

namespace osiris {
namespace {

using namespace isolation;

constexpr int kExitNoChannel = 2;

// An answer of the host's, with an owner: it may be a secret.
struct Answer {
  Message message;
  ~Answer() { wipe(message.body); }
};

class Server {
 public:
  Server(Channel& channel, const LoadedModule& module) : channel_(channel), type_(*module.type) {
    table_.size = sizeof table_;
    table_.abi = kHostAbi;
    table_.context = this;
    table_.fail = [](const osiris_host* host, const osiris_error* error) noexcept { self(host).fail(error); };
    table_.log = [](const osiris_host* host, const osiris_log* line) noexcept { self(host).log(line); };
    table_.emit_event = [](const osiris_host* host, const osiris_event* event) noexcept { self(host).event(event); };
    table_.emit_metric = [](const osiris_host* host, const osiris_metric* metric) noexcept {
      self(host).metric(metric);
    };
    table_.progress = [](const osiris_host* host, const osiris_progress* progress) noexcept {
      self(host).progress(progress);
    };
    table_.is_cancelled = [](const osiris_host* host) noexcept { return self(host).is_cancelled(); };
    table_.with_secret = [](const osiris_host* host, osiris_str name, void (*use)(void*, osiris_str) noexcept,
                            void* user) noexcept { return self(host).with_secret(name, use, user); };
    table_.deliver = [](const osiris_host* host, const char* name, osiris_str json) noexcept {
      return self(host).deliver(name, json);
    };
    table_.extension = [](const osiris_host*, const char*) noexcept -> const void* { return nullptr; };
    who_ = abi_copy(type_.id) + " " + abi_copy(type_.version);
  }

  // False: the machine has no more threads.
  bool begin() {
    for (const auto work : {&Server::make_calls, &Server::make_cancels}) {
      std::thread thread;
      if (!begin_thread(thread, [this, work] { (this->*work)(); })) return false;
      thread.detach();
    }
    return true;
  }

  // Until the input ends.
  void serve() {
    while (auto message = channel_.receive()) {
      const std::lock_guard lock(mutex_);
      if (message->kind == Kind::kCall)
        call_ = *std::move(message);
      else if (message->kind == Kind::kEarly)
        early_.push_back(*std::move(message));
      else if (message->kind == Kind::kCancel)
        cancel_wanted_ = true;
      else if (message->kind == Kind::kAnswer)
        answers_[message->number].message = *std::move(message);
      changed_.notify_all();
    }
  }

 private:
  static Server& self(const osiris_host* host) { return *static_cast<Server*>(host->context); }

  [[noreturn]] void make_calls() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return call_.has_value() || !early_.empty(); });
      if (!early_.empty()) {
        const Message early = std::move(early_.front());
        early_.pop_front();
        lock.unlock();
        begin_early(early);
        continue;
      }
      const Message call = *std::exchange(call_, std::nullopt);
      lock.unlock();
      Reader reader(call.body);
      const auto slot = static_cast<Slot>(reader.number());
      const GuardedStatus returned = perform(slot, reader);
      Writer writer;
      writer.number(returned.status).number(instance_ != nullptr).number(returned.thrown.has_value());
      writer.text(returned.thrown.value_or(std::string()));
      channel_.send(Kind::kReturned, call.number, writer.body);
    }
  }

  // On the thread of execute, as early.h promises: what begins may be bound to it.
  void begin_early(const Message& message) {
    Reader reader(message.body);
    std::vector<osiris_str> drivers;
    const osiris_early_run run = read_early(reader, drivers);
    const osiris_early* const early = early_of(type_);
    if (early && reader.ok()) guarded_void(who_, "begin", early->begin, &type_, &run);
  }

  // On a thread of its own: a cancel that blocks must not make the others deaf.
  [[noreturn]] void make_cancels() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return cancel_wanted_ && instance_; });
      cancel_wanted_ = false;
      osiris_adapter* const instance = instance_;
      lock.unlock();
      guarded_void(who_, "cancel", type_.cancel, instance);
    }
  }

  GuardedStatus perform(Slot slot, Reader& reader) {
    const char* const name = name_of(slot);
    switch (slot) {
      case Slot::kCreate: {
        osiris_adapter* made = nullptr;
        const GuardedStatus returned = guarded_status(who_, name, type_.create, &type_, &table_, &made);
        if (returned.status == OSIRIS_OK && !returned.thrown) {
          const std::lock_guard lock(mutex_);
          instance_ = made;
          changed_.notify_all();
        }
        return returned;
      }
      case Slot::kConfigure: {
        std::vector<osiris_setting> settings(static_cast<size_t>(reader.number()));
        for (osiris_setting& setting : settings) {
          setting.name = reader.text();
          setting.value = reader.text();
        }
        return guarded_status(who_, name, type_.configure, instance_, settings.data(), settings.size());
      }
      case Slot::kDestroy:
        guarded_void(who_, name, type_.destroy, instance_);
        return {OSIRIS_OK, std::nullopt};
      case Slot::kList:
      case Slot::kRelease: {
        const osiris_resource_query query = read_query(reader);
        const osiris_resources* const table = resources_of(type_);
        return guarded_status(who_, name, slot == Slot::kList ? table->list : table->release, instance_, &query);
      }
      default: {
        const osiris_request request = read_request(reader);
        return guarded_status(who_, name, slot_of(slot), instance_, &request);
      }
    }
  }

  using RequestSlot = osiris_status (*)(osiris_adapter*, const osiris_request*) noexcept;
  RequestSlot slot_of(Slot slot) const {
    switch (slot) {
      case Slot::kValidate:
        return type_.validate;
      case Slot::kPrepare:
        return type_.prepare;
      case Slot::kExecute:
        return type_.execute;
      case Slot::kCollect:
        return type_.collect;
      default:
        return explain_of(type_)->explain;
    }
  }

  // A struct that is too short for what it must hold is told of by its absence: the host knows the words for it.
  void fail(const osiris_error* error) {
    Writer writer;
    writer.number(error && OSIRIS_HAS(error, message));
    if (error && OSIRIS_HAS(error, message)) {
      writer.number(error->code).text(error->message);
      writer.text(OSIRIS_HAS(error, hint) ? error->hint : osiris_str{});
      writer.text(OSIRIS_HAS(error, detail_json) ? error->detail_json : osiris_str{});
    }
    channel_.send(Kind::kFail, 0, writer.body);
  }

  void log(const osiris_log* line) {
    Writer writer;
    const bool is_whole = line && OSIRIS_HAS(line, message);
    writer.number(is_whole);
    if (is_whole) {
      writer.number(line->level).number(line->time_unix_ns).text(line->message);
      writer.text(OSIRIS_HAS(line, step_id) ? line->step_id : osiris_str{});
      writer.text(OSIRIS_HAS(line, source) ? line->source : osiris_str{});
      writer.text(OSIRIS_HAS(line, fields_json) ? line->fields_json : osiris_str{});
    }
    channel_.send(Kind::kLog, 0, writer.body);
  }

  void progress(const osiris_progress* progress) {
    Writer writer;
    const bool is_whole = progress && OSIRIS_HAS(progress, total);
    writer.number(is_whole);
    if (is_whole) {
      writer.real(progress->done).real(progress->total);
      writer.text(OSIRIS_HAS(progress, unit) ? progress->unit : osiris_str{});
      writer.text(OSIRIS_HAS(progress, step_id) ? progress->step_id : osiris_str{});
      writer.text(OSIRIS_HAS(progress, note) ? progress->note : osiris_str{});
    }
    channel_.send(Kind::kProgress, 0, writer.body);
  }

  // Those about resources return when they have reached the disk.
  void event(const osiris_event* event) {
    Writer writer;
    const bool is_whole = event && OSIRIS_HAS(event, name);
    writer.number(is_whole);
    if (is_whole) {
      writer.number(event->time_unix_ns).text(event->name);
      writer.text(OSIRIS_HAS(event, step_id) ? event->step_id : osiris_str{});
      writer.text(OSIRIS_HAS(event, data_json) ? event->data_json : osiris_str{});
    }
    if (is_whole && is_of_resources(abi_view(event->name)))
      ask(Kind::kEvent, writer);
    else
      channel_.send(Kind::kEvent, 0, writer.body);
  }

  void metric(const osiris_metric* metric) {
    Writer writer;
    const bool is_whole = metric && OSIRIS_HAS(metric, name);
    writer.number(is_whole);
    if (is_whole) {
      writer.number(metric->kind).number(metric->time_unix_ns).real(metric->value).text(metric->name);
      writer.text(OSIRIS_HAS(metric, unit) ? metric->unit : osiris_str{});
      writer.text(OSIRIS_HAS(metric, step_id) ? metric->step_id : osiris_str{});
      writer.text(OSIRIS_HAS(metric, tags_json) ? metric->tags_json : osiris_str{});
    }
    channel_.send(Kind::kMetric, 0, writer.body);
  }

  int32_t is_cancelled() {
    const Answer answer = ask(Kind::kIsCancelled, Writer());
    return static_cast<int32_t>(Reader(answer.message.body).number());
  }

  osiris_status with_secret(osiris_str name, void (*use)(void*, osiris_str) noexcept, void* user) {
    Writer writer;
    writer.text(name).number(use != nullptr);
    const Answer answer = ask(Kind::kSecret, writer);
    Reader reader(answer.message.body);
    const auto status = static_cast<osiris_status>(reader.number());
    const osiris_str value = reader.text();
    if (status == OSIRIS_OK && use) use(user, value);
    return status;
  }

  osiris_status deliver(const char* name, osiris_str json) {
    Writer writer;
    writer.text(name ? osiris_str{name, std::string_view(name).size()} : osiris_str{}).text(json);
    const Answer answer = ask(Kind::kDeliver, writer);
    return static_cast<osiris_status>(Reader(answer.message.body).number());
  }

  // Waits for ever where the host is gone: serve() returns then, and the process ends.
  Answer ask(Kind kind, const Writer& writer) {
    std::unique_lock lock(mutex_);
    const uint64_t number = ++asked_;
    lock.unlock();
    channel_.send(kind, number, writer.body);
    lock.lock();
    changed_.wait(lock, [&] { return answers_.contains(number); });
    return std::move(answers_.extract(number).mapped());
  }

  Channel& channel_;
  const osiris_adapter_type& type_;
  osiris_host table_{};
  std::string who_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Message> call_;
  std::deque<Message> early_;  // before the call
  bool cancel_wanted_ = false;
  osiris_adapter* instance_ = nullptr;
  std::map<uint64_t, Answer> answers_;
  uint64_t asked_ = 0;
};

void refuse(Channel& channel, const Error& error) {
  Writer writer;
  writer.number(static_cast<int64_t>(error.code)).text(error.message).text(error.hint);
  channel.send(Kind::kRefused, 0, writer.body);
}

}  // namespace

int run_isolated_adapter() {
  // The adapter's library finds an empty standard input, what it prints goes to stderr, and its children inherit
  // neither end of the channel.
  const int input = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), output = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  const FileDescriptor null = FileDescriptor::open("/dev/null", O_RDONLY);
  if (input < 0 || output < 0 || ::dup2(null.get(), STDIN_FILENO) < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
    return kExitNoChannel;
  // Never destroyed, as the server below: threads of the adapter may use them until the process is gone.
  static auto& channel = *new Channel(input, output);
  const auto load = channel.receive();
  if (!load || load->kind != Kind::kLoad) return kExitNoChannel;
  Reader reader(load->body);
  const std::string library(abi_view(reader.text())), manifest(abi_view(reader.text())), id(abi_view(reader.text()));
  const auto module = load_module(library, manifest, id);
  if (!module.ok()) {
    refuse(channel, module.error());
    return 0;
  }
  static auto& server = *new Server(channel, *module);
  if (!server.begin()) {
    refuse(channel, no_more_threads("the adapter cannot be run"));
    return 0;
  }
  Writer writer;
  Description::write(writer, *module->type, module->abi,
                     {.explain = explain_of(*module->type) != nullptr,
                      .resources = resources_of(*module->type) != nullptr,
                      .early = early_of(*module->type) != nullptr});
  channel.send(Kind::kLoaded, 0, writer.body);
  server.serve();
  return 0;
}

}  // namespace osiris

#include "host/adapters/host_services.h"

#include <algorithm>
#include <cmath>

#include "host/adapters/abi_text.h"
#include "host/adapters/extensions.h"
#include "host/adapters/module_check.h"

namespace osiris {
namespace {

// Reports of an adapter's misbehaviour that are written; a flood of them is counted.
constexpr uint64_t kReportsMax = 10;

// The limits of osiris/adapter.h.
constexpr size_t kNameBytesMax = 128;
constexpr size_t kMessageBytesMax = 16 << 20;
constexpr size_t kJsonBytesMax = 16 << 20;
constexpr size_t kDocumentBytesMax = 64 << 20;

// The years 2000 to 2200.
constexpr int64_t kEarliestNs = 946'684'800'000'000'000, kLatestNs = 7'258'118'400'000'000'000;

// snake_case, with dots between parts.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  });
}

// A copy of at most `limit` bytes; what is longer is cut, and says so. A character that is cut becomes U+FFFD.
std::string copy_of(osiris_str text, size_t limit = kMessageBytesMax) {
  if (text.len <= limit) return abi_copy(text);
  return abi_copy({text.data, limit}) + " … (cut, " + std::to_string(text.len) + " bytes)";
}

}  // namespace

// The C side: finds the object behind `context` and calls its member.
struct HostServices::Table {
  static HostServices& self(const osiris_host* host) { return *static_cast<HostServices*>(host->context); }

  static void fail(const osiris_host* host, const osiris_error* error) noexcept { self(host).fail(error); }
  static void log(const osiris_host* host, const osiris_log* line) noexcept { self(host).log(line); }
  static void emit_event(const osiris_host* host, const osiris_event* event) noexcept { self(host).emit_event(event); }
  static void emit_metric(const osiris_host* host, const osiris_metric* metric) noexcept {
    self(host).emit_metric(metric);
  }
  static void progress(const osiris_host* host, const osiris_progress* progress) noexcept {
    self(host).progress(progress);
  }
  static int32_t is_cancelled(const osiris_host* host) noexcept {
    int32_t cancelled = 1;  // a closed table says so too: an adapter thread that still polls should stop
    self(host).with_events([&](AdapterEvents& events) { cancelled = events.is_cancelled() ? 1 : 0; });
    return cancelled;
  }
  static osiris_status with_secret(const osiris_host* host, osiris_str name, void (*use)(void*, osiris_str) noexcept,
                                   void* user) noexcept {
    return self(host).with_secret(name, use, user);
  }
  static osiris_status deliver(const osiris_host* host, const char* name, osiris_str json) noexcept {
    return self(host).deliver(name, json);
  }
  static const void* extension(const osiris_host*, const char*) noexcept { return nullptr; }  // 1.0 has none
};

HostServices::HostServices(std::string who, AdapterEvents& events, std::set<std::string, std::less<>> secrets)
    : who_(std::move(who)), events_(&events), secrets_(std::move(secrets)) {
  table_.size = sizeof table_;
  table_.abi = kHostAbi;
  table_.context = this;
  table_.fail = Table::fail;
  table_.log = Table::log;
  table_.emit_event = Table::emit_event;
  table_.emit_metric = Table::emit_metric;
  table_.progress = Table::progress;
  table_.is_cancelled = Table::is_cancelled;
  table_.with_secret = Table::with_secret;
  table_.deliver = Table::deliver;
  table_.extension = Table::extension;
}

HostServices& HostServices::make(std::string who, AdapterEvents& events, std::set<std::string, std::less<>> secrets) {
  static std::mutex mutex;
  static auto& kept = *new std::vector<HostServices*>();  // reachable, so that a leak checker sees a decision
  auto* services = new HostServices(std::move(who), events, std::move(secrets));
  const std::lock_guard lock(mutex);
  kept.push_back(services);
  return *services;
}

template <class Act>
void HostServices::with_events(Act act) {
  if (closed_) return;
  try {
    const std::shared_lock lock(events_mutex_);
    if (events_) act(*events_);
  } catch (...) {
    // Out of memory, or a bug of the implementation: the caller is C and cannot be told.
  }
}

void HostServices::allow_secrets(const std::vector<std::string>& names) {
  const std::lock_guard lock(call_mutex_);
  secrets_.insert(names.begin(), names.end());
}

bool HostServices::begin_call(const char* stage, const char* document) {
  const std::lock_guard lock(call_mutex_);
  if (in_call_) return false;
  in_call_ = true;
  stage_ = stage;
  document_ = document;
  record_ = {};
  return true;
}

HostServices::CallRecord HostServices::end_call() {
  const std::lock_guard lock(call_mutex_);
  in_call_ = false;
  return std::exchange(record_, {});
}

void HostServices::close() {
  if (const uint64_t total = misbehaviours_; total > kReportsMax)
    with_events([&](AdapterEvents& events) {
      events.on_misbehaviour("adapter misbehaving: " + who_ + ": " + std::to_string(total) + " times in all");
    });
  closed_ = true;
  const std::unique_lock lock(events_mutex_);
  events_ = nullptr;
}

void HostServices::misbehaving(const std::string& what) {
  const uint64_t before = misbehaviours_++;
  if (before > kReportsMax) return;
  if (before == kReportsMax) {
    const std::string report = "adapter misbehaving: " + who_ + ": further reports are counted, not written";
    return with_events([&](AdapterEvents& events) { events.on_misbehaviour(report); });
  }
  std::string stage;
  {
    const std::lock_guard lock(call_mutex_);
    stage = stage_;
  }
  const std::string report = "adapter misbehaving: " + who_ + ", " + stage + ": " + what;
  with_events([&](AdapterEvents& events) { events.on_misbehaviour(report); });
}

bool HostServices::is_after_execute() {
  const std::lock_guard lock(call_mutex_);
  return stage_ == std::string_view("collect") || stage_ == std::string_view("destroy");
}

bool HostServices::in_call() {
  const std::lock_guard lock(call_mutex_);
  return in_call_;
}

int64_t HostServices::time_of(int64_t unix_ns, const std::string& what) {
  if (unix_ns == 0 || (unix_ns >= kEarliestNs && unix_ns < kLatestNs)) return unix_ns;
  misbehaving(what + " has a time outside the years 2000 to 2200");
  return 0;
}

Json HostServices::object_of(osiris_str json, const std::string& what) {
  const std::string_view text = abi_view(json);
  if (text.empty()) return Json::object();
  if (text.size() > kJsonBytesMax) {
    misbehaving(what + " has " + std::to_string(text.size()) + " bytes, more than the " +
                std::to_string(kJsonBytesMax) + " of the ABI");
    return Json::object();
  }
  auto parsed = parse_json(text);
  if (parsed.ok() && parsed->is_object()) return *std::move(parsed);
  misbehaving(what + " is not a JSON object");
  return Json::object();
}

void HostServices::fail(const osiris_error* error) {
  if (!error || !OSIRIS_HAS(error, message))
    return misbehaving("called fail with no error, or one too short for a message");
  Failure failure;
  failure.code = error->code;
  failure.message = copy_of(error->message);
  if (OSIRIS_HAS(error, hint)) failure.hint = copy_of(error->hint);
  if (OSIRIS_HAS(error, detail_json)) failure.detail = object_of(error->detail_json, "the detail of a failure");
  if (failure.message.empty()) misbehaving("called fail without a message");
  bool second = false, outside = false;
  {
    const std::lock_guard lock(call_mutex_);
    outside = !in_call_;
    second = record_.failure.has_value();
    if (!outside && !second) record_.failure = failure;
  }
  if (outside)
    misbehaving("called fail while no call was in progress: " + failure.message);
  else if (second)
    misbehaving("called fail twice in one call; the second said: " + failure.message);
}

void HostServices::log(const osiris_log* line) {
  if (!line || !OSIRIS_HAS(line, message)) return misbehaving("logged no line, or one too short for a message");
  AdapterEvents::Log copy;
  copy.level = line->level;
  copy.message = copy_of(line->message);
  copy.time_unix_ns = time_of(line->time_unix_ns, "a log line");
  if (OSIRIS_HAS(line, step_id)) copy.step_id = copy_of(line->step_id, kNameBytesMax);
  if (OSIRIS_HAS(line, source)) copy.source = copy_of(line->source, kNameBytesMax);
  copy.fields =
      OSIRIS_HAS(line, fields_json) ? object_of(line->fields_json, "the fields of a log line") : Json::object();
  with_events([&](AdapterEvents& events) { events.on_log(copy); });
}

void HostServices::progress(const osiris_progress* progress) {
  if (!progress || !OSIRIS_HAS(progress, total))
    return misbehaving("told no progress, or one too short for its numbers");
  if (!std::isfinite(progress->done) || !std::isfinite(progress->total))
    return misbehaving("told a progress that is no finite number");
  AdapterEvents::Progress copy{progress->done, progress->total, {}, {}, {}};
  if (OSIRIS_HAS(progress, unit)) copy.unit = copy_of(progress->unit, kNameBytesMax);
  if (OSIRIS_HAS(progress, step_id)) copy.step_id = copy_of(progress->step_id, kNameBytesMax);
  if (OSIRIS_HAS(progress, note)) copy.note = copy_of(progress->note);
  with_events([&](AdapterEvents& events) { events.on_progress(copy); });
}

void HostServices::emit_event(const osiris_event* event) {
  if (!event || !OSIRIS_HAS(event, name)) return misbehaving("emitted no event, or one too short for a name");
  AdapterEvents::Event copy;
  copy.name = copy_of(event->name, kNameBytesMax);
  if (copy.name.empty()) return misbehaving("emitted an event without a name");
  if (!is_name(abi_view(event->name))) return misbehaving("emitted an event whose name is none: " + copy.name);
  copy.time_unix_ns = time_of(event->time_unix_ns, "event " + copy.name);
  if (OSIRIS_HAS(event, step_id)) copy.step_id = copy_of(event->step_id, kMessageBytesMax);
  copy.data =
      OSIRIS_HAS(event, data_json) ? object_of(event->data_json, "the data of event " + copy.name) : Json::object();
  // Whatever else is late, what costs money is recorded.
  const bool about_resources = is_of_resources(copy.name);
  // Steps are execute's: one that is told of later has not been counted when it mattered.
  if (!in_call() || (!copy.step_id.empty() && is_after_execute())) {
    if (!late_reported_.exchange(true) || about_resources)
      misbehaving("event " + copy.name + " arrived after the call had returned" +
                  (about_resources ? "" : "; it is dropped"));
    if (!about_resources) return;
  }
  with_events([&](AdapterEvents& events) { events.on_event(copy); });
}

void HostServices::emit_metric(const osiris_metric* metric) {
  if (!metric || !OSIRIS_HAS(metric, name)) return misbehaving("emitted no metric, or one too short for a name");
  AdapterEvents::Metric copy;
  copy.name = copy_of(metric->name, kNameBytesMax);
  if (copy.name.empty()) return misbehaving("emitted a metric without a name");
  if (!is_name(abi_view(metric->name))) return misbehaving("emitted a metric whose name is none: " + copy.name);
  if (!std::isfinite(metric->value)) return misbehaving("emitted metric " + copy.name + " with no finite value");
  copy.counter = metric->kind == OSIRIS_COUNTER;
  copy.time_unix_ns = time_of(metric->time_unix_ns, "metric " + copy.name);
  copy.value = metric->value;
  if (OSIRIS_HAS(metric, unit)) copy.unit = copy_of(metric->unit, kNameBytesMax);
  if (OSIRIS_HAS(metric, step_id)) copy.step_id = copy_of(metric->step_id, kMessageBytesMax);
  copy.tags =
      OSIRIS_HAS(metric, tags_json) ? object_of(metric->tags_json, "the tags of metric " + copy.name) : Json::object();
  if (!in_call()) {
    if (!late_reported_.exchange(true))
      misbehaving("metric " + copy.name + " arrived after the call had returned; it is dropped");
    return;
  }
  with_events([&](AdapterEvents& events) { events.on_metric(copy); });
}

osiris_status HostServices::with_secret(osiris_str name, void (*use)(void*, osiris_str), void* user) {
  const std::string wanted = abi_copy(name);
  if (!use) {
    misbehaving("asked for the secret " + wanted + " without saying what to do with it");
    return OSIRIS_INVALID_ARGUMENT;
  }
  {
    const std::lock_guard lock(call_mutex_);
    if (!secrets_.contains(wanted)) return OSIRIS_NOT_FOUND;
  }
  osiris_status status = OSIRIS_NOT_FOUND;
  with_events([&](AdapterEvents& events) {
    const Status lent = events.lend_secret(wanted, [&](std::string_view value) { use(user, abi_str(value)); });
    status = lent.ok() ? OSIRIS_OK : static_cast<osiris_status>(lent.error().code);
  });
  return status;
}

osiris_status HostServices::deliver(const char* name, osiris_str json) {
  const std::string document = name ? name : "";
  if (json.len > kDocumentBytesMax) {
    misbehaving("delivered a document '" + document + "' of " + std::to_string(json.len) + " bytes, more than the " +
                std::to_string(kDocumentBytesMax) + " of the ABI");
    return OSIRIS_INVALID_ARGUMENT;
  }
  const auto parsed = parse_json(abi_view(json));
  if (!parsed.ok() || !parsed->is_object()) {
    misbehaving("delivered a document '" + document + "' that is not a JSON object");
    return OSIRIS_INVALID_ARGUMENT;
  }
  std::string problem;
  {
    const std::lock_guard lock(call_mutex_);
    if (!in_call_ || !document_)
      problem = "delivered '" + document + "' where no document is due";
    else if (document != document_)
      problem = "delivered '" + document + "' where '" + document_ + "' is due";
    else if (record_.document)
      problem = "delivered '" + document + "' twice; the first one counts";
    else
      record_.document = std::string(abi_view(json));
  }
  if (problem.empty()) return OSIRIS_OK;
  misbehaving(problem);
  return OSIRIS_INVALID_STATE;
}

}  // namespace osiris

#include "check/bench/boundary_services.h"

#include <cmath>
#include <cstddef>

#include "host/adapters/abi_text.h"
#include "host/adapters/module_check.h"
#include "protocol/base/utf8.h"

namespace osiris::check {
namespace {

// The limits of osiris/adapter.h.
constexpr size_t kNameMax = 128, kTextMax = size_t{16} << 20, kDocumentMax = size_t{64} << 20;
constexpr size_t kAnything = size_t{1} << 40;  // no text is longer
// The years 2000 to 2200.
constexpr int64_t kEarliestNs = 946'684'800'000'000'000, kLatestNs = 7'258'118'400'000'000'000;

}  // namespace

void Boundary::look(const char* what, osiris_str text, size_t limit) {
  const std::string name = what;
  if (!text.data) {
    if (text.len != 0) found("absent", name + " has no data and a length of " + std::to_string(text.len));
    return;
  }
  if (text.len > limit) found("limits", name + " has " + std::to_string(text.len) + " bytes");
  if (text.len < kAnything && !is_valid_utf8({text.data, text.len})) found("text", name + " is not UTF-8");
}

void Boundary::look_at_size(const char* what, uint32_t size, size_t needed, size_t known) {
  if (size < needed || size > known + 4096)
    found("size", std::string(what) + " says that it has " + std::to_string(size) + " bytes; those of 1.0 have " +
                      std::to_string(known));
}

const osiris_host* Services::real(const osiris_host* host, const char* service) {
  auto& instance = *static_cast<Instance*>(host->context);
  Boundary& boundary = *instance.boundary;
  if (host != instance.given)
    boundary.found("table", std::string(service) + " was called with another table than create was given");
  boundary.count(service);
  if (instance.destroyed) {
    ++boundary.after_destroy_;
    return nullptr;
  }
  return instance.host;
}

void Services::fail(const osiris_host* host, const osiris_error* error) noexcept {
  const osiris_host* next = real(host, "fail");
  if (!next) return;
  if (error && OSIRIS_HAS(error, detail_json)) {
    Boundary& boundary = of(host);
    boundary.look_at_size("osiris_error", error->size, sizeof *error, sizeof *error);
    boundary.look("the message of a failure", error->message, kTextMax);
    boundary.look("the hint of a failure", error->hint, kTextMax);
    boundary.look("the detail of a failure", error->detail_json, kTextMax);
  } else {
    of(host).found("size", "fail was given an error that is shorter than that of 1.0");
  }
  next->fail(next, error);
}

void Services::log(const osiris_host* host, const osiris_log* line) noexcept {
  const osiris_host* next = real(host, "log");
  if (!next) return;
  if (line && OSIRIS_HAS(line, fields_json)) {
    Boundary& boundary = of(host);
    boundary.look_at_size("osiris_log", line->size, sizeof *line, sizeof *line);
    boundary.look("a log line", line->message, kTextMax);
    boundary.look("the step of a log line", line->step_id, kNameMax);
    boundary.look("the source of a log line", line->source, kNameMax);
    boundary.look("the fields of a log line", line->fields_json, kTextMax);
    if (line->time_unix_ns && (line->time_unix_ns < kEarliestNs || line->time_unix_ns >= kLatestNs))
      boundary.found("number", "a log line is of no time");
    if (line->level % 10 != 0 || line->level < OSIRIS_DEBUG || line->level > OSIRIS_ERROR)
      boundary.found("number", "a log line has the level " + std::to_string(line->level));
  } else {
    of(host).found("size", "log was given a line that is shorter than that of 1.0");
  }
  next->log(next, line);
}

void Services::emit_event(const osiris_host* host, const osiris_event* event) noexcept {
  const osiris_host* next = real(host, "emit_event");
  if (!next) return;
  if (event && OSIRIS_HAS(event, data_json)) {
    Boundary& boundary = of(host);
    boundary.look_at_size("osiris_event", event->size, sizeof *event, sizeof *event);
    if (event->reserved) boundary.found("reserved", "an event has reserved bits that are not 0");
    boundary.look("the name of an event", event->name, kNameMax);
    boundary.look("the step of an event", event->step_id, kNameMax);
    boundary.look("the data of an event", event->data_json, kTextMax);
    if (event->time_unix_ns && (event->time_unix_ns < kEarliestNs || event->time_unix_ns >= kLatestNs))
      boundary.found("number", "an event is of no time");
  } else {
    of(host).found("size", "emit_event was given an event that is shorter than that of 1.0");
  }
  next->emit_event(next, event);
}

void Services::emit_metric(const osiris_host* host, const osiris_metric* metric) noexcept {
  const osiris_host* next = real(host, "emit_metric");
  if (!next) return;
  if (metric && OSIRIS_HAS(metric, tags_json)) {
    Boundary& boundary = of(host);
    boundary.look_at_size("osiris_metric", metric->size, sizeof *metric, sizeof *metric);
    boundary.look("the name of a metric", metric->name, kNameMax);
    boundary.look("the unit of a metric", metric->unit, kNameMax);
    boundary.look("the step of a metric", metric->step_id, kNameMax);
    boundary.look("the tags of a metric", metric->tags_json, kTextMax);
    if (!std::isfinite(metric->value)) boundary.found("number", "a metric has no finite value");
    if (metric->time_unix_ns && (metric->time_unix_ns < kEarliestNs || metric->time_unix_ns >= kLatestNs))
      boundary.found("number", "a metric is of no time");
  } else {
    of(host).found("size", "emit_metric was given a metric that is shorter than that of 1.0");
  }
  next->emit_metric(next, metric);
}

void Services::progress(const osiris_host* host, const osiris_progress* progress) noexcept {
  const osiris_host* next = real(host, "progress");
  if (!next) return;
  if (progress && OSIRIS_HAS(progress, note)) {
    Boundary& boundary = of(host);
    boundary.look_at_size("osiris_progress", progress->size, sizeof *progress, sizeof *progress);
    if (progress->reserved) boundary.found("reserved", "a progress has reserved bits that are not 0");
    boundary.look("the unit of a progress", progress->unit, kNameMax);
    boundary.look("the step of a progress", progress->step_id, kNameMax);
    boundary.look("the note of a progress", progress->note, kTextMax);
    if (!std::isfinite(progress->done) || !std::isfinite(progress->total))
      boundary.found("number", "a progress is no finite number");
  } else {
    of(host).found("size", "progress was given a struct that is shorter than that of 1.0");
  }
  next->progress(next, progress);
}

int32_t Services::is_cancelled(const osiris_host* host) noexcept {
  const osiris_host* next = real(host, "is_cancelled");
  if (!next) return 1;
  return next->is_cancelled(next) ? of(host).manner_.cancelled_number : 0;
}

osiris_status Services::with_secret(const osiris_host* host, osiris_str name, void (*use)(void*, osiris_str) noexcept,
                                    void* user) noexcept {
  const osiris_host* next = real(host, "with_secret");
  if (!next) return OSIRIS_NOT_FOUND;
  Boundary& boundary = of(host);
  boundary.look("the name of a secret", name, kNameMax);
  {
    const std::lock_guard lock(boundary.mutex_);
    boundary.secrets_asked_.push_back(abi_copy(name));
  }
  return next->with_secret(next, name, use, user);
}

osiris_status Services::deliver(const osiris_host* host, const char* name, osiris_str json) noexcept {
  const osiris_host* next = real(host, "deliver");
  if (!next || of(host).manner_.refuses_documents) return OSIRIS_INVALID_STATE;
  of(host).look("a document", json, kDocumentMax);
  if (name && name == of(host).manner_.has_no_room_for) return OSIRIS_EXHAUSTED;
  return next->deliver(next, name, json);
}

const void* Services::extension(const osiris_host* host, const char* id) noexcept {
  const osiris_host* next = real(host, "extension");
  return next && id ? next->extension(next, id) : nullptr;
}

osiris_host Services::table(Instance* instance, uint32_t abi) {
  osiris_host table{};
  table.size = sizeof table;
  table.abi = abi ? abi : kHostAbi;
  table.context = instance;
  table.fail = fail;
  table.log = log;
  table.emit_event = emit_event;
  table.emit_metric = emit_metric;
  table.progress = progress;
  table.is_cancelled = is_cancelled;
  table.with_secret = with_secret;
  table.deliver = deliver;
  table.extension = extension;
  return table;
}

}  // namespace osiris::check

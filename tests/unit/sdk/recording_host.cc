#include "tests/unit/sdk/recording_host.h"

#include <algorithm>

#include "tests/support/eventually.h"

namespace osiris::test {
namespace {

std::string text(osiris_str value) { return value.data ? std::string(value.data, value.len) : std::string(); }
Json json(osiris_str value) { return value.len ? *parse_json(text(value)) : Json(); }

}  // namespace

struct Services {
  static RecordingHost& self(const osiris_host* host) { return *static_cast<RecordingHost*>(host->context); }

  static void fail(const osiris_host* host, const osiris_error* error) noexcept {
    const std::lock_guard lock(self(host).mutex_);
    self(host).failures_.push_back({error->code, text(error->message), text(error->hint), json(error->detail_json)});
  }
  static void log(const osiris_host* host, const osiris_log* line) noexcept {
    const std::lock_guard lock(self(host).mutex_);
    self(host).logs_.push_back(text(line->message));
  }
  static void emit_event(const osiris_host* host, const osiris_event* event) noexcept {
    if (text(event->name) == self(host).count_only) {
      ++self(host).counted_;
      return;
    }
    const std::lock_guard lock(self(host).mutex_);
    self(host).events_.push_back({text(event->name), text(event->step_id), json(event->data_json)});
    if (self(host).on_event) self(host).on_event(self(host).events_.back());
  }
  static void emit_metric(const osiris_host* host, const osiris_metric* metric) noexcept {
    const std::lock_guard lock(self(host).mutex_);
    self(host).metrics_.push_back({text(metric->name), text(metric->unit), text(metric->step_id), metric->value});
  }
  static void progress(const osiris_host*, const osiris_progress*) noexcept {}
  static int32_t is_cancelled(const osiris_host* host) noexcept { return self(host).cancelled_ ? 1 : 0; }
  static osiris_status with_secret(const osiris_host* host, osiris_str name, void (*use)(void*, osiris_str) noexcept,
                                   void* user) noexcept {
    {
      const std::lock_guard lock(self(host).mutex_);
      self(host).asked_secrets_.push_back(text(name));
    }
    const auto found = self(host).secrets.find(text(name));
    if (found == self(host).secrets.end()) return OSIRIS_NOT_FOUND;
    use(user, {found->second.data(), found->second.size()});
    return OSIRIS_OK;
  }
  static osiris_status deliver(const osiris_host* host, const char* name, osiris_str document) noexcept {
    const std::lock_guard lock(self(host).mutex_);
    return self(host).documents_.emplace(name, json(document)).second ? OSIRIS_OK : OSIRIS_INVALID_STATE;
  }
  static const void* extension(const osiris_host*, const char*) noexcept { return nullptr; }
};

RecordingHost::RecordingHost() {
  table_.size = sizeof table_;
  table_.abi = OSIRIS_ABI_VERSION;
  table_.context = this;
  table_.fail = Services::fail;
  table_.log = Services::log;
  table_.emit_event = Services::emit_event;
  table_.emit_metric = Services::emit_metric;
  table_.progress = Services::progress;
  table_.is_cancelled = Services::is_cancelled;
  table_.with_secret = Services::with_secret;
  table_.deliver = Services::deliver;
  table_.extension = Services::extension;
}

std::vector<RecordingHost::Event> RecordingHost::events(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  std::vector<Event> found;
  for (const Event& event : events_)
    if (name.empty() || event.name == name) found.push_back(event);
  return found;
}

std::vector<RecordingHost::Metric> RecordingHost::metrics() const {
  const std::lock_guard lock(mutex_);
  return metrics_;
}

std::vector<std::string> RecordingHost::logs() const {
  const std::lock_guard lock(mutex_);
  return logs_;
}

bool RecordingHost::logged(std::string_view wanted) const {
  for (const std::string& line : logs())
    if (line.find(wanted) != std::string::npos) return true;
  return false;
}

std::optional<Json> RecordingHost::document(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = documents_.find(name);
  return found == documents_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<RecordingHost::Failure> RecordingHost::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

std::vector<std::string> RecordingHost::asked_secrets() const {
  const std::lock_guard lock(mutex_);
  return asked_secrets_;
}

bool RecordingHost::wait_for(std::string_view name, std::string_view step_id) const {
  return eventually([&] {
    const auto found = events(name);
    return std::any_of(found.begin(), found.end(),
                       [&](const Event& event) { return step_id.empty() || event.step_id == step_id; });
  });
}

std::string RecordingHost::everything() const {
  std::string all;
  for (const Event& event : events()) all += event.name + event.data.dump() + "\n";
  for (const std::string& line : logs()) all += line + "\n";
  for (const Failure& failure : failures()) all += failure.message + failure.hint + failure.detail.dump() + "\n";
  for (const char* name : {"prepared", "result", "artifacts"})
    if (const auto found = document(name)) all += found->dump() + "\n";
  return all;
}

}  // namespace osiris::test

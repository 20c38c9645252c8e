#include "check/bench/recorder.h"

#include <algorithm>
#include <set>

#include "protocol/base/clock.h"

namespace osiris::check {
namespace {

constexpr size_t kAskedMax = 1 << 20;

}  // namespace

Recorder::Recorder() : tally_(system_clock()) {}

void Recorder::dawdle() const {
  if (service_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(service_ms));
}

void Recorder::keep(Moment moment) {
  moment.at_ns = system_clock().monotonic_ns();
  const std::lock_guard lock(mutex_);
  moments_.push_back(std::move(moment));
}

void Recorder::on_event(const Event& event) {
  dawdle();
  tally_.on_event(event.name, event.step_id, event.data);
  keep({"event", event.name, event.step_id, event.data});
  if (at_event) at_event(event);
}

void Recorder::on_metric(const Metric& metric) {
  dawdle();
  keep({"metric", metric.name, metric.step_id, Json::object({{"value", metric.value}, {"tags", metric.tags}})});
}

void Recorder::on_log(const Log& log) {
  dawdle();
  keep({"log", log.message, log.step_id, Json::object({{"level", log.level}, {"fields", log.fields}})});
}

void Recorder::on_progress(const Progress& progress) {
  dawdle();
  keep({"progress", progress.note, progress.step_id, Json::object({{"done", progress.done}})});
}

bool Recorder::is_cancelled() const {
  const std::lock_guard lock(mutex_);
  if (asked_ns_.size() < kAskedMax) asked_ns_.push_back(system_clock().monotonic_ns());
  return cancelled;
}

Status Recorder::lend_secret(std::string_view name, const std::function<void(std::string_view)>& use) {
  keep({"secret", std::string(name), {}, {}});
  const auto found = secrets.find(name);
  if (found == secrets.end()) return Error(Code::kNotFound, "no secret " + std::string(name));
  std::string value = found->second;
  use(value);
  std::fill(value.begin(), value.end(), '\0');
  return {};
}

void Recorder::on_misbehaviour(std::string_view what) { keep({"misbehaviour", std::string(what), {}, {}}); }

std::vector<Recorder::Moment> Recorder::moments(std::string_view kind) const {
  const std::lock_guard lock(mutex_);
  std::vector<Moment> found;
  for (const Moment& moment : moments_)
    if (kind.empty() || moment.kind == kind) found.push_back(moment);
  return found;
}

std::vector<std::string> Recorder::misbehaviours() const {
  std::vector<std::string> texts;
  for (const Moment& moment : moments("misbehaviour")) texts.push_back(moment.name);
  return texts;
}

bool Recorder::has_event(std::string_view name) const { return count_of_event(name) > 0; }

size_t Recorder::count_of_event(std::string_view name) const {
  const auto events = moments("event");
  return static_cast<size_t>(
      std::count_if(events.begin(), events.end(), [&](const Moment& event) { return event.name == name; }));
}

std::vector<std::string> Recorder::unreleased() const {
  std::set<std::string> held;
  for (const Moment& event : moments("event")) {
    const std::string resource = event.data["kind"].as_string() + " " + event.data["id"].as_string();
    if (event.name == "resource_acquired") held.insert(resource);
    if (event.name == "resource_released") held.erase(resource);
  }
  return {held.begin(), held.end()};
}

std::string Recorder::everything() const {
  std::string all;
  for (const Moment& moment : moments())
    all += moment.kind + " " + moment.name + " " + moment.step_id + " " + moment.data.dump() + "\n";
  return all;
}

int64_t Recorder::longest_gap_ns(int64_t from_ns, int64_t until_ns) const {
  const std::lock_guard lock(mutex_);
  int64_t last = from_ns, longest = 0;
  for (const int64_t asked : asked_ns_) {
    if (asked < from_ns || asked > until_ns) continue;
    longest = std::max(longest, asked - last);
    last = asked;
  }
  return std::max(longest, until_ns - last);
}

}  // namespace osiris::check

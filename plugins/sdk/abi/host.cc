#include "plugins/sdk/abi/host.h"

#include <string>

namespace osiris::sdk {
namespace {

std::string dump_or_empty(const Json& json) { return json.is_null() ? std::string() : json.dump(); }
osiris_str optional_str(const std::string& text) { return text.empty() ? osiris_str{nullptr, 0} : str(text); }

}  // namespace

void Host::log(int32_t level, std::string_view message, const Json& fields) const {
  const std::string text = dump_or_empty(fields);
  host_->log(host_, level, str(message), optional_str(text));
}

void Host::event(std::string_view name, std::string_view step_id, const Json& data, int64_t time_unix_ns) const {
  const std::string text = dump_or_empty(data);
  osiris_event event{};
  event.size = sizeof event;
  event.time_unix_ns = time_unix_ns;
  event.name = str(name);
  if (!step_id.empty()) event.step_id = str(step_id);
  event.data_json = optional_str(text);
  host_->emit_event(host_, &event);
}

void Host::metric(const Metric& values) const {
  const std::string tags = dump_or_empty(values.tags);
  osiris_metric metric{};
  metric.size = sizeof metric;
  metric.time_unix_ns = values.time_unix_ns;
  metric.value = values.value;
  metric.name = str(values.name);
  if (!values.unit.empty()) metric.unit = str(values.unit);
  if (!values.step_id.empty()) metric.step_id = str(values.step_id);
  metric.tags_json = optional_str(tags);
  host_->emit_metric(host_, &metric);
}

void Host::progress(double done, double total, std::string_view note) const {
  host_->progress(host_, done, total, str(note));
}

bool Host::is_cancelled() const { return host_->is_cancelled(host_) != 0; }

Status Host::with_secret(std::string_view name, const std::function<void(std::string_view value)>& use) const {
  const auto call = [](void* user, osiris_str value) noexcept {
    (*static_cast<const std::function<void(std::string_view)>*>(user))(view(value));
  };
  void* const user = const_cast<std::function<void(std::string_view)>*>(&use);
  const osiris_status status = host_->with_secret(host_, str(name), call, user);
  if (status == OSIRIS_OK) return {};
  return Error(
      status == OSIRIS_NOT_FOUND ? Code::kNotFound : Code::kUnavailable,
      "the value of " + std::string(name) + " could not be had from the host (status " + std::to_string(status) + ")");
}

Status Host::deliver(const char* name, const Json& document) const {
  const osiris_status status = host_->deliver(host_, name, str(document.dump()));
  if (status == OSIRIS_OK) return {};
  return Error(Code::kInternal,
               "the host refused the document \"" + std::string(name) + "\" (status " + std::to_string(status) + ")");
}

osiris_status Host::fail(const Error& error, const Json& detail) const {
  const plugin::Failure failure = to_failure(error, detail);
  osiris_error report{};
  report.size = sizeof report;
  report.code = failure.code();
  report.message = str(failure.message());
  report.hint = optional_str(failure.hint());
  report.detail_json = optional_str(failure.detail_json());
  host_->fail(host_, &report);
  return report.code;
}

plugin::Failure to_failure(const Error& error, const Json& detail) {
  Json with_category = detail.is_object() ? detail : Json::object();
  if (!error.category.empty() && !with_category.contains("category")) with_category.set("category", error.category);
  return {static_cast<osiris_status>(error.code), error.message, error.hint,
          with_category.size() ? with_category.dump() : std::string()};
}

}  // namespace osiris::sdk

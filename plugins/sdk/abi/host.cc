#include "plugins/sdk/abi/host.h"

#include <string>

#include "protocol/base/error_detail.h"

namespace osiris::sdk {
namespace {

std::string dump_or_empty(const Json& json) { return json.is_null() ? std::string() : json.dump(); }

}  // namespace

void Host::log(int32_t level, std::string_view message, const Json& fields) const {
  host_.log(level, message, dump_or_empty(fields));
}

void Host::event(std::string_view name, std::string_view step_id, const Json& data, int64_t time_unix_ns) const {
  host_.event(name, dump_or_empty(data), step_id, time_unix_ns);
}

void Host::metric(const Metric& metric) const {
  host_.metric(metric.name, metric.value, metric.unit, metric.step_id, dump_or_empty(metric.tags), metric.time_unix_ns);
}

void Host::progress(double done, double total, std::string_view note) const { host_.progress(done, total, note); }

bool Host::is_cancelled() const { return host_.is_cancelled(); }

Status Host::with_secret(std::string_view name, const std::function<void(std::string_view value)>& use) const {
  const auto call = [](void* user, osiris_str value) noexcept {
    (*static_cast<const std::function<void(std::string_view)>*>(user))(view(value));
  };
  void* const user = const_cast<std::function<void(std::string_view)>*>(&use);
  const osiris_status status = host_.table()->with_secret(host_.table(), str(name), call, user);
  if (status == OSIRIS_OK) return {};
  return Error(
      status == OSIRIS_NOT_FOUND ? Code::kNotFound : Code::kUnavailable,
      "the value of " + std::string(name) + " could not be had from the host (status " + std::to_string(status) + ")");
}

plugin::Failure to_failure(const Error& error) {
  return {static_cast<osiris_status>(error.code), error.message, error.hint, detail_text(error)};
}

}  // namespace osiris::sdk

#include "host/run/resources.h"

#include <algorithm>

namespace osiris {
namespace {

std::string text_of(const Json& value) {
  return value.is_string() ? value.as_string() : value.is_null() ? std::string() : value.dump();
}

}  // namespace

bool RemoteResources::on_event(std::string_view name, const Json& data) {
  const bool acquired = name == "resource_acquired";
  if (!acquired && name != "resource_released") return false;
  const RemoteResource resource{text_of(data["kind"]), text_of(data["id"]), text_of(data["expires"]),
                                text_of(data["cleanup"])};
  std::lock_guard lock(mutex_);
  if (!acquired && !data["verified"].as_bool(true)) return true;
  std::erase_if(held_,
                [&](const RemoteResource& held) { return held.kind == resource.kind && held.id == resource.id; });
  if (acquired) {
    held_.push_back(resource);
    acquired_.push_back(resource);
  }
  return true;
}

void RemoteResources::keep(std::string_view kind, std::string_view id) {
  std::lock_guard lock(mutex_);
  std::erase_if(held_, [&](const RemoteResource& held) { return held.kind == kind && held.id == id; });
}

std::vector<RemoteResource> RemoteResources::unreleased() const {
  std::lock_guard lock(mutex_);
  return held_;
}

std::string RemoteResources::first_id(std::string_view kind) const {
  std::lock_guard lock(mutex_);
  const auto at =
      std::find_if(acquired_.begin(), acquired_.end(), [&](const RemoteResource& r) { return r.kind == kind; });
  return at == acquired_.end() ? std::string() : at->id;
}

bool RemoteResources::has_acquired() const {
  std::lock_guard lock(mutex_);
  return !acquired_.empty();
}

bool may_hold(const RemoteResources& resources, ExitCode code, const std::optional<Error>& error) {
  if (!resources.unreleased().empty()) return true;
  const bool ended_in_order = code == ExitCode::kOk || code == ExitCode::kStepFailed || code == ExitCode::kInput;
  const bool was_refused = error && error->code == Code::kUnauthenticated && !resources.has_acquired();
  return !ended_in_order && !was_refused;
}

Status proof_of_release(const Json& document, std::string_view kind, std::string_view id) {
  for (const Json& entry : document["released"].items())
    if (entry["kind"].as_string() == kind && entry["id"].as_string() == id && entry["verified"].as_bool()) return {};
  return Error(Code::kUnavailable, "the adapter did not verify that it is gone",
               "look at the service itself, and release it again");
}

std::string describe_released(const Json& released) {
  std::string text;
  for (const Json& resource : released.items()) {
    const char* what = resource["kept"].as_bool()       ? "kept for the next run"
                       : resource["verified"].as_bool() ? "killed, and its end was verified"
                                                        : "not proved to be gone";
    text += "  " + resource["kind"].as_string() + " " + resource["id"].as_string() + ": " + what + "\n";
  }
  return text;
}

std::string describe_unreleased(const std::vector<RemoteResource>& resources, std::string_view adapter) {
  std::string text;
  for (const RemoteResource& resource : resources) {
    text += "not released: " + resource.kind + " " + resource.id;
    if (!resource.expires.empty()) text += " (expires " + resource.expires + ")";
    text += resource.cleanup.empty() ? "; to release it: osiris resources release --adapter " + std::string(adapter) +
                                           " --kind " + resource.kind + " " + resource.id
                                     : "; " + resource.cleanup;
    text += '\n';
  }
  return text;
}

}  // namespace osiris

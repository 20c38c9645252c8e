#include "servers/e2b/sandbox_logs.h"

#include "protocol/base/clock.h"

namespace osiris::e2b_server {
namespace {

constexpr size_t kKeptMax = 1'000;

}  // namespace

void SandboxLogs::open(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (!logs_.emplace(id, Json::Array()).second) return;
  order_.push_back(id);
  if (order_.size() <= kKeptMax) return;
  logs_.erase(order_.front());
  order_.pop_front();
}

void SandboxLogs::add(const std::string& id, int64_t now_unix_ns, std::string_view level, std::string_view message,
                      const Json& fields) {
  const std::lock_guard lock(mutex_);
  const auto found = logs_.find(id);
  if (found == logs_.end()) return;
  found->second.push_back(Json::object({{"timestamp", format_iso8601_micros(now_unix_ns, true)},
                                        {"ms", now_unix_ns / 1'000'000},
                                        {"level", level},
                                        {"message", message},
                                        {"fields", fields}}));
}

std::optional<Json> SandboxLogs::of(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = logs_.find(id);
  return found == logs_.end() ? std::nullopt : std::optional(Json(found->second));
}

}  // namespace osiris::e2b_server

// What is logged of each sandbox, as E2B keeps it: also of those that have ended.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "protocol/base/json.h"

namespace osiris::e2b_server {

// [any thread]
class SandboxLogs {
 public:
  // From now on `id` has a log. The oldest logs go when there are more than 1,000.
  void open(const std::string& id);
  // Into a log that was opened; nothing otherwise. `fields`: an object, what the line says beside its message.
  void add(const std::string& id, int64_t now_unix_ns, std::string_view level, std::string_view message,
           const Json& fields = Json::object());
  // [{"timestamp","ms","level","message","fields"}], oldest first; nullopt: there was no such sandbox.
  std::optional<Json> of(const std::string& id) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Json::Array> logs_;
  std::deque<std::string> order_;
};

}  // namespace osiris::e2b_server

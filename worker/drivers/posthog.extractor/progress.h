// How far a run has come, and the ids that the next one is to know: those of the window that it reads again.
#pragma once

#include <map>
#include <set>
#include <string>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::worker::posthog {

class Progress {
 public:
  // `state`: {"value": time, "since": time, "taken": [id]}, or null. kInvalidArgument for another one.
  static Result<Progress> of(const Json& state);

  // Times sort as text: "2024-01-31 10:00:00.123456". Empty: this is the first run.
  const std::string& last() const { return last_; }
  // The earliest time whose ids are known; nothing before it may be read again.
  const std::string& known_since() const { return known_since_; }
  bool is_taken(const std::string& id) const { return taken_.contains(id); }

  void take(const std::string& time, const std::string& id);
  // The state for a next run that reads rows from `window_begin` on again: the ids since then, the latest of them where
  // there are more than a state holds.
  Json state(const std::string& window_begin) const;

 private:
  std::string last_, known_since_;
  std::set<std::string> taken_;                      // by the run before
  std::multimap<std::string, std::string> by_time_;  // ids of this run and those of the state, by their time
};

// Ids that a state holds.
inline constexpr size_t kIdsMax = 5'000;

}  // namespace osiris::worker::posthog

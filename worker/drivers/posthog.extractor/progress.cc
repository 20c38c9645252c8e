#include "worker/drivers/posthog.extractor/progress.h"

#include <algorithm>

#include "protocol/base/categories.h"

namespace osiris::worker::posthog {

Result<Progress> Progress::of(const Json& state) {
  Progress progress;
  if (state.is_null()) return progress;
  const auto refused = [&](const std::string& why) {
    return Error(Code::kInvalidArgument, "the kept state " + why, "`osiris state reset` lets the step begin anew",
                 category::kConfigInvalid);
  };
  if (!state["value"].is_string() || state["value"].as_string().empty())
    return refused("has no time as its value: " + state.dump().substr(0, 200));
  progress.last_ = state["value"].as_string();
  // One that was set by hand knows no ids: nothing before its time is read again.
  progress.known_since_ = state["since"].as_string_or(progress.last_);
  for (const Json& entry : state["taken"].items()) {
    if (entry.size() != 2 || !entry.items()[0].is_string() || !entry.items()[1].is_string())
      return refused("has an entry that is no id with its time: " + entry.dump());
    progress.taken_.insert(entry.items()[1].as_string());
    progress.by_time_.emplace(entry.items()[0].as_string(), entry.items()[1].as_string());
  }
  return progress;
}

void Progress::take(const std::string& time, const std::string& id) {
  last_ = std::max(last_, time);
  by_time_.emplace(time, id);
  // A state holds no more; what is earlier than all of them is not needed.
  if (by_time_.size() > 2 * kIdsMax) by_time_.erase(by_time_.begin(), std::prev(by_time_.end(), kIdsMax + 1));
}

Json Progress::state(const std::string& window_begin) const {
  std::string since = std::max(window_begin, known_since_);
  auto first = by_time_.lower_bound(since);
  if (static_cast<size_t>(std::distance(first, by_time_.end())) > kIdsMax) {
    // All ids of the earliest time that is kept, or none of it.
    first = by_time_.upper_bound(std::prev(by_time_.end(), kIdsMax)->first);
    since = first == by_time_.end() ? last_ : first->first;
  }
  Json taken = Json::array();
  for (; first != by_time_.end(); ++first) taken.push_back(Json::array({first->first, first->second}));
  return Json::object({{"column", "time"}, {"value", last_}, {"since", since}, {"taken", std::move(taken)}});
}

}  // namespace osiris::worker::posthog

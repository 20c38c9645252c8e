#include "host/pages/notices.h"

#include <algorithm>

#include "protocol/base/text.h"

namespace osiris {
namespace {

// Different ones that are kept; a run that says more says the same in other words.
constexpr size_t kNoticesMax = 5'000;

// "line 7, reason too many fields": the fields of an event that are for people.
std::string fields_text(const Json& event) {
  std::string text;
  for (const auto& [key, value] : event.members()) {
    if (key == "ts" || key == "session" || key == "event" || key == "step_id") continue;
    text += (text.empty() ? "" : ", ") + key + " " + (value.is_string() ? value.as_string() : value.dump());
  }
  return text;
}

}  // namespace

void NoticeCollector::add(RunNotice notice) {
  if (notice.message.empty()) return;
  if (said_.size() < kNoticesMax) said_.insert(notice.message);
  const std::string key =
      (notice.is_error ? "e" : "w") + notice.step_id + '\n' + notice.category + '\n' + notice.message;
  const auto known = places_.find(key);
  if (known != places_.end()) {
    notices_[known->second].count += notice.count;
  } else if (notices_.size() >= kNoticesMax) {
    ++left_out_;
  } else {
    places_[key] = notices_.size();
    notices_.push_back(std::move(notice));
  }
}

bool NoticeCollector::is_part_of(std::string_view message) const {
  return std::any_of(notices_.begin(), notices_.end(), [&](const RunNotice& notice) {
    return notice.is_error && !notice.message.empty() && message.find(notice.message) != std::string_view::npos;
  });
}

void NoticeCollector::event(const Json& event, double at_s) {
  const std::string& name = event["event"].as_string();
  RunNotice notice{true,
                   event["step_id"].as_string(),
                   event["error"].as_string(),
                   event["hint"].as_string(),
                   event["category"].as_string(),
                   at_s,
                   1};
  if (name == "step_failed") {
    if (event["error_type"].as_string() != "cancelled") add(std::move(notice));
  } else if (name == "step_error") {  // mostly step_failed again
    if (!said_.count(notice.message)) add(std::move(notice));
  } else if (name == "run_error") {  // mostly a step's
    if (!is_part_of(notice.message)) add(std::move(notice));
  } else if (name == "compile_error") {
    for (const Json& finding : event["errors"].items())
      add({true, "", finding["message"].as_string(), finding["hint"].as_string(), finding["type"].as_string(), at_s,
           1});
    if (event["errors"].size() == 0) add(std::move(notice));
  } else if (name == "collect_error") {
    add(std::move(notice));
  } else if (name == "csv_bad_line") {
    notice.is_error = false;
    notice.message = "a line of the CSV file does not fit and was treated as the step says";
    notice.hint = "the first: " + fields_text(event);
    // One notice for all lines of a step: the hint is that of the first.
    notice.category = "csv_bad_line";
    add(std::move(notice));
  } else if (name == "adapter_misbehaving") {
    add({false, "", event["message"].as_string(), "", "adapter_misbehaving", at_s, 1});
  } else if (name == "step_retry") {
    notice.is_error = false;
    notice.message =
        "attempt " + std::to_string(event["attempt"].as_int()) + " failed and was repeated: " + notice.message;
    add(std::move(notice));
  } else if (!notice.message.empty() && name != "adapter_execution_error" && name != "execution_error_mapped") {
    // Whatever else has an error and let the run go on.
    notice.is_error = false;
    notice.message = name + ": " + notice.message;
    add(std::move(notice));
  }
}

// "2025-11-23 05:42:53 - osiris.run - [run id] - WARNING - text".
void NoticeCollector::log_line(std::string_view line) {
  constexpr std::string_view kWarning = "] - WARNING - ";
  const size_t at = line.find(kWarning);
  if (at == std::string_view::npos) return;
  std::string text(trim(line.substr(at + kWarning.size())));
  if (!said_.count(text)) add({false, "", std::move(text), "", "", 0, 1});
}

std::pair<std::vector<RunNotice>, uint64_t> NoticeCollector::result(size_t most) && {
  std::stable_sort(notices_.begin(), notices_.end(),
                   [](const RunNotice& a, const RunNotice& b) { return a.is_error > b.is_error; });
  if (notices_.size() > most) {
    left_out_ += notices_.size() - most;
    notices_.resize(most);
  }
  return {std::move(notices_), left_out_};
}

}  // namespace osiris

// Gathers what a run's record says of trouble: equal sayings once, the run's own error only where no step said it.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "host/pages/run_history.h"

namespace osiris {

class NoticeCollector {
 public:
  // A record of events.jsonl, `at_s` seconds after the first.
  void event(const Json& event, double at_s);
  // A line of osiris.log.
  void log_line(std::string_view line);
  // Errors first, at most `most`; the second is how many are left out.
  std::pair<std::vector<RunNotice>, uint64_t> result(size_t most) &&;

 private:
  void add(RunNotice notice);
  // Whether a step's error is all or a part of it.
  bool is_part_of(std::string_view message) const;

  std::vector<RunNotice> notices_;
  std::unordered_map<std::string, size_t> places_;
  std::unordered_set<std::string> said_;
  uint64_t left_out_ = 0;
};

}  // namespace osiris

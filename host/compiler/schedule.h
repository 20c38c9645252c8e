// When a pipeline is to run, as its `schedule` key says: a cron expression, for `osiris schedule render`.
#pragma once

#include <string>
#include <vector>

#include "host/yaml/node.h"
#include "protocol/base/error.h"

namespace osiris {

// One field of a cron expression: values from `first` to `last`, each `step`th.
struct CronRange {
  int first = 0, last = 0, step = 1;
};
struct CronField {
  bool is_any = false;  // '*', also with a step
  std::vector<CronRange> ranges;
  bool contains(int value) const;
};

struct Schedule {
  std::string cron;                             // five fields, single blanks between them
  std::string timezone;                         // "Europe/Prague"; empty: of the machine
  CronField minute, hour, day, month, weekday;  // weekday: 0 is Sunday
};

// "0 3 * * 1-5", "@daily", "daily", or {cron: "...", timezone: "Europe/Prague"}. The error says which field is wrong.
Result<Schedule> read_schedule(const YamlNode& value);

// The times as systemd writes them (systemd.time(7), "Calendar Events"), one or two: a cron expression that names days
// of the month and of the week means either of them, unless one of the two begins with '*'.
std::vector<std::string> calendar_events(const Schedule& schedule);

}  // namespace osiris

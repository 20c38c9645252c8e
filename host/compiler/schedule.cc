#include "host/compiler/schedule.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view kWeekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr const char* kSystemdWeekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

struct Shorthand {
  std::string_view word, cron;
};
constexpr Shorthand kShorthands[] = {{"hourly", "0 * * * *"},  {"daily", "0 0 * * *"},   {"midnight", "0 0 * * *"},
                                     {"weekly", "0 0 * * 0"},  {"monthly", "0 0 1 * *"}, {"yearly", "0 0 1 1 *"},
                                     {"annually", "0 0 1 1 *"}};

struct FieldKind {
  const char* name;
  int least, most;
};
constexpr FieldKind kMinute = {"minute", 0, 59}, kHour = {"hour", 0, 23}, kDay = {"day of the month", 1, 31},
                    kMonth = {"month", 1, 12}, kWeekday = {"day of the week", 0, 7};

std::optional<int> number_in(std::string_view text, const FieldKind& kind) {
  const std::string word = ascii_lower(text);
  if (kind.name == kMonth.name)
    for (size_t i = 0; i < std::size(kMonths); ++i)
      if (word == kMonths[i]) return static_cast<int>(i) + 1;
  if (kind.name == kWeekday.name)
    for (size_t i = 0; i < std::size(kWeekdays); ++i)
      if (word == kWeekdays[i]) return static_cast<int>(i);
  int value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || value < kind.least || value > kind.most)
    return std::nullopt;
  return value;
}

Error wrong(const std::string& part, const FieldKind& kind) {
  return {Code::kInvalidArgument, "'" + part + "' is no " + kind.name + " of a cron expression",
          "minute hour day month weekday, such as \"30 3 * * 1-5\": half past three from Monday to Friday"};
}

Result<CronField> read_field(const std::string& text, const FieldKind& kind) {
  CronField field;
  for (const std::string& part : split(text, ',')) {
    const size_t slash = part.find('/');
    const std::string range = part.substr(0, slash);
    CronRange read{kind.least, kind.most, 1};
    if (slash != std::string::npos) {
      const FieldKind steps = {kind.name, 1, kind.most};
      const auto step = number_in(part.substr(slash + 1), steps);
      if (!step) return wrong(part, kind);
      read.step = *step;
    }
    if (range == "*") {
      field.is_any = true;
    } else {
      const size_t dash = range.find('-');
      const auto first = number_in(range.substr(0, dash), kind);
      const auto last = dash == std::string::npos ? first : number_in(range.substr(dash + 1), kind);
      if (!first || !last || *first > *last) return wrong(part, kind);
      read.first = *first;
      read.last = dash == std::string::npos && slash != std::string::npos ? kind.most : *last;
    }
    field.ranges.push_back(read);
  }
  return field;
}

Result<Schedule> read_cron(std::string_view text) {
  std::string cron(trim(text));
  const std::string_view word = cron.starts_with('@') ? std::string_view(cron).substr(1) : std::string_view(cron);
  for (const Shorthand& shorthand : kShorthands)
    if (shorthand.word == ascii_lower(word)) cron = shorthand.cron;
  std::vector<std::string> parts = split(cron, ' ');
  std::erase_if(parts, [](const std::string& part) { return part.empty(); });
  if (parts.size() != 5)
    return Error(
        Code::kInvalidArgument,
        "'" + cron + "' is no cron expression: it has " + std::to_string(parts.size()) + " fields instead of 5",
        "minute hour day month weekday, such as \"30 3 * * 1-5\", or daily, hourly, weekly, monthly");
  Schedule schedule;
  schedule.cron = join(parts, " ");
  OSIRIS_ASSIGN(schedule.minute, read_field(parts[0], kMinute));
  OSIRIS_ASSIGN(schedule.hour, read_field(parts[1], kHour));
  OSIRIS_ASSIGN(schedule.day, read_field(parts[2], kDay));
  OSIRIS_ASSIGN(schedule.month, read_field(parts[3], kMonth));
  OSIRIS_ASSIGN(schedule.weekday, read_field(parts[4], kWeekday));
  return schedule;
}

std::string two_digits(int value) { return (value < 10 ? "0" : "") + std::to_string(value); }

// A field in systemd's words: "*", "00/15", "08..17", "01,15".
std::string calendar_field(const CronField& field, int least) {
  std::vector<std::string> parts;
  for (const CronRange& range : field.ranges) {
    const bool is_whole = field.is_any && range.first == least;
    if (is_whole && range.step == 1) return "*";
    const std::string step = range.step == 1 ? "" : "/" + std::to_string(range.step);
    if (is_whole)
      parts.push_back(two_digits(least) + step);
    else if (range.first == range.last)
      parts.push_back(two_digits(range.first));
    else
      parts.push_back(two_digits(range.first) + ".." + two_digits(range.last) + step);
  }
  return join(parts, ",");
}

// Empty: all of them.
std::string weekdays_of(const CronField& field) {
  std::vector<std::string> names;
  for (int day = 0; day < 7; ++day)
    if (field.contains(day) || (day == 0 && field.contains(7))) names.push_back(kSystemdWeekdays[day]);
  return names.size() == 7 && field.is_any ? "" : join(names, ",");
}

}  // namespace

bool CronField::contains(int value) const {
  return std::any_of(ranges.begin(), ranges.end(), [value](const CronRange& range) {
    return value >= range.first && value <= range.last && (value - range.first) % range.step == 0;
  });
}

Result<Schedule> read_schedule(const YamlNode& value) {
  if (value.is_string()) return read_cron(value.text());
  const YamlNode* cron = value.is_mapping() ? value.find("cron") : nullptr;
  if (!cron || !cron->is_string())
    return Error(Code::kInvalidArgument, "schedule is neither a cron expression nor {cron: ..., timezone: ...}",
                 "schedule: \"30 3 * * *\"");
  OSIRIS_ASSIGN(Schedule schedule, read_cron(cron->text()));
  const YamlNode* timezone = value.find("timezone");
  if (!timezone) return schedule;
  const auto is_of_a_zone = [](unsigned char c) { return std::isalnum(c) || std::strchr("/_-+", c); };
  const std::string name = timezone->is_string() ? timezone->text() : "";
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_of_a_zone))
    return Error(Code::kInvalidArgument,
                 name.empty() ? "timezone is no name of a time zone" : "'" + name + "' is no time zone",
                 "write a time zone by its name in the zone database: Europe/Prague, UTC");
  schedule.timezone = name;
  return schedule;
}

std::vector<std::string> calendar_events(const Schedule& schedule) {
  const std::string time = calendar_field(schedule.hour, kHour.least) + ":" +
                           calendar_field(schedule.minute, kMinute.least) + ":00" +
                           (schedule.timezone.empty() ? "" : " " + schedule.timezone);
  const std::string month = "*-" + calendar_field(schedule.month, kMonth.least) + "-";
  const std::string days = month + calendar_field(schedule.day, kDay.least) + " " + time;
  const std::string weekdays = weekdays_of(schedule.weekday);
  // Cron takes either of two fields that name days, and both where one begins with '*', with a step or without.
  if (!schedule.day.is_any && !schedule.weekday.is_any) return {days, weekdays + " " + month + "* " + time};
  return {(weekdays.empty() ? "" : weekdays + " ") + days};
}

}  // namespace osiris

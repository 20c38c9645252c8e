#include "tests/e2b_server/fault_plan.h"

#include <fnmatch.h>

#include <algorithm>
#include <iterator>

#include "protocol/base/text.h"

namespace osiris::e2b_server {
namespace {

using Type = FaultAction::Type;
using When = FaultAction::When;

constexpr std::pair<const char*, Type> kTypes[] = {
    {"latency", Type::kLatency}, {"bandwidth", Type::kBandwidth},      {"status", Type::kStatus},
    {"reset", Type::kReset},     {"truncate", Type::kTruncate},        {"stall", Type::kStall},
    {"kill_sandbox", Type::kKillSandbox}, {"kill_process", Type::kKillProcess}, {"clock_jump", Type::kClockJump}};
constexpr std::pair<const char*, When> kWhens[] = {
    {"request", When::kRequest}, {"before", When::kBefore}, {"middle", When::kMiddle}, {"after", When::kAfter}, {"upload", When::kUpload}};
constexpr const char* kFaultKeys[] = {"route", "nth", "from", "count", "every", "sandbox", "action"};
constexpr const char* kActionKeys[] = {"type", "when", "ms", "bytes_per_s", "status", "message", "text", "code",
                                       "retry_after", "after_bytes", "after_events", "signal"};

template <class Keys>
Status only_known(const Json& object, const Keys& keys) {
  for (const auto& [key, value] : object.members()) {
    if (std::find(std::begin(keys), std::end(keys), std::string_view(key)) != std::end(keys)) continue;
    const std::vector<std::string> names(std::begin(keys), std::end(keys));
    const auto near = nearest(key, names);
    return Error(Code::kInvalidArgument, "fault plan: unknown key '" + key + "'", near ? "did you mean '" + *near + "'?" : "");
  }
  return {};
}

template <class Table, class Value>
bool look_up(const Table& table, const std::string& name, Value& value) {
  for (const auto& [known, meaning] : table)
    if (name == known) {
      value = meaning;
      return true;
    }
  return false;
}

Result<FaultAction> parse_action(const Json& json) {
  FaultAction action;
  OSIRIS_TRY(only_known(json, kActionKeys));
  if (!look_up(kTypes, json["type"].as_string(), action.type))
    return Error(Code::kInvalidArgument, "fault plan: unknown action type '" + json["type"].as_string() + "'",
                 "latency, bandwidth, status, reset, truncate, stall, kill_sandbox, kill_process or clock_jump");
  const bool kills = action.type == Type::kKillSandbox || action.type == Type::kKillProcess || action.type == Type::kClockJump;
  const std::string when = json["when"].as_string_or(kills || action.type == Type::kLatency ? "request" : "middle");
  if (!look_up(kWhens, when, action.when))
    return Error(Code::kInvalidArgument, "fault plan: unknown moment '" + when + "'", "request, before, middle, after or upload");
  action.ms = json["ms"].as_int();
  action.bytes_per_s = json["bytes_per_s"].as_int();
  action.status = static_cast<int>(json["status"].as_int(500));
  action.message = json["message"].as_string_or("injected by the fault plan");
  action.text = json["text"].as_string();
  action.code = json["code"].as_string();
  if (json["retry_after"].is_int()) action.retry_after_s = json["retry_after"].as_int();
  action.after_bytes = json["after_bytes"].as_int(-1);
  action.after_events = json["after_events"].as_int(-1);
  action.signal = static_cast<int>(json["signal"].as_int(9));
  if (action.type == Type::kBandwidth && action.bytes_per_s <= 0)
    return Error(Code::kInvalidArgument, "fault plan: bandwidth needs bytes_per_s above 0");
  if (action.type == Type::kStatus && (action.status < 400 || action.status > 599))
    return Error(Code::kInvalidArgument, "fault plan: status must be 400 to 599");
  return action;
}

bool is_hit(Fault& fault) {
  const int64_t call = ++fault.seen;
  if (fault.nth > 0) return call == fault.nth;
  if (call < fault.from || (call - fault.from) % fault.every != 0) return false;
  return fault.count < 0 || fault.hits < fault.count;
}

}  // namespace

const char* type_name(Type type) {
  for (const auto& [name, value] : kTypes)
    if (value == type) return name;
  return "";
}

Result<std::vector<Fault>> parse_faults(const Json& document) {
  const Json& list = document.is_array() ? document : document["faults"];
  if (!list.is_array()) return Error(Code::kInvalidArgument, "fault plan: neither an array nor an object with \"faults\"");
  std::vector<Fault> faults;
  for (const Json& item : list.items()) {
    OSIRIS_TRY(only_known(item, kFaultKeys));
    Fault fault;
    fault.route = item["route"].as_string_or("*");
    // "process.Process/Start" for short.
    if (fault.route.find(' ') == std::string::npos && fault.route != "*") fault.route = "POST /" + fault.route;
    fault.nth = item["nth"].as_int(0);
    fault.from = item["from"].as_int(1);
    fault.count = item["count"].as_int(-1);
    fault.every = item["every"].as_int(1);
    fault.sandbox = item["sandbox"].as_string();
    if (fault.nth < 0 || fault.from < 1 || fault.every < 1) return Error(Code::kInvalidArgument, "fault plan: nth, from and every count from 1");
    OSIRIS_ASSIGN(fault.action, parse_action(item["action"]));
    faults.push_back(std::move(fault));
  }
  return faults;
}

void FaultPlan::replace(std::vector<Fault> faults) {
  std::lock_guard lock(mutex_);
  faults_ = std::move(faults);
}

void FaultPlan::add(std::vector<Fault> faults) {
  std::lock_guard lock(mutex_);
  faults_.insert(faults_.end(), std::make_move_iterator(faults.begin()), std::make_move_iterator(faults.end()));
}

std::vector<FaultAction> FaultPlan::next(const std::string& route, const std::string& sandbox_id) {
  std::lock_guard lock(mutex_);
  std::vector<FaultAction> actions;
  for (Fault& fault : faults_) {
    if (::fnmatch(fault.route.c_str(), route.c_str(), 0) != 0) continue;
    if (!fault.sandbox.empty() && fault.sandbox != sandbox_id) continue;
    if (!is_hit(fault)) continue;
    ++fault.hits;
    actions.push_back(fault.action);
  }
  return actions;
}

Json FaultPlan::status() const {
  std::lock_guard lock(mutex_);
  Json list = Json::array();
  for (const Fault& fault : faults_)
    list.push_back(Json::object({{"route", fault.route}, {"type", type_name(fault.action.type)}, {"seen", fault.seen}, {"hits", fault.hits}}));
  return list;
}

}  // namespace osiris::e2b_server

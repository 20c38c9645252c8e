#include "servers/e2b/fault_plan.h"

#include <fnmatch.h>

#include <algorithm>
#include <iterator>

#include "protocol/base/text.h"

namespace osiris::e2b_server {
namespace {

using Type = FaultAction::Type;
using When = FaultAction::When;

// What each kind of fault can be told besides its type: a key that would do nothing is refused.
struct Kind {
  const char* name;
  Type type;
  std::string_view keys;
};
constexpr Kind kKinds[] = {{"latency", Type::kLatency, "ms"},
                           {"bandwidth", Type::kBandwidth, "bytes_per_s"},
                           {"status", Type::kStatus, "status message text code error_code should_retry retry_after"},
                           {"reset", Type::kReset, "when after_bytes after_events"},
                           {"truncate", Type::kTruncate, "after_bytes after_events"},
                           {"stall", Type::kStall, "when after_bytes after_events ms"},
                           {"cut", Type::kCut, "at by after_events"},
                           {"kill_sandbox", Type::kKillSandbox, "when after_bytes after_events"},
                           {"kill_process", Type::kKillProcess, "when after_bytes after_events signal"},
                           {"clock_jump", Type::kClockJump, "when after_bytes after_events ms"},
                           {"tell", Type::kTell, "when after_bytes after_events port"}};
constexpr std::pair<const char*, When> kWhens[] = {{"request", When::kRequest},
                                                   {"before", When::kBefore},
                                                   {"middle", When::kMiddle},
                                                   {"after", When::kAfter},
                                                   {"upload", When::kUpload}};
constexpr std::pair<const char*, CutAt> kCuts[] = {{"status_line", CutAt::kStatusLine},
                                                   {"headers", CutAt::kHeaders},
                                                   {"header", CutAt::kHeader},
                                                   {"chunk_size", CutAt::kChunkSize},
                                                   {"trailer", CutAt::kTrailer}};
constexpr std::pair<const char*, bool> kCloses[] = {{"fin", false}, {"rst", true}};
constexpr const char* kFaultKeys[] = {"route", "nth", "from", "count", "every", "sandbox", "action"};
constexpr std::string_view kTexts[] = {"type", "when",       "route",        "sandbox", "message", "text",
                                       "code", "error_code", "should_retry", "at",      "by"};

Error refuse(const std::string& what, std::string hint = {}) {
  return Error(Code::kInvalidArgument, "fault plan: " + what, std::move(hint));
}

template <class Keys>
Status only_known(const Json& object, const Keys& keys) {
  for (const auto& [key, value] : object.members()) {
    if (std::find(std::begin(keys), std::end(keys), std::string_view(key)) != std::end(keys)) continue;
    const std::vector<std::string> names(std::begin(keys), std::end(keys));
    const auto near = nearest(key, names);
    return refuse("unknown key '" + key + "'", near ? "did you mean '" + *near + "'?" : "");
  }
  return {};
}

// Texts are texts, everything else is a whole number; only a clock may go back.
Status check_values(const Json& object) {
  for (const auto& [key, value] : object.members()) {
    if (key == "action") continue;
    const bool is_text = std::find(std::begin(kTexts), std::end(kTexts), key) != std::end(kTexts);
    if (is_text != value.is_string() || (!is_text && !value.is_int()))
      return refuse("'" + key + "' must be a " + (is_text ? "text" : "whole number"));
    if (!is_text && value.as_int() < 0 && object["type"].as_string() != "clock_jump")
      return refuse("'" + key + "' must not be negative");
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
  const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                 [&](const Kind& each) { return json["type"].as_string() == each.name; });
  if (kind == std::end(kKinds))
    return refuse(
        "unknown action type '" + json["type"].as_string() + "'",
        "latency, bandwidth, status, reset, truncate, stall, cut, kill_sandbox, kill_process, clock_jump or tell");
  std::vector<std::string> keys = split(kind->keys, ' ');
  keys.emplace_back("type");
  OSIRIS_TRY(only_known(json, keys));
  OSIRIS_TRY(check_values(json));
  FaultAction action;
  action.type = kind->type;
  const bool kills =
      action.type == Type::kKillSandbox || action.type == Type::kKillProcess || action.type == Type::kClockJump;
  const std::string when = json["when"].as_string_or(kills || action.type == Type::kLatency ? "request"
                                                     : action.type == Type::kTell           ? "before"
                                                                                            : "middle");
  if (!look_up(kWhens, when, action.when))
    return refuse("unknown moment '" + when + "'", "request, before, middle, after or upload");
  action.ms = json["ms"].as_int();
  action.bytes_per_s = json["bytes_per_s"].as_int();
  action.status = static_cast<int>(json["status"].as_int(500));
  action.message = json["message"].as_string_or("injected by the fault plan");
  action.text = json["text"].as_string();
  action.code = json["code"].as_string();
  action.error_code = json["error_code"].as_string();
  action.should_retry = json["should_retry"].as_string();
  if (json["retry_after"].is_int()) action.retry_after_s = json["retry_after"].as_int();
  action.after_bytes = json["after_bytes"].as_int(-1);
  action.after_events = json["after_events"].as_int(-1);
  action.signal = static_cast<int>(json["signal"].as_int(9));
  action.port = static_cast<int>(json["port"].as_int());
  if (!look_up(kCuts, json["at"].as_string_or("header"), action.at))
    return refuse("unknown place '" + json["at"].as_string() + "'", join(cut_places(), ", "));
  if (!look_up(kCloses, json["by"].as_string_or("fin"), action.resets))
    return refuse("unknown close '" + json["by"].as_string() + "'", "fin or rst");
  if (action.after_events >= 0 && action.type == Type::kCut && action.at != CutAt::kChunkSize)
    return refuse("only a cut at chunk_size counts events");
  if (action.type == Type::kTell && (action.port < 1 || action.port > 65535)) return refuse("tell needs a port");
  if (action.type == Type::kBandwidth && action.bytes_per_s <= 0) return refuse("bandwidth needs bytes_per_s above 0");
  if (action.type == Type::kStatus && (action.status < 400 || action.status > 599))
    return refuse("status must be 400 to 599");
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
  for (const Kind& kind : kKinds)
    if (kind.type == type) return kind.name;
  return "";
}

std::vector<std::string> fault_types() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

std::vector<std::string> fault_moments() {
  std::vector<std::string> names;
  for (const auto& [name, value] : kWhens) names.emplace_back(name);
  return names;
}

std::vector<std::string> cut_places() {
  std::vector<std::string> names;
  for (const auto& [name, value] : kCuts) names.emplace_back(name);
  return names;
}

const char* cut_name(CutAt at) {
  for (const auto& [name, value] : kCuts)
    if (value == at) return name;
  return "";
}

Result<std::vector<Fault>> parse_faults(const Json& document) {
  const Json& list = document.is_array() ? document : document["faults"];
  if (!list.is_array()) return refuse("neither an array nor an object with \"faults\"");
  std::vector<Fault> faults;
  for (const Json& item : list.items()) {
    OSIRIS_TRY(only_known(item, kFaultKeys));
    OSIRIS_TRY(check_values(item));
    if (!item["route"].is_string()) return refuse("a fault without a route", "\"*\" is every call");
    Fault fault;
    fault.route = item["route"].as_string();
    // "process.Process/Start" for short.
    if (fault.route.find(' ') == std::string::npos && fault.route != "*") fault.route = "POST /" + fault.route;
    fault.nth = item["nth"].as_int(0);
    fault.from = item["from"].as_int(1);
    fault.count = item["count"].as_int(-1);
    fault.every = item["every"].as_int(1);
    fault.sandbox = item["sandbox"].as_string();
    if (fault.nth < 0 || fault.from < 1 || fault.every < 1) return refuse("nth, from and every count from 1");
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
    list.push_back(Json::object(
        {{"route", fault.route}, {"type", type_name(fault.action.type)}, {"seen", fault.seen}, {"hits", fault.hits}}));
  return list;
}

}  // namespace osiris::e2b_server

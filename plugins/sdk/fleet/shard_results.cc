#include "plugins/sdk/fleet/shard_results.h"

#include <algorithm>
#include <set>
#include <utility>

#include "protocol/model/kept_output.h"

namespace osiris::sdk {
namespace {

// What a worker says of a step before its driver is called: once, however many workers there are.
const std::set<std::string> kOfTheBeginning = {"artifacts_dir_created",       "cfg_opened",
                                               "config_meta_stripped",        "connection_resolve_start",
                                               "connection_resolve_complete", "artifact_created"};
// What is said of the whole step, by this program.
const std::set<std::string> kOfTheWhole = {"step_start",     "step_complete",   "step_failed",     "step_error",
                                           "step_skipped",   "output_kept",     "output_not_kept", "inputs_resolved",
                                           "shards_settled", "shards_restarted"};

constexpr char kDurationMs[] = "step_duration_ms";
constexpr double kNsPerSecond = 1e9;

std::string duration_metric(const std::string& step_id) { return "step_" + step_id + "_duration"; }

int64_t milliseconds(double seconds) { return static_cast<int64_t>(seconds * 1000); }

bool is_cleaned_config(const PartEvent& event) {
  return event.name != "artifact_created" || event.data["artifact_type"].as_string() == "cleaned_config";
}

void say(const Host& host, const PartEvent& event) {
  Json data = event.data;
  data.erase("columns");
  host.event(event.name, event.step_id, data, event.time_unix_ns);
}

// In their order: fingerprints of rows are of that.
std::vector<std::string> names_of(const Json& columns) {
  std::vector<std::string> names;
  for (const Json& column : columns.items()) names.push_back(column["name"].as_string());
  return names;
}

const Json& entry_of(const Json& result, const std::string& step_id) {
  static const Json none = Json::object();
  for (const Json& entry : result["steps"].items())
    if (entry["id"].as_string() == step_id) return entry;
  return none;
}

}  // namespace

bool is_step_duration(std::string_view metric) {
  return metric == kDurationMs || (metric.starts_with("step_") && metric.ends_with("_duration"));
}

void set_durations(Json& result, const Seconds& lasted) {
  Json* steps = result.find("steps");
  if (!steps) return;
  for (Json& entry : steps->items())
    if (const auto seconds = lasted.find(entry["id"].as_string()); seconds != lasted.end())
      entry.set("duration_ms", milliseconds(seconds->second));
}

Status ShardResults::add(size_t shard, const Json& result, const rpc::Packed& packed,
                         const std::filesystem::path& directory, std::vector<PartEvent> events) {
  ShardResult made;
  const auto& list = plan_.lists()[plan_.place_of(shard).first];
  for (const PlanStep* step : list.steps) {
    const Json& entry = entry_of(result, step->id);
    if (entry["status"].as_string() != "success") continue;
    StepRows& rows = made.steps[step->id];
    rows.rows.rows_read = entry["rows_read"].as_uint();
    rows.rows.rows_written = entry["rows_written"].as_uint();
    rows.rows.rows_out = entry["rows_out"].as_uint();
    for (const PartEvent& event : events)
      if (event.name == "shard_complete" && event.step_id == step->id) rows.columns = event.data["columns"];
    if (!plan_.leaves_rows(step->id)) continue;
    const std::string path = kept_file_path(step->id);
    for (const rpc::PackedFile& file : packed.files)
      if (file.kind == "session" && file.path == path) {
        rows.rows.file = directory / path;
        rows.rows.digest = {.sha256 = file.sha256, .size_bytes = file.size_bytes};
      }
    if (!rows.rows.file.empty()) continue;
    std::string why = "they did not come";
    for (const PartEvent& event : events)
      if (event.name == "output_not_kept" && event.step_id == step->id) why = event.data["reason"].as_string();
    return Error(Code::kUnsupported, "the rows of step " + step->id + " cannot leave a worker: " + why);
  }
  for (const PartEvent& event : events)
    if (event.name == "shard_failed")
      made.failures.emplace(event.step_id,
                            Error(code_from_name(event.data["error_type"].as_string()), event.data["error"].as_string(),
                                  event.data["hint"].as_string(), event.data["category"].as_string()));
  for (const PartEvent& event : events)
    if ((event.name == "step_complete" || event.name == "step_failed") && plan_.is_sharded(event.step_id))
      made.ran[event.step_id] = {
          event.heard_ns - static_cast<int64_t>(event.data["duration"].as_double() * kNsPerSecond), event.heard_ns};
  made.is_there = true;
  made.directory = directory;
  made.events = std::move(events);
  results_[shard] = std::move(made);
  return {};
}

void ShardResults::forget(size_t list) {
  for (size_t shard = 0; shard < results_.size(); ++shard)
    if (plan_.place_of(shard).first == list) results_[shard] = {};
}

std::vector<std::filesystem::path> ShardResults::directories() const {
  std::vector<std::filesystem::path> all;
  for (const ShardResult& result : results_)
    if (!result.directory.empty()) all.push_back(result.directory);
  return all;
}

// Of the step that the error names, or else of the first of its list that has not done with the shard.
void ShardResults::note_failure(size_t shard, const Error& error) {
  const auto [at, index] = plan_.place_of(shard);
  const auto& steps = plan_.lists()[at].steps;
  const PlanStep* found = nullptr;
  for (const PlanStep* step : steps) {
    if (results_[shard].steps.count(step->id)) continue;
    if (!found || step->id == error.detail["step_id"].as_string()) found = step;
  }
  const PlanStep& step = found ? *found : *steps.back();
  Error of_shard = error;
  if (const std::string prefix = "step " + step.id + ": "; of_shard.message.starts_with(prefix))
    of_shard.message.erase(0, prefix.size());
  const Shard& is = step.shards->list[index];
  results_[shard].steps.erase(step.id);
  results_[shard].is_there = true;
  results_[shard].events.push_back({"shard_failed", step.id,
                                    Json::object({{"shard", is.index},
                                                  {"value", is.value},
                                                  {"error", of_shard.message},
                                                  {"error_type", code_name(of_shard.code)},
                                                  {"category", of_shard.category},
                                                  {"hint", of_shard.hint}})});
  results_[shard].failures.emplace(step.id, std::move(of_shard));
}

ShardResults::Tally ShardResults::tally_of(const PlanStep& step) const {
  Tally tally;
  size_t first = 0;
  for (const FleetPlan::List& list : plan_.lists()) {
    if (std::find(list.steps.begin(), list.steps.end(), &step) != list.steps.end()) break;
    first += list.shards;
  }
  for (size_t place = 0; place < step.shards->list.size(); ++place) {
    const ShardResult& result = results_[first + place];
    if (const auto rows = result.steps.find(step.id); rows != result.steps.end()) {
      ++tally.accepted;
      tally.rows.rows_read += rows->second.rows.rows_read;
      tally.rows.rows_written += rows->second.rows.rows_written;
      tally.rows.rows_out += rows->second.rows.rows_out;
    } else if (const auto failed = result.failures.find(step.id); failed != result.failures.end()) {
      tally.failed.push_back({place, failed->second});
    } else {
      tally.not_run.push_back(place);
    }
  }
  return tally;
}

std::vector<const ShardResults::StepRows*> ShardResults::of_step(const PlanStep& step) const {
  std::vector<const StepRows*> all;
  for (const ShardResult& result : results_) {
    const auto found = result.steps.find(step.id);
    if (result.is_there && found != result.steps.end()) all.push_back(&found->second);
  }
  return all;
}

Brought ShardResults::brought() const {
  Brought all;
  for (const FleetPlan::List& list : plan_.lists())
    for (const PlanStep* step : list.steps)
      if (const auto of_shards = of_step(*step); of_shards.size() == step->shards->list.size())
        for (const StepRows* rows : of_shards) all[step->id].push_back(rows->rows);
  return all;
}

// By the rules of a union (worker/database/union_table.h): a column without a value fits any type. A step that sees its
// shard alone sees the type that is there.
std::optional<std::string> ShardResults::why_not_one() const {
  for (const FleetPlan::List& list : plan_.lists())
    for (const PlanStep* step : list.steps) {
      std::map<std::string, std::string> types;  // of columns with a value
      const Json* first = nullptr;
      for (const StepRows* rows : of_step(*step)) {
        if (rows->columns.is_null()) continue;
        if (!first) first = &rows->columns;
        if (names_of(*first) != names_of(rows->columns))
          return "the shards of step " + step->id + " have different columns, or another order of them";
        const bool is_other = rows->columns.dump() != first->dump();
        for (const Json& column : rows->columns.items()) {
          const std::string& name = column["name"].as_string();
          const std::string& type = column["type"].as_string();
          if (!column["has_values"].as_bool()) continue;
          const auto [known, is_new] = types.try_emplace(name, type);
          if (!is_new && known->second != type)
            return "column '" + name + "' of step " + step->id + " is " + known->second + " in one shard and " + type +
                   " in another";
        }
        if (!is_other || !plan_.is_read_in_shards(step->id)) continue;
        Json a = *first, b = rows->columns;
        for (Json* columns : {&a, &b})
          for (Json& column : columns->items()) column.erase("has_values");
        if (a.dump() != b.dump())
          return "the columns of step " + step->id + " are not the same in all shards: a column without a value has " +
                 "no type of its own";
      }
    }
  return std::nullopt;
}

void ShardResults::tell_starts(const Host& host) const {
  for (const FleetPlan::List& list : plan_.lists())
    for (const PlanStep* step : list.steps)
      host.event("step_start", step->id, Json::object({{"driver", step->driver}}));
}

void ShardResults::tell(const Host& host) const {
  std::set<std::string> begun;
  for (const ShardResult& result : results_) {
    if (!result.is_there) continue;
    std::set<std::string> begin_now;
    for (const PartEvent& event : result.events) {
      if (kOfTheWhole.count(event.name) || event.step_id.empty() || !plan_.is_sharded(event.step_id)) continue;
      if (kOfTheBeginning.count(event.name) && is_cleaned_config(event)) {
        if (begun.count(event.step_id)) continue;
        begin_now.insert(event.step_id);
      }
      say(host, event);
    }
    begun.insert(begin_now.begin(), begin_now.end());
  }
}

void ShardResults::tell_failure(const Host& host, const std::vector<PartEvent>& events) {
  for (const PartEvent& event : events)
    if (event.name == "step_failed" || event.name == "step_error") say(host, event);
}

Seconds ShardResults::seconds() const {
  std::map<std::string, std::vector<Ran>> by_step;
  for (const ShardResult& result : results_)
    for (const auto& [id, ran] : result.ran) by_step[id].push_back(ran);
  Seconds all;
  for (auto& [id, each] : by_step) {
    std::sort(each.begin(), each.end(), [](const Ran& a, const Ran& b) { return a.from_ns < b.from_ns; });
    int64_t sum_ns = 0, seen_ns = each.front().from_ns;
    for (const Ran& ran : each) {
      sum_ns += std::max<int64_t>(0, ran.until_ns - std::max(ran.from_ns, seen_ns));
      seen_ns = std::max(seen_ns, ran.until_ns);
    }
    all[id] = static_cast<double>(sum_ns) / kNsPerSecond;
  }
  return all;
}

void ShardResults::tell_end(const Host& host, const PartEvent& end, double seconds) {
  const auto number = [&](std::string_view name, std::string_view unit, double value) {
    host.metric({.name = name,
                 .unit = unit,
                 .step_id = end.step_id,
                 .value = value,
                 .tags = {},
                 .time_unix_ns = end.time_unix_ns});
  };
  number(kDurationMs, "ms", static_cast<double>(milliseconds(seconds)));
  number(duration_metric(end.step_id), "seconds", seconds);
  PartEvent told = end;
  told.data.set("duration_ms", milliseconds(seconds));
  told.data.set("duration", seconds);
  say(host, told);
}

std::optional<Json> ShardResults::metrics_of(const PlanStep& step) const {
  const Tally tally = tally_of(step);
  if (!tally.is_whole()) return std::nullopt;
  const BroughtRows& sum = tally.rows;
  return Json::object({{"rows_read", sum.rows_read}, {"rows_written", sum.rows_written}, {"rows_out", sum.rows_out}});
}

}  // namespace osiris::sdk

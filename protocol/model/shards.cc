#include "protocol/model/shards.h"

#include <algorithm>
#include <utility>

#include "protocol/base/categories.h"

namespace osiris {
namespace {

constexpr std::string_view kBegin = "${shard.";
constexpr size_t kNamedMax = 5;     // failures that an error's message names
constexpr size_t kListedMax = 100;  // shards that its detail names

std::string text_of(const Json& value) { return value.is_string() ? value.as_string() : value.dump(); }

const std::string* filled_with(std::string_view name, const Shard& shard, std::string& index) {
  if (name == "value") return &shard.text;
  if (name == "stem") return &shard.stem;
  index = std::to_string(shard.index);
  return name == "index" ? &index : nullptr;
}

Json fill_texts(const Json& json, const Shard& shard) {
  if (json.is_string()) return names_shard(json.as_string()) ? Json(fill_shard(json.as_string(), shard)) : json;
  Json filled = json;
  if (json.is_array())
    for (Json& item : filled.items()) item = fill_texts(item, shard);
  if (json.is_object())
    for (auto& [key, value] : filled.members()) value = fill_texts(value, shard);
  return filled;
}

}  // namespace

std::string Shard::shown() const { return "shard " + std::to_string(index) + " (" + text + ")"; }

Json to_json(const StepShards& shards) {
  Json list = Json::array();
  for (const Shard& shard : shards.list) {
    Json entry = Json::object({{"value", shard.value}});
    if (shard.index != list.size()) entry.set("index", shard.index);
    if (shard.text != text_of(shard.value)) entry.set("text", shard.text);
    if (shard.stem != shard.text) entry.set("stem", shard.stem);
    list.push_back(std::move(entry));
  }
  Json json = Json::object({{"foreach", shards.rule}});
  if (shards.per_shard) json.set("per_shard", true);
  if (shards.binds_value) json.set("binds_value", true);
  if (shards.parallel_max > 0) json.set("max_parallel", shards.parallel_max);
  if (shards.tells_columns) json.set("tells_columns", true);
  if (!shards.settled.is_null()) json.set("settled", shards.settled);
  if (shards.holds) json.set("holds", true);
  if (shards.goes_on) json.set("on_failure", "continue");
  json.set("list", std::move(list));
  return json;
}

Result<StepShards> step_shards_from_json(const Json& json) {
  if (!json["list"].is_array()) return Error(Code::kInvalidArgument, "its shards are no list");
  StepShards shards;
  shards.rule = json["foreach"];
  shards.per_shard = json["per_shard"].as_bool();
  shards.binds_value = json["binds_value"].as_bool();
  shards.parallel_max = json["max_parallel"].as_uint();
  shards.tells_columns = json["tells_columns"].as_bool();
  shards.settled = json["settled"];
  shards.holds = json["holds"].as_bool();
  shards.goes_on = json["on_failure"].as_string() == "continue";
  if (json["list"].size() > kShardsMax) return Error(Code::kInvalidArgument, "it has too many shards");
  for (const Json& item : json["list"].items()) {
    Shard shard{item["index"].as_uint(shards.list.size()), item["value"], {}, {}};
    if (!shards.list.empty() && shard.index <= shards.list.back().index)
      return Error(Code::kInvalidArgument, "its shards are not in their order");
    if (!shard.value.is_string() && !shard.value.is_number())
      return Error(Code::kInvalidArgument, "a shard's value is neither text nor number");
    shard.text = item["text"].as_string_or(text_of(shard.value));
    shard.stem = item["stem"].as_string_or(shard.text);
    shards.list.push_back(std::move(shard));
  }
  return shards;
}

Error incomplete_shards(const StepShards& shards, const std::vector<FailedShard>& failed,
                        const std::vector<size_t>& not_run) {
  const std::string of_all = " of its " + std::to_string(shards.list.size()) + " shards ";
  Json detail = Json::object({{"shards", uint64_t{shards.list.size()}}});
  Json failed_list = Json::array(), not_run_list = Json::array();
  std::string named;
  for (const FailedShard& each : failed) {
    if (failed_list.size() < kListedMax) failed_list.push_back(shards.list[each.place].index);
    if (failed_list.size() > kNamedMax) continue;
    const std::string shown = shards.list[each.place].shown();
    named += (named.empty() ? ": " : "; ") + (each.error.message.starts_with(shown) ? "" : shown + ": ") +
             each.error.message;
  }
  if (failed.size() > kNamedMax) named += "; and " + std::to_string(failed.size() - kNamedMax) + " more";
  for (const size_t place : not_run)
    if (not_run_list.size() < kListedMax) not_run_list.push_back(shards.list[place].index);
  detail.set("failed", std::move(failed_list));
  detail.set("not_run", std::move(not_run_list));
  Error error;
  if (failed.empty()) {
    error = Error(Code::kStepFailed,
                  std::to_string(not_run.size()) + of_all +
                      "did not run, because the rows that they read did not come; the " + "first is " +
                      shards.list[not_run.front()].shown(),
                  "", category::kRuntimeDependencyFailed);
  } else {
    error = failed.front().error;
    error.message = std::to_string(failed.size()) + of_all + "failed" + named;
    if (error.code == Code::kCancelled) error.code = Code::kStepFailed;
  }
  if (!error.detail.is_object()) error.detail = Json::object();
  error.detail.set(kIncompleteShards, std::move(detail));
  return error;
}

bool names_shard(std::string_view text) { return text.find(kBegin) != std::string_view::npos; }

std::string unknown_shard_placeholder(std::string_view text) {
  const Shard any;
  std::string index;
  for (size_t at = text.find(kBegin); at != std::string_view::npos; at = text.find(kBegin, at + 1)) {
    const size_t end = text.find('}', at);
    if (end == std::string_view::npos) return std::string(text.substr(at));
    const size_t name = at + kBegin.size();
    if (!filled_with(text.substr(name, end - name), any, index)) return std::string(text.substr(at, end + 1 - at));
  }
  return {};
}

std::string fill_shard(std::string_view text, const Shard& shard) {
  std::string filled, index;
  for (;;) {
    const size_t at = text.find(kBegin), end = text.find('}', at == std::string_view::npos ? 0 : at);
    if (at == std::string_view::npos || end == std::string_view::npos) return filled.append(text);
    const size_t name = at + kBegin.size();
    filled += text.substr(0, at);
    if (const std::string* value = filled_with(text.substr(name, end - name), shard, index))
      filled += *value;
    else
      filled += text.substr(at, end + 1 - at);
    text.remove_prefix(end + 1);
  }
}

Json config_of_shard(const Json& config, const StepShards& shards, const Shard& shard) {
  Json filled = fill_texts(config, shard);
  if (!shards.binds_value) return filled;
  Json values = filled["values"].is_object() ? filled["values"] : Json::object();
  values.set(kShardValueName, shard.value);
  filled.set("values", std::move(values));
  return filled;
}

}  // namespace osiris

#include "host/compiler/foreach.h"

#include <algorithm>
#include <set>

#include "host/compiler/shard_range.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr const char* kExample =
    "write foreach: {files: \"in/calls-*.csv\"}, {values: [EU, US]}, {range: {from: 2025-01-01, to: 2026-01-01, by: "
    "1 month}} or {split: {column: id, parts: 16}}";
constexpr int64_t kParallelMax = 64;
constexpr uint64_t kPartsMax = 1000;
const std::vector<std::string> kRules = {"files", "values", "range", "split"};
const std::vector<std::string> kOptions = {"max_parallel", "allow_empty", "on_failure"};
const std::vector<std::string> kRangeKeys = {"from", "to", "by"};
const std::vector<std::string> kSplitKeys = {"column", "parts", "consistency"};

Error wrong(std::string message, std::string hint = kExample) {
  return Error(Code::kInvalidArgument, std::move(message), std::move(hint));
}

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

Error unknown_key(const std::string& what, const std::string& key, const std::vector<std::string>& known) {
  const auto near = nearest(key, known);
  return wrong("'" + key + "' is no key of " + what, near ? "did you mean '" + *near + "'?" : kExample);
}

Result<std::vector<Shard>> shards_of_values(const Json& values) {
  std::vector<Shard> shards;
  std::set<std::string> seen;
  for (const Json& value : values.items()) {
    if (!value.is_string() && !value.is_number())
      return wrong("a value of foreach must be a text or a number, not " + value.dump(),
                   value.is_bool() ? "put it in quotes" : kExample);
    if (shards.size() == kShardsMax)
      return wrong("foreach has more than " + std::to_string(kShardsMax) + " values", "split the pipeline");
    const std::string text = value.is_string() ? value.as_string() : value.dump();
    if (!seen.insert(text).second) return wrong("foreach has the value '" + text + "' twice", "each is one shard");
    shards.push_back({shards.size(), value, text, text});
  }
  return shards;
}

Status look_at_range(const Json& range) {
  if (!range.is_object()) return wrong("'range' must be a mapping, not " + range.dump());
  for (const auto& [key, value] : range.members())
    if (!contains(kRangeKeys, key)) return unknown_key("range", key, kRangeKeys);
  for (const char* key : {"from", "to"})
    if (range[key].is_null()) return wrong(std::string("the range has no '") + key + "'");
  return {};
}

Status look_at_split(const Json& split) {
  const char* const example = "write split: {column: id, parts: 16}";
  if (!split.is_object()) return wrong("'split' must be a mapping, not " + split.dump(), example);
  for (const auto& [key, value] : split.members())
    if (!contains(kSplitKeys, key)) return unknown_key("split", key, kSplitKeys);
  if (split["column"].as_string().empty()) return wrong("the split has no 'column'", example);
  const Json& parts = split["parts"];
  if (!parts.is_int() || parts.as_int() < 1 || parts.as_int() > static_cast<int64_t>(kPartsMax))
    return wrong("'parts' must be a number from 1 to " + std::to_string(kPartsMax) + ", not " + parts.dump(), example);
  if (const Json& consistency = split["consistency"]; !consistency.is_null() && consistency.as_string() != "none")
    return wrong("'consistency' can only be none, not " + consistency.dump(),
                 "leave it out where the parts share a snapshot (PostgreSQL)");
  return {};
}

// Intervals of the column, and one for the rows without a value in it. Where they begin is asked when the run has
// begun.
std::vector<Shard> shards_of_split(const Json& split) {
  std::vector<Shard> shards;
  for (uint64_t part = 0; part <= split["parts"].as_uint(); ++part) {
    const std::string name = part < split["parts"].as_uint() ? std::to_string(part) : "null";
    shards.push_back({part, name, name, name});
  }
  return shards;
}

Status look_at_rule(const Json& rule) {
  const auto& [key, value] = rule.members().front();
  if (key == "files" && trim(value.as_string()).empty()) return wrong("'files' must be the pattern of file names");
  if (key == "files" && value.as_string().find("://") != std::string::npos)
    return wrong("'files' looks for files of this machine, and '" + value.as_string() + "' is an address",
                 "list what there is under 'values', and name it in the path: s3://bucket/${shard.value}.csv");
  if (key == "values" && !value.is_array()) return wrong("'values' must be a list, not " + value.dump());
  if (key == "range") OSIRIS_TRY(look_at_range(value));
  if (key == "split") OSIRIS_TRY(look_at_split(value));
  const auto shards = listed_shards(rule);
  return shards.ok() ? Status() : Status(shards.error());
}

Status read_option(const std::string& key, const Json& value, Foreach& foreach) {
  if (key == "allow_empty") {
    if (!value.is_bool())
      return wrong("'allow_empty' must be true or false, not " + value.dump(), "write true or false");
    foreach
      .allow_empty = value.as_bool();
    return {};
  }
  if (key == "on_failure") {
    const std::string& word = value.as_string();
    if (word != "stop" && word != "continue")
      return wrong("'on_failure' must be stop or continue, not " + value.dump(),
                   "stop: the first shard that fails ends the run; continue: the other shards come to their end");
    foreach
      .goes_on = word == "continue";
    return {};
  }
  if (!value.is_int() || value.as_int() < 1 || value.as_int() > kParallelMax)
    return wrong("'max_parallel' must be a number from 1 to " + std::to_string(kParallelMax) + ", not " + value.dump(),
                 "it is how many shards are read at the same time, at most");
  foreach
    .parallel_max = value.as_uint();
  return {};
}

}  // namespace

Result<std::vector<Shard>> listed_shards(const Json& rule) {
  if (rule.contains("values")) return shards_of_values(rule["values"]);
  const Json& range = rule["range"];
  if (range.is_object()) return shards_of_range(range["from"], range["to"], range["by"]);
  if (rule.contains("split")) return shards_of_split(rule["split"]);
  return std::vector<Shard>();
}

Result<Foreach> foreach_from_json(const Json& json) {
  if (!json.is_object()) return wrong("foreach must be a mapping, not " + json.dump());
  Foreach foreach;
  foreach
    .rule = Json::object();
  for (const auto& [key, value] : json.members()) {
    if (contains(kOptions, key))
      OSIRIS_TRY(read_option(key, value, foreach));
    else if (contains(kRules, key))
      foreach
        .rule.set(key, value);
    else
      return unknown_key("foreach", key,
                         {"files", "values", "range", "split", "max_parallel", "allow_empty", "on_failure"});
  }
  if (foreach.rule.size() != 1) return wrong("foreach must name one of files, values, range and split");
  OSIRIS_TRY(look_at_rule(foreach.rule));
  if (foreach.allow_empty && foreach.rule.contains("split"))
    return wrong("a split always has shards, and 'allow_empty' says nothing of it", "leave it out");
  OSIRIS_ASSIGN(const std::vector<Shard> shards, listed_shards(foreach.rule));
  if (shards.empty() && !foreach.rule.contains("files") && !foreach.allow_empty)
    return wrong("foreach has no value, so nothing would be read", "write allow_empty: true if that is meant");
  return foreach;
}

Json to_json(const Foreach& foreach) {
  Json json = foreach.rule;
  if (foreach.parallel_max > 0) json.set("max_parallel", foreach.parallel_max);
  if (foreach.allow_empty) json.set("allow_empty", true);
  if (foreach.goes_on) json.set("on_failure", "continue");
  return json;
}

void read_foreach(const YamlNode& step_node, OmlStep& step, Diagnostics& diagnostics) {
  if (const YamlNode* node = step_node.find("foreach")) {
    auto foreach = foreach_from_json(node->to_json());
    if (foreach.ok()) {
      step.foreach = *std::move(foreach);
      step.foreach_mark = node->mark;
    } else {
      diagnostics.error("invalid_foreach", foreach.error().message, step.location + ".foreach", node->mark,
                        foreach.error().hint);
    }
  }
  if (const YamlNode* node = step_node.find("per_shard")) {
    step.per_shard = node->scalar.as_bool();
    step.foreach_mark = node->mark;
    if (node->kind != YamlNode::Kind::kBool)
      diagnostics.error("invalid_per_shard", "per_shard must be true or false", step.location + ".per_shard",
                        node->mark, "true: the step runs once for each shard of the step it needs");
  }
}

}  // namespace osiris

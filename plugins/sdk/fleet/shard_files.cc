#include "plugins/sdk/fleet/shard_files.h"

#include <algorithm>
#include <set>
#include <utility>

namespace osiris::sdk {
namespace {

void collect_texts(const Json& json, std::set<std::string>& texts) {
  if (json.is_string()) texts.insert(json.as_string());
  for (const Json& item : json.items()) collect_texts(item, texts);
  for (const auto& [key, value] : json.members()) collect_texts(value, texts);
}

}  // namespace

ShardFiles::ShardFiles(const PlanStep& step, const Json& document) : step_(step), document_(document) {
  std::set<std::string> patterns;
  for (size_t i = 0; i < step.input_files.size(); ++i) {
    const PlanFile& file = step.input_files[i];
    if (!names_shard(file.pattern)) {
      shared_.push_back(i);
      continue;
    }
    inputs_.emplace(file.path, i);
    patterns.insert(file.pattern);
  }
  patterns_.assign(patterns.begin(), patterns.end());
  for (size_t i = 0; i < step.outputs.size(); ++i) outputs_.emplace(step.outputs[i].path, i);
}

std::vector<size_t> ShardFiles::inputs_of(const Shard& shard) const {
  std::vector<size_t> found;
  for (const std::string& pattern : patterns_)
    if (const auto file = inputs_.find(fill_shard(pattern, shard)); file != inputs_.end())
      found.push_back(file->second);
  return found;
}

// The plan may know more of a step and its files than this program.
Json ShardFiles::document_of(size_t at) const {
  const Shard& shard = step_.shards->list[at];
  Json made = Json::object();
  for (const auto& [key, value] : document_.members())
    if (key != "shards" && key != "input_files" && key != "outputs") made.set(key, value);
  Json shards = Json::object();
  for (const auto& [key, value] : document_["shards"].members())
    if (key != "list") shards.set(key, value);
  Json entry = document_["shards"]["list"].items().at(at);
  entry.set("index", shard.index);
  shards.set("list", Json::array({std::move(entry)}));
  if (step_.mode != StepMode::kWrite) shards.set("tells_columns", true);
  made.set("shards", std::move(shards));

  std::vector<size_t> inputs = inputs_of(shard);
  inputs.insert(inputs.end(), shared_.begin(), shared_.end());
  std::sort(inputs.begin(), inputs.end());
  Json reads = Json::array(), writes = Json::array();
  for (const size_t input : inputs) reads.push_back(document_["input_files"].items().at(input));
  std::set<std::string> texts;
  collect_texts(config_of_shard(step_.cfg, *step_.shards, shard), texts);
  for (const std::string& text : texts)
    if (const auto output = outputs_.find(text); output != outputs_.end())
      writes.push_back(document_["outputs"].items().at(output->second));
  made.set("input_files", std::move(reads));
  made.set("outputs", std::move(writes));
  return made;
}

}  // namespace osiris::sdk

#include "host/inspection/run_comparison.h"

#include <algorithm>
#include <map>
#include <set>

namespace osiris {
namespace {

// `left` and `right` with their differences; ids in the left's order, then those that only the right has.
template <class Item>
struct ItemPair {
  std::string id;
  const Item* left = nullptr;
  const Item* right = nullptr;
};

template <class Item>
std::vector<ItemPair<Item>> paired(const std::vector<Item>& left, const std::vector<Item>& right) {
  std::vector<ItemPair<Item>> pairs;
  std::map<std::string, size_t> places;
  for (const Item& item : left) {
    places[item.id] = pairs.size();
    pairs.push_back({item.id, &item, nullptr});
  }
  for (const Item& item : right) {
    const auto [place, is_new] = places.try_emplace(item.id, pairs.size());
    if (is_new)
      pairs.push_back({item.id, nullptr, &item});
    else
      pairs[place->second].right = &item;
  }
  return pairs;
}

void add_if_different(std::vector<RunDifference>& differences, const std::string& what, const Json& left,
                      const Json& right) {
  if (!(left == right)) differences.push_back({what, left, right});
}

Json texts(const std::vector<std::string>& values) {
  Json out = Json::array();
  for (const std::string& value : values) out.push_back(value);
  return out;
}

std::vector<RunDifference> compare_plans(const RecordedRun& left, const RecordedRun& right) {
  std::vector<RunDifference> differences;
  for (const auto& [id, a, b] : paired(left.plan, right.plan)) {
    const std::string step = "step " + id;
    if (!a || !b) {
      differences.push_back({step, a ? Json(a->component) : Json(), b ? Json(b->component) : Json()});
      continue;
    }
    add_if_different(differences, step + ": component", a->component, b->component);
    add_if_different(differences, step + ": needs", texts(a->needs), texts(b->needs));
    if (a->config.is_null() || b->config.is_null()) continue;  // a build is gone
    std::set<std::string> keys;
    for (const Json* config : {&a->config, &b->config})
      for (const auto& [key, value] : config->members()) keys.insert(key);
    for (const std::string& key : keys)
      if (key != "component") add_if_different(differences, step + ": " + key, a->config[key], b->config[key]);
  }
  return differences;
}

Json rows_of(const SessionStep* step) { return step && step->rows ? Json(*step->rows) : Json(); }

std::vector<RunDifference> compare_steps(const RecordedRun& left, const RecordedRun& right) {
  std::vector<RunDifference> differences;
  add_if_different(differences, "status", left.record.status, right.record.status);
  for (const auto& [id, a, b] : paired(left.steps, right.steps)) {
    const auto status = [](const SessionStep* step) { return step ? Json(step->status) : Json(); };
    add_if_different(differences, "step " + id + ": status", status(a), status(b));
    add_if_different(differences, "step " + id + ": rows", rows_of(a), rows_of(b));
  }
  return differences;
}

Json event_at(const std::vector<std::string>& events, size_t at) {
  if (at >= events.size()) return {};
  const auto event = parse_json(events[at]);
  return event.ok() ? *event : Json(events[at]);
}

std::vector<RunDifference> compare_events(const RecordedEvents& left, const RecordedEvents& right) {
  static const std::vector<std::string> none;
  std::vector<RunDifference> differences;
  std::set<std::string> steps;
  for (const auto* side : {&left, &right})
    for (const auto& [step, events] : side->steps) steps.insert(step);
  for (const std::string& step : steps) {
    const auto a = left.steps.find(step), b = right.steps.find(step);
    const auto& ours = a == left.steps.end() ? none : a->second;
    const auto& theirs = b == right.steps.end() ? none : b->second;
    if (ours == theirs) continue;
    const size_t most = std::min(ours.size(), theirs.size());
    const size_t at = static_cast<size_t>(
        std::mismatch(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(most), theirs.begin()).first -
        ours.begin());
    differences.push_back(
        {"step " + step + ": event " + std::to_string(at + 1), event_at(ours, at), event_at(theirs, at)});
  }
  std::vector<std::string> only_left, only_right;
  std::set_difference(left.run.begin(), left.run.end(), right.run.begin(), right.run.end(),
                      std::back_inserter(only_left));
  std::set_difference(right.run.begin(), right.run.end(), left.run.begin(), left.run.end(),
                      std::back_inserter(only_right));
  for (size_t i = 0; i < std::max(only_left.size(), only_right.size()); ++i)
    differences.push_back({"event of the run", event_at(only_left, i), event_at(only_right, i)});
  return differences;
}

std::vector<OutputPair> pair_outputs(const RecordedRun& left, const RecordedRun& right) {
  std::map<std::pair<std::string, std::string>, OutputPair> pairs;
  const auto pair_of = [&](const Artifact& file) -> OutputPair& {
    OutputPair& pair = pairs[{file.step_id, file.path}];
    pair.step_id = file.step_id;
    pair.path = file.path;
    return pair;
  };
  for (const Artifact& file : left.outputs) pair_of(file).left = file;
  for (const Artifact& file : right.outputs) pair_of(file).right = file;
  std::vector<OutputPair> out;
  for (auto& [key, pair] : pairs) out.push_back(std::move(pair));
  return out;
}

Json to_json(const std::vector<RunDifference>& differences) {
  Json out = Json::array();
  for (const RunDifference& each : differences)
    out.push_back(Json::object({{"what", each.what}, {"left", each.left}, {"right", each.right}}));
  return out;
}

Json bytes_of(const std::optional<Artifact>& file) {
  return file ? Json::object({{"size_bytes", file->size_bytes}, {"sha256", file->sha256}}) : Json();
}

}  // namespace

bool RunComparison::has_same_outputs() const {
  return std::all_of(outputs.begin(), outputs.end(), [](const OutputPair& pair) { return pair.has_same_bytes(); });
}

RunComparison compare_runs(const RecordedRun& left, const RecordedRun& right) {
  return {compare_plans(left, right), compare_steps(left, right), compare_events(left.events, right.events),
          pair_outputs(left, right)};
}

Json to_json(const RunComparison& comparison) {
  Json outputs = Json::array();
  for (const OutputPair& pair : comparison.outputs) {
    Json out = Json::object({{"step_id", pair.step_id},
                             {"path", pair.path},
                             {"same", pair.has_same_bytes()},
                             {"left", bytes_of(pair.left)},
                             {"right", bytes_of(pair.right)},
                             {"rows", pair.rows}});
    if (!pair.rows_not_compared.empty()) out.set("rows_not_compared", pair.rows_not_compared);
    outputs.push_back(std::move(out));
  }
  return Json::object({{"same", comparison.is_same()},
                       {"plan", to_json(comparison.plan)},
                       {"steps", to_json(comparison.steps)},
                       {"events", to_json(comparison.events)},
                       {"outputs", std::move(outputs)}});
}

}  // namespace osiris

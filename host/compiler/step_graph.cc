#include "host/compiler/step_graph.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "protocol/base/text.h"

namespace osiris {
namespace {

using Edges = std::vector<std::vector<size_t>>;  // step -> steps it needs

// One cycle among the steps that topological sorting left over, as "a -> b -> a".
std::string describe_cycle(const std::vector<OmlStep>& steps, const Edges& needs, const std::vector<bool>& done,
                           size_t& first) {
  // Every step left over needs another one left over, so walking along needs must come back to a step seen before.
  size_t at = 0;
  while (done[at]) ++at;
  std::unordered_map<size_t, size_t> position;
  std::vector<size_t> path;
  while (position.try_emplace(at, path.size()).second) {
    path.push_back(at);
    for (const size_t need : needs[at]) {
      if (!done[need]) {
        at = need;
        break;
      }
    }
  }
  path.erase(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(position[at]));
  std::rotate(path.begin(), std::min_element(path.begin(), path.end()), path.end());
  first = path.front();
  constexpr size_t kShownMax = 12;
  std::string text;
  for (size_t i = 0; i < path.size() && i < kShownMax; ++i) text += steps[path[i]].id + " -> ";
  if (path.size() > kShownMax) text += "... -> ";
  return text + steps[first].id;
}

}  // namespace

StepGraph build_graph(const std::vector<OmlStep>& steps, Diagnostics& diagnostics) {
  std::unordered_map<std::string_view, size_t> index;
  for (const OmlStep& step : steps) index.emplace(step.id, step.index);

  StepGraph graph;
  graph.needs.resize(steps.size());
  Edges edges(steps.size());
  int suggestions_left = 20;  // each one looks at every id
  for (const OmlStep& step : steps) {
    std::unordered_set<size_t> seen;
    auto add = [&](const StepRef& reference) {
      const auto found = index.find(reference.id);
      if (found == index.end()) {
        std::optional<std::string> near;
        if (suggestions_left > 0) {
          --suggestions_left;
          std::vector<std::string> ids;
          for (const OmlStep& other : steps) ids.push_back(other.id);
          near = nearest(reference.id, ids);
        }
        diagnostics.error("unknown_dependency", "Unknown dependency: '" + reference.id + "'", reference.location,
                          reference.mark, near ? "did you mean '" + *near + "'?" : "");
        return;
      }
      if (!seen.insert(found->second).second) return;
      edges[step.index].push_back(found->second);
      graph.needs[step.index].push_back(reference.id);
    };
    // What `inputs` names comes first: a writer takes the first relation.
    for (const StepRef& input : step.inputs) add(input);
    for (const StepRef& need : step.needs) add(need);
    if (!step.has_needs && step.inputs.empty() && step.index > 0)
      add({steps[step.index - 1].id, step.location, step.mark});
    // What a check reads comes before, and is no input.
    const size_t inputs = graph.needs[step.index].size();
    for (const OmlCheck& each : step.checks)
      if (!each.check.to_step.empty() && each.check.to_step != step.id)
        add({each.check.to_step, each.location, each.mark});
    graph.needs[step.index].resize(inputs);
  }

  Edges dependents(steps.size());
  std::vector<size_t> waiting_for(steps.size());
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;  // the earliest in the file first
  for (size_t i = 0; i < steps.size(); ++i) {
    waiting_for[i] = edges[i].size();
    for (const size_t need : edges[i]) dependents[need].push_back(i);
    if (waiting_for[i] == 0) ready.push(i);
  }
  std::vector<bool> done(steps.size());
  while (!ready.empty()) {
    const size_t next = ready.top();
    ready.pop();
    done[next] = true;
    graph.order.push_back(next);
    for (const size_t dependent : dependents[next])
      if (--waiting_for[dependent] == 0) ready.push(dependent);
  }
  if (graph.order.size() < steps.size()) {
    size_t first = 0;
    const std::string cycle = describe_cycle(steps, edges, done, first);
    diagnostics.error("dependency_cycle", "The steps form a dependency cycle: " + cycle,
                      steps[first].location + ".needs", steps[first].mark, "remove one of these needs");
  }
  return graph;
}

}  // namespace osiris

#include "host/cache/reasons.h"

#include <algorithm>
#include <map>
#include <set>

#include "protocol/base/file_pattern.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNamedMax = 6;

bool is_of_input(std::string_view part) { return part.starts_with("input ") || part.starts_with("checked against"); }

std::string why_left_alone(const ReasonInputs& in) {
  const StepDecision& decision = in.decision;
  if (decision.entry) return "its rows are kept (run " + decision.entry->run_id + ")";
  if (is_writer(decision.facts.nature) && in.before)
    return in.before->outputs.empty() ? "it ended well in run " + in.before->run_id + ", and what it wrote is as it was"
                                      : "what it wrote in run " + in.before->run_id + " is there";
  return "no step that runs reads its rows";
}

std::string of_base(const ReasonInputs& in) {
  if (!in.base) return "no run of this pipeline has left what it knew of its steps";
  if (!in.before) return "run " + in.base->run_id + " had no step of this name";
  if (!in.before->complete) return "it did not end well in run " + in.base->run_id;
  const std::string changes = changes_between(in.before->parts, in.decision.parts);
  if (!changes.empty()) return changes;
  if (in.decision.key.empty()) return "a step before it, which may change what it reads, runs";
  std::string why;
  if (is_writer(in.decision.facts.nature) && !outputs_are_as_left(in.step, *in.before, in.hashes, why)) return why;
  const std::string needed = in.reader.empty() ? "no step reads its rows" : "step " + in.reader + " needs its rows";
  if (!in.decision.facts.why_not_kept.empty() && !in.is_cached)
    return needed + ", and " + in.decision.facts.why_not_kept;
  return needed + ", and they are not kept" +
         (in.before->keeps ? " any more" : ": that run did not keep outputs (--keep-outputs)");
}

}  // namespace

std::string source_in_part(std::string_view part) {
  const size_t open = part.rfind('(');
  if (!is_of_input(part) || open == std::string_view::npos || !part.ends_with(')')) return {};
  return std::string(part.substr(open + 1, part.size() - open - 2));
}

std::string changes_between(const KeyParts& before, const KeyParts& now) {
  const std::map<std::string, std::string> old(before.begin(), before.end());
  std::vector<std::string> changes;
  std::set<std::string> seen;
  for (const auto& [name, value] : now) {
    seen.insert(name);
    const auto found = old.find(name);
    if (is_of_input(name)) {
      if (found == old.end())
        changes.push_back("it reads step " + source_in_part(name) + " now");
      else if (value.empty())
        changes.push_back("step " + source_in_part(name) + " runs again");
      else if (found->second != value)
        changes.push_back("step " + source_in_part(name) + " has other rows");
    } else if (found == old.end()) {
      changes.push_back(name + " is new");
    } else if (found->second != value) {
      changes.push_back(name + (name == "worker" ? " is another version" : " changed"));
    }
  }
  for (const auto& [name, value] : before)
    if (!seen.contains(name))
      changes.push_back(is_of_input(name) ? "it does not read step " + source_in_part(name) + " any more"
                                          : name + " is gone");
  if (changes.size() > kNamedMax) {
    const size_t more = changes.size() - kNamedMax;
    changes.resize(kNamedMax);
    changes.push_back(std::to_string(more) + " more");
  }
  return join(changes, ", ");
}

std::string reason_of(const ReasonInputs& in) {
  const StepDecision& decision = in.decision;
  switch (decision.fate) {
    case StepFate::kLeftOut:
      return "it is no part of this run";
    case StepFate::kTaken:
    case StepFate::kDone:
      return why_left_alone(in);
    case StepFate::kRuns:
      break;
  }
  if (in.is_forced) return in.request.only.empty() ? "--from " + in.request.from + " repeats it" : "--only names it";
  if (!in.request.uses_cache) return "--no-cache";
  if (!decision.facts.always_runs.empty()) return decision.facts.always_runs;
  if (!decision.facts.unknown.empty()) return decision.facts.unknown;
  if (in.request.resumes) return of_base(in);
  if (!in.is_cached) return "every run runs it";
  return in.before && in.before->complete ? of_base(in) : "its rows are not kept yet";
}

bool outputs_are_as_left(const PlanStep& step, const RanStep& before, FileHashes& hashes, std::string& why) {
  std::set<fs::path> left;
  for (const Artifact& output : before.outputs) {
    left.insert(fs::path(output.target).lexically_normal());
    const auto hashed = hashes.of(output.target);
    if (hashed.ok() && hashed->hash == output.sha256) continue;
    why = output.target + (hashed.ok() ? " is not what run " + before.run_id + " wrote" : " is gone");
    return false;
  }
  for (const PlanFile& planned : step.outputs) {
    const fs::path place = fs::path(planned.location).lexically_normal();
    if (!planned.is_directory) {
      if (left.contains(place)) continue;
      why = "nothing is known of " + planned.location;
      return false;
    }
    const auto there = files_below(place);
    const auto is_left = [&](const fs::path& file) { return left.contains(file.lexically_normal()); };
    if (there.ok() && !there->empty() && std::all_of(there->begin(), there->end(), is_left)) continue;
    why = planned.location + " holds other files than run " + before.run_id + " wrote";
    return false;
  }
  return true;
}

}  // namespace osiris

#include "host/cache/repeat.h"

#include <algorithm>
#include <map>
#include <set>

#include "host/cache/reasons.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr double kNanoseconds = 1e9;

struct Node {
  const PlanStep* step = nullptr;
  StepCache cache;
  StepDecision decision;
  std::vector<size_t> sources;  // whose rows it, or its checks, read
  std::vector<size_t> readers;
  std::vector<size_t> needs;  // all of them
  bool is_included = true, is_forced = false, must_run = false;
  bool is_proved = false;  // the run that is resumed had this key, and the step ended well
  bool may_be_left = false;
  bool is_after_effects = false;          // a step before it changes what is outside
  std::optional<bool> outputs_are_there;  // of a writer: as the run that is resumed left them
  std::string looked_up;                  // the key that `entry` was looked for by
};

bool has_effects(const Node& node) {
  const StepNature nature = node.decision.facts.nature;
  return is_writer(nature) || nature == StepNature::kProgram;
}

bool reads_outside(const Node& node) {
  const StepNature nature = node.decision.facts.nature;
  return nature != StepNature::kSql && !(is_writer(nature) && node.step->input_files.empty());
}

class Decider {
 public:
  Decider(const RepeatRequest& request, const RepeatInputs& inputs) : request_(request), inputs_(inputs) {}

  Result<Repeat> run() {
    make_nodes();
    OSIRIS_TRY(choose_steps());
    for (Node& node : nodes_)
      if (node.is_included) node.decision.facts = facts_of(*node.step, inputs_.keys);
    for (Node& node : nodes_) node.must_run = node.is_forced || !node.decision.facts.always_runs.empty();
    do {
      for (Node& node : nodes_)
        if (node.is_included) find_key(node);
    } while (settle());
    return finish();
  }

 private:
  void make_nodes() {
    std::map<std::string, size_t> index;
    std::map<std::string, const CompiledStep*> compiled;
    for (const CompiledStep& step : inputs_.pipeline.steps) compiled[step.id] = &step;
    for (const PlanStep& step : inputs_.inputs.plan.steps) {
      index[step.id] = nodes_.size();
      Node node;
      node.step = &step;
      node.decision.id = step.id;
      if (const auto found = compiled.find(step.id); found != compiled.end()) node.cache = found->second->cache;
      nodes_.push_back(std::move(node));
    }
    for (size_t i = 0; i < nodes_.size(); ++i) {
      Node& node = nodes_[i];
      const auto reads = [&](const std::string& name, const std::string& id) {
        const auto found = index.find(id);
        if (found == index.end()) return;
        node.decision.sources.emplace_back(name + " (" + id + ")", id);
        node.sources.push_back(found->second);
        nodes_[found->second].readers.push_back(i);
      };
      for (const PlanInput& input : node.step->inputs) reads("input " + input.name, input.from_step);
      for (const std::string& source : sources_of_checks(*node.step)) reads("checked against", source);
      for (const std::string& need : node.step->needs)
        if (const auto found = index.find(need); found != index.end()) node.needs.push_back(found->second);
    }
  }

  Result<size_t> index_of(const std::string& flag, const std::string& id) const {
    std::vector<std::string> ids;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].decision.id == id) return i;
      ids.push_back(nodes_[i].decision.id);
    }
    const auto near = nearest(id, ids);
    return Error(Code::kNotFound, flag + ": the pipeline has no step '" + id + "'",
                 near ? "did you mean '" + *near + "'?" : "its steps: " + join(ids, ", "));
  }

  // Which steps are part of the run at all, and which of them run whatever is kept.
  Status choose_steps() {
    if (!request_.only.empty()) {
      OSIRIS_ASSIGN(const size_t only, index_of("--only", request_.only));
      nodes_[only].is_forced = true;
      return keep({only}, &Node::sources);
    }
    std::set<size_t> ends;
    if (!request_.until.empty()) {
      OSIRIS_ASSIGN(const size_t until, index_of("--until", request_.until));
      OSIRIS_TRY(keep({until}, &Node::needs));
    }
    if (request_.from.empty()) return {};
    OSIRIS_ASSIGN(const size_t from, index_of("--from", request_.from));
    if (!nodes_[from].is_included)
      return Error(Code::kInvalidArgument,
                   "step '" + request_.until + "' does not come after step '" + request_.from + "'",
                   "--from is to come before --until");
    for (size_t i = from; i < nodes_.size(); ++i) {
      Node& node = nodes_[i];
      const auto follows = [&](size_t need) { return nodes_[need].is_forced; };
      node.is_forced = node.is_included && (i == from || std::any_of(node.needs.begin(), node.needs.end(), follows));
      if (node.is_forced) ends.insert(i);
    }
    return keep(std::move(ends), &Node::needs);
  }

  // These and what comes before them by `edges`; the others are left out.
  Status keep(std::set<size_t> wanted, std::vector<size_t> Node::* edges) {
    for (size_t i = nodes_.size(); i-- > 0;) {
      if (!wanted.contains(i)) continue;
      for (const size_t before : nodes_[i].*edges) wanted.insert(before);
    }
    for (size_t i = 0; i < nodes_.size(); ++i) nodes_[i].is_included = nodes_[i].is_included && wanted.contains(i);
    return {};
  }

  bool runs(size_t index) const { return nodes_[index].is_included && nodes_[index].decision.fate == StepFate::kRuns; }

  // By what is assumed of the steps before it: those that may be left alone are.
  void find_key(Node& node) {
    StepDecision& decision = node.decision;
    decision.parts = decision.facts.parts;
    bool is_known = decision.facts.unknown.empty();
    // What reads from outside may read what a step before it writes there.
    node.is_after_effects = std::any_of(node.needs.begin(), node.needs.end(), [&](size_t need) {
      const Node& before = nodes_[need];
      return before.is_included && (before.is_after_effects || (has_effects(before) && !before.may_be_left));
    });
    const bool is_own_word = node.cache.mode == StepCache::kKept && !reads_what_is_written(node);
    if (node.is_after_effects && reads_outside(node) && !is_own_word) is_known = false;
    for (size_t i = 0; i < node.sources.size(); ++i) {
      const std::string& content = nodes_[node.sources[i]].decision.content;
      decision.parts.emplace_back(decision.sources[i].first, content);
      is_known = is_known && !content.empty();
    }
    decision.key = is_known ? key_of(decision.parts) : std::string();
    look_up(node);
    decision.content = content_of(node);
  }

  // Whether a file that it reads is one that a step of this run writes.
  bool reads_what_is_written(const Node& node) const {
    const auto writes = [&](const PlanFile& read) {
      return std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& other) {
        return &other != &node &&
               std::any_of(other.step->outputs.begin(), other.step->outputs.end(), [&](const PlanFile& output) {
                 return output.is_directory ? read.location.starts_with(output.location + "/")
                                            : read.location == output.location;
               });
      });
    };
    return std::any_of(node.step->input_files.begin(), node.step->input_files.end(), writes);
  }

  const RanStep* in_base(const Node& node) const {
    if (!inputs_.base) return nullptr;
    const auto found = inputs_.base->steps.find(node.decision.id);
    return found == inputs_.base->steps.end() ? nullptr : &found->second;
  }

  void look_up(Node& node) {
    StepDecision& decision = node.decision;
    const RanStep* before = in_base(node);
    const std::string& key = decision.key;
    node.is_proved = !node.must_run && request_.resumes && before && before->complete && !key.empty() &&
                     before->key == key && (!is_writer(decision.facts.nature) || outputs_are_there(node, *before));
    if (node.must_run || key.empty() || is_writer(decision.facts.nature)) {
      decision.entry.reset();
      node.looked_up.clear();
    } else if (node.looked_up != key) {
      node.looked_up = key;
      std::string damaged;
      decision.entry = may_take(node) ? inputs_.kept.find(key, damaged) : std::nullopt;
      if (!damaged.empty()) damaged_.push_back(damaged);
      if (decision.entry && !is_valid(node, *decision.entry)) decision.entry.reset();
    }
    // A determined step whose readers are left alone need not run either: their keys hold its own.
    const bool is_free = is_determined(decision.facts.nature) && !key.empty() && !node.readers.empty();
    node.may_be_left = !node.must_run && (node.is_proved || decision.entry || is_free);
  }

  bool may_take(const Node& node) const {
    if (!request_.uses_cache || node.cache.mode == StepCache::kNever) return false;
    return request_.resumes || node.cache.mode == StepCache::kKept;
  }

  // Whether rows that are kept under the right key are also the right ones.
  bool is_valid(const Node& node, const KeptEntry& entry) const {
    const RanStep* before = in_base(node);
    if (request_.resumes && before && before->complete && before->key == entry.key && before->content == entry.content)
      return true;
    if (node.cache.max_age_s) {
      const double age_s = static_cast<double>(inputs_.now_unix_ns - entry.created_unix_ns) / kNanoseconds;
      return age_s >= 0 && age_s <= *node.cache.max_age_s;  // from the future: the clock was set back
    }
    if (is_determined(node.decision.facts.nature)) return true;
    return node.decision.facts.nature == StepNature::kProgram && node.cache.mode == StepCache::kKept;
  }

  bool outputs_are_there(Node& node, const RanStep& before) const {
    std::string why;
    if (!node.outputs_are_there)
      node.outputs_are_there = outputs_are_as_left(*node.step, before, inputs_.keys.hashes, why);
    return *node.outputs_are_there;
  }

  // Empty: only the run tells.
  std::string content_of(const Node& node) const {
    const StepDecision& decision = node.decision;
    if (is_determined(decision.facts.nature)) return decision.key;
    if (!node.may_be_left) return {};
    return decision.entry ? decision.entry->content : in_base(node)->content;
  }

  // The fates, from the last step to the first. True: a step that was assumed to be left alone has to run, and what
  // follows from it is to be looked at again.
  bool settle() {
    bool is_changed = false;
    for (size_t i = nodes_.size(); i-- > 0;) {
      Node& node = nodes_[i];
      StepDecision& decision = node.decision;
      decision.fate = fate_of(node);
      if (decision.fate != StepFate::kRuns || node.must_run || !node.may_be_left) continue;
      if (is_determined(decision.facts.nature)) {  // its rows are the same whether it runs or not
        node.may_be_left = false;
        continue;
      }
      node.must_run = is_changed = true;
    }
    return is_changed;
  }

  StepFate fate_of(const Node& node) const {
    if (!node.is_included) return StepFate::kLeftOut;
    if (node.must_run || !node.may_be_left) return StepFate::kRuns;
    const auto is_running = [&](size_t reader) { return runs(reader); };
    const auto is_included = [&](size_t reader) { return nodes_[reader].is_included; };
    if (std::any_of(node.readers.begin(), node.readers.end(), is_running))
      return node.decision.entry ? StepFate::kTaken : StepFate::kRuns;
    if (node.decision.entry || node.is_proved) return StepFate::kDone;
    return std::any_of(node.readers.begin(), node.readers.end(), is_included) ? StepFate::kDone : StepFate::kRuns;
  }

  bool keeps(const Node& node) const {
    const StepNature nature = node.decision.facts.nature;
    if (!request_.uses_cache || node.cache.mode == StepCache::kNever || is_writer(nature) ||
        nature == StepNature::kFile || !node.decision.facts.always_runs.empty() || !node.decision.is_keyable)
      return false;
    return node.cache.mode == StepCache::kKept ||
           (request_.keeps && nature != StepNature::kProgram && node.decision.facts.why_not_kept.empty());
  }

  Result<Repeat> finish() {
    Repeat repeat;
    std::vector<std::string> missing;
    for (Node& node : nodes_) {
      StepDecision& decision = node.decision;
      decision.keeps = decision.fate == StepFate::kRuns && keeps(node);
      const auto is_running = [&](size_t reader) { return runs(reader); };
      const auto reader = std::find_if(node.readers.begin(), node.readers.end(), is_running);
      decision.reason = reason_of({decision, *node.step, node.is_forced, node.cache.mode == StepCache::kKept,
                                   reader == node.readers.end() ? "" : nodes_[*reader].decision.id, request_,
                                   inputs_.base, in_base(node), inputs_.keys.hashes});
      if (decision.fate == StepFate::kRuns && !node.is_forced && decision.facts.nature != StepNature::kFile)
        missing.push_back(decision.id);
    }
    if (!request_.only.empty() && !missing.empty())
      return Error(Code::kInvalidArgument,
                   "step '" + request_.only + "' cannot run alone: the rows of " + join(missing, ", ") +
                       " are not kept, or have changed",
                   "run what it needs too: --until " + request_.only + "; --keep-outputs keeps the rows");
    for (Node& node : nodes_) repeat.steps.push_back(std::move(node.decision));
    repeat.damaged = std::move(damaged_);
    return repeat;
  }

  const RepeatRequest& request_;
  const RepeatInputs& inputs_;
  std::vector<Node> nodes_;
  std::vector<std::string> damaged_;
};

}  // namespace

const StepDecision* Repeat::find(std::string_view id) const {
  const auto found = std::find_if(steps.begin(), steps.end(), [&](const StepDecision& step) { return step.id == id; });
  return found == steps.end() ? nullptr : &*found;
}

size_t Repeat::count(StepFate fate) const {
  return static_cast<size_t>(
      std::count_if(steps.begin(), steps.end(), [&](const StepDecision& step) { return step.fate == fate; }));
}

Result<Repeat> decide_repeat(const RepeatRequest& request, const RepeatInputs& inputs) {
  return Decider(request, inputs).run();
}

}  // namespace osiris

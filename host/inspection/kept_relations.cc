#include "host/inspection/kept_relations.h"

#include <algorithm>
#include <map>
#include <set>

#include "host/run/recorded_output.h"
#include "protocol/base/text.h"
#include "protocol/model/step_naming.h"

namespace osiris {
namespace {

bool is_of_a_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool only_writes(const ComponentRegistry& registry, const std::string& component) {
  const ComponentSpec* spec = registry.find(component);
  return spec && spec->supports("write") && !spec->supports("extract") && !spec->supports("transform");
}

// The steps of the run, as its session or, where that is gone, what it knew of them names them.
std::vector<RecordedStep> steps_of(const RunRecord& record, const RunRows& rows) {
  std::vector<RecordedStep> steps = read_recorded_plan(record.run_logs_path);
  std::set<std::string> known;
  for (const RecordedStep& step : steps) known.insert(step.id);
  for (const auto& [id, step] : rows.steps)
    if (!known.contains(id)) steps.push_back({id, step.entry ? step.entry->component : "", {}, {}});
  return steps;
}

// The one file with rows that a step has written; null: there is none.
const Artifact* file_of(const std::string& step_id, const std::vector<Artifact>& outputs) {
  const Artifact* found = nullptr;
  for (const Artifact& file : outputs) {
    if (file.step_id != step_id) continue;
    if (found || !holds_rows(file.path)) return nullptr;
    found = &file;
  }
  return found;
}

std::string sql_text(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

void give_names(KeptRelations& relations) {
  std::vector<std::string> ids;
  for (const KeptRelation& relation : relations.there) ids.push_back(relation.step_id);
  const auto names = relation_names(ids);
  for (size_t i = 0; i < names.size(); ++i) relations.there[i].name = names[i].first;
  for (MissingRelation& relation : relations.missing) relation.name = relation_name(relation.step_id);
}

}  // namespace

KeptRelations kept_relations(const Project& project, const ComponentRegistry& registry, const RunRecord& record,
                             const Clock& clock) {
  KeptRelations relations;
  RunRows rows = rows_of_run(project, record, clock);
  relations.damaged = std::move(rows.damaged);
  const std::vector<Artifact> outputs = recorded_outputs(record.run_logs_path);
  for (RecordedStep& step : steps_of(record, rows)) {
    const auto known = rows.steps.find(step.id);
    const Artifact* file = file_of(step.id, outputs);
    if (known != rows.steps.end() && known->second.entry) {
      relations.there.push_back({step.id, "", std::move(known->second.entry), {}, {}});
    } else if (file) {
      // Its bytes are looked at when it is read.
      const std::string changed = why_not_as_written(*file, 0);
      if (changed.empty())
        relations.there.push_back({step.id, "", std::nullopt, *file, std::move(step.config)});
      else
        relations.missing.push_back({step.id, "", changed});
    } else if (!only_writes(registry, step.component)) {
      relations.missing.push_back({step.id, "",
                                   known != rows.steps.end() ? known->second.why_not
                                   : rows.is_known           ? "it was no part of that run"
                                                             : "that run did not keep outputs"});
    }
  }
  give_names(relations);
  return relations;
}

bool mentions(std::string_view sql, std::string_view name) {
  const std::string text = ascii_lower(std::string(sql)), word = ascii_lower(std::string(name));
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !is_of_a_name(text[at - 1])) && (end == text.size() || !is_of_a_name(text[end]))) return true;
  }
  return false;
}

bool asks_for_relations(std::string_view sql) {
  std::string words;
  for (const char c : ascii_lower(std::string(trim(sql)))) {
    const bool is_blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (!is_blank)
      words += c;
    else if (!words.empty() && words.back() != ' ')
      words += ' ';
  }
  while (!words.empty() && (words.back() == ';' || words.back() == ' ')) words.pop_back();
  return words == "show tables" || words == "show all tables" || words == "show" || words == "describe";
}

std::string list_of(const KeptRelations& relations) {
  std::string rows;
  for (const KeptRelation& relation : relations.there)
    rows += (rows.empty() ? "(" : ", (") + sql_text(relation.name) + ", " + sql_text(relation.step_id) + ", " +
            (relation.entry ? std::to_string(relation.entry->rows_out) : std::string("NULL")) + ")";
  return "SELECT * FROM (VALUES " + rows + ") relations(relation, step, rows)";
}

Result<std::vector<std::string>> add_relations(const KeptRelations& relations, std::string_view sql, LookPlan& plan) {
  // Steps of one name go together: the plan then gives them the names that they have here.
  const auto shared = [](const KeptRelation& relation) { return ascii_lower(relation_name(relation.step_id)); };
  std::set<std::string> wanted;
  for (const KeptRelation& relation : relations.there)
    if (mentions(sql, relation.name)) wanted.insert(shared(relation));
  std::vector<std::string> ids;
  for (const KeptRelation& relation : relations.there) {
    if (!wanted.empty() && !wanted.contains(shared(relation))) continue;
    if (relation.entry) {
      plan.add_kept(relation.step_id, *relation.entry);
    } else {
      if (const std::string changed = why_not_as_written(relation.file); !changed.empty())
        return Error(Code::kInvalidArgument, relation.file.path + ": " + changed);
      OSIRIS_TRY(plan.add_file(relation.step_id, relation.file, relation.config));
    }
    ids.push_back(relation.step_id);
  }
  return ids;
}

}  // namespace osiris

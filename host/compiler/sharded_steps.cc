#include "host/compiler/sharded_steps.h"

#include <algorithm>
#include <map>
#include <string>

#include "host/compiler/foreach.h"
#include "protocol/base/text.h"
#include "protocol/model/shards.h"

namespace osiris {
namespace {

// What changes its meaning where a query sees one shard in place of all: a word, or a word before '('.
struct Telling {
  const char* what;
  std::vector<const char*> words;
  std::vector<const char*> functions;
};
const Telling kTelling[] = {
    {"aggregates",
     {"group by", "having"},
     {"count", "sum", "avg", "min", "max", "any_value", "string_agg", "list", "array_agg", "first", "last", "median",
      "quantile", "stddev", "mode"}},
    {"sorts", {"order by"}, {}},
    {"removes duplicates", {"distinct", "union", "except", "intersect"}, {}},
    {"limits", {"limit", "using sample"}, {}},
    {"uses a window", {"qualify"}, {"over"}},
};

bool is_word_byte(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

// The SQL without its texts and comments, in lower case, blanks as one.
std::string code_of(const std::string& sql) {
  std::vector<size_t> offsets(sql.size());
  for (size_t i = 0; i < offsets.size(); ++i) offsets[i] = i;
  const auto positions = positions_in(sql, SqlDialect::kDuckdb, offsets);
  std::string code;
  for (size_t i = 0; i < sql.size(); ++i) {
    const bool is_blank = positions[i].place != SqlPlace::kCode || static_cast<unsigned char>(sql[i]) <= ' ';
    if (!is_blank)
      code += sql[i];
    else if (!code.empty() && code.back() != ' ')
      code += ' ';
  }
  return ascii_lower(code);
}

bool has_word(const std::string& code, const std::string& word, bool before_parenthesis) {
  for (size_t at = code.find(word); at != std::string::npos; at = code.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool begins = at == 0 || !is_word_byte(code[at - 1]);
    const size_t next = code.find_first_not_of(' ', end);
    const bool ends = end == code.size() || !is_word_byte(code[end]);
    if (begins && ends && (!before_parenthesis || (next != std::string::npos && code[next] == '('))) return true;
  }
  return false;
}

std::vector<std::string> telling_parts(const std::string& sql) {
  const std::string code = code_of(sql);
  std::vector<std::string> found;
  for (const Telling& telling : kTelling) {
    const bool has = std::any_of(telling.words.begin(), telling.words.end(),
                                 [&](const char* word) { return has_word(code, word, false); }) ||
                     std::any_of(telling.functions.begin(), telling.functions.end(),
                                 [&](const char* word) { return has_word(code, word, true); });
    if (has) found.emplace_back(telling.what);
  }
  return found;
}

bool names_shard_in(const Json& json) {
  if (json.is_string()) return names_shard(json.as_string());
  if (json.is_array()) return std::any_of(json.items().begin(), json.items().end(), names_shard_in);
  return std::any_of(json.members().begin(), json.members().end(),
                     [](const auto& member) { return names_shard_in(member.second); });
}

bool upserts(const Json& cfg) { return cfg["write_mode"].as_string() == "upsert"; }

class ShardedSteps {
 public:
  ShardedSteps(const OmlDocument& document, const StepGraph& graph, const std::vector<StepConfig>& configs,
               const SqlTexts& sql, Diagnostics& diagnostics)
      : document_(document), graph_(graph), configs_(configs), sql_(sql), diagnostics_(diagnostics) {}

  void check() {
    for (const size_t index : graph_.order) {
      const OmlStep& step = document_.steps[index];
      std::vector<Json> rules;
      for (const std::string& need : graph_.needs[index]) rules.push_back(rules_[need]);
      const auto rule = rule_of_step(step.id, step.foreach ? &*step.foreach : nullptr, step.per_shard, rules);
      if (rule.ok()) {
        rules_[step.id] = *rule;
      } else {
        refuse(step, rule.error().message, rule.error().hint);
      }
      if (!step.is_sharded()) continue;
      look_at_texts(step);
      if (step.foreach) look_at_reader(step);
      if (step.per_shard) look_at_per_shard(step);
    }
  }

 private:
  void refuse(const OmlStep& step, std::string message, std::string hint) {
    const char* type = step.foreach ? "invalid_foreach" : "invalid_per_shard";
    const char* key = step.foreach ? ".foreach" : ".per_shard";
    diagnostics_.error(type, std::move(message), step.location + key, step.foreach_mark, std::move(hint));
  }
  const Json& cfg(const OmlStep& step) const { return configs_[step.index].cfg; }

  // ${shard.…} in the texts of its config.
  void look_at_texts(const OmlStep& step) {
    if (step.config) look_at_texts(step, *step.config, step.location + ".config");
  }
  void look_at_texts(const OmlStep& step, const YamlNode& node, const std::string& location) {
    for (const YamlNode& item : node.items) look_at_texts(step, item, location);
    for (const auto& member : node.members) look_at_texts(step, member.value, location + "." + member.key);
    if (!node.is_string() || !names_shard(node.text())) return;
    if (const std::string unknown = unknown_shard_placeholder(node.text()); !unknown.empty())
      diagnostics_.error("invalid_shard_text", "'" + unknown + "' is nothing of a shard", location, node.mark,
                         "there are ${shard.index}, ${shard.value} and ${shard.stem}");
    else if (sql_.contains(&node))
      diagnostics_.error("invalid_shard_text", "a shard's value is not pasted into SQL", location, node.mark,
                         "write $shard, without quotes: the value is bound");
  }

  void look_at_reader(const OmlStep& step) {
    if (step.mode != "extract")
      return refuse(step, "Step '" + step.id + "' does not read, and foreach makes shards of what a step reads",
                    "put foreach on the step that reads, and per_shard: true on this one");
    if (step.per_shard)
      return refuse(step, "Step '" + step.id + "' has foreach and per_shard", "keep foreach: it reads each shard");
    if (step.spec->keeps_state(cfg(step)))
      return refuse(step, "Step '" + step.id + "' goes on from its last run, and shards are read whole",
                    "keep one of foreach and incremental");
    if (step.foreach->rule.contains("split")) {
      look_at_split(step, step.foreach->rule["split"]);
    } else if (step.foreach->rule.contains("files")) {
      const auto& keys = step.spec->reads;
      if (keys.empty())
        return refuse(step, "Component '" + step.component + "' reads no files", "use values, range or split");
      if (std::none_of(keys.begin(), keys.end(), [&](const std::string& key) { return is_file_of_shard(step, key); }))
        return refuse(step, "Step '" + step.id + "' does not read the files of its foreach",
                      "write " + keys.front() + ": \"${shard.value}\" below config:");
    } else if (!names_shard_in(cfg(step)) && !binds_shard(*step.spec, cfg(step))) {
      return refuse(step, "Step '" + step.id + "' reads the same for each shard: its config names none",
                    step.spec->property("values").is_null() ? "write ${shard.value} where it differs"
                                                            : "write $shard in the SQL");
    }
    if (cfg(step).contains("limit"))
      return refuse(step, "Step '" + step.id + "' has a limit, and each shard would have its own",
                    "limit the rows in a SQL step after it");
    if (step.foreach->allow_empty) look_at_types(step);
  }

  void look_at_split(const OmlStep& step, const Json& split) {
    const bool separate = split["consistency"].as_string() == "none";
    if (step.spec->split == SplitReads::kNone)
      return refuse(step, "Component '" + step.component + "' does not split what it reads",
                    "split is for extractors of databases; use files, values or range");
    if (step.spec->split == SplitReads::kSeparate && !separate)
      return refuse(step,
                    "The parts of step '" + step.id +
                        "' are read at different moments, and rows that move between "
                        "them meanwhile are read twice or not at all",
                    "write consistency: none below split if nothing writes there meanwhile, or if that may be");
    for (const char* key : {"partition", "offset"})
      if (cfg(step).contains(key) && cfg(step)[key] != Json(0))
        refuse(step, "Step '" + step.id + "' has split and '" + key + "'", "keep one of them");
    if (separate)
      diagnostics_.warning(
          "split_consistency", "The parts of step '" + step.id + "' are read at different moments (consistency: none)",
          step.location + ".foreach", step.foreach_mark, "rows that change meanwhile may be read twice or not at all");
  }

  bool is_file_of_shard(const OmlStep& step, const std::string& key) const {
    return cfg(step)[key].as_string() == "${shard.value}";
  }

  // Without a shard nothing tells the columns.
  void look_at_types(const OmlStep& step) {
    const Json &columns = cfg(step)["columns"], &dtype = cfg(step)["dtype"];
    const bool declared =
        columns.is_object() || (columns.size() > 0 && dtype.is_object() &&
                                std::all_of(columns.items().begin(), columns.items().end(),
                                            [&](const Json& column) { return dtype.contains(column.as_string()); }));
    if (!declared)
      refuse(step, "allow_empty needs to know the columns of step '" + step.id + "' where there is no shard",
             "declare all columns with their types: columns and dtype of CSV, columns of JSON");
  }

  void look_at_per_shard(const OmlStep& step) {
    if (step.mode == "extract")
      return refuse(step, "Step '" + step.id + "' reads, and per_shard is for the steps after it",
                    "write foreach: to read in shards");
    if (step.mode == "write") return look_at_writer(step);
    for (const auto& [key, dialect] : step.spec->sql)
      if (const auto parts = telling_parts(cfg(step)[key].as_string()); !parts.empty())
        diagnostics_.warning(
            "per_shard_sql", "The SQL of step '" + step.id + "' " + join(parts, ", ") + ", for each shard by itself",
            step.location + ".per_shard", step.foreach_mark, "without per_shard it sees the rows of all shards");
  }

  void look_at_writer(const OmlStep& step) {
    const bool writes_files = !step.spec->writes.empty() && !step.spec->updates;
    if (!writes_files && !upserts(cfg(step)))
      return refuse(step,
                    "Step '" + step.id + "' cannot write each shard by itself: a second attempt would write twice",
                    "leave per_shard out: it writes all shards at once; or use write_mode: upsert");
    for (const std::string& key : step.spec->writes)
      if (writes_files && !names_shard(cfg(step)[key].as_string()))
        refuse(step, "Step '" + step.id + "' would write all shards to one file: " + cfg(step)[key].as_string(),
               "name the shard in the path: out/${shard.stem}.csv");
  }

  const OmlDocument& document_;
  const StepGraph& graph_;
  const std::vector<StepConfig>& configs_;
  const SqlTexts& sql_;
  Diagnostics& diagnostics_;
  std::map<std::string, Json> rules_;  // by step; null: it is not sharded
};

}  // namespace

void check_sharded_steps(const OmlDocument& document, const StepGraph& graph, const std::vector<StepConfig>& configs,
                         const SqlTexts& sql, Diagnostics& diagnostics) {
  ShardedSteps(document, graph, configs, sql, diagnostics).check();
}

bool binds_shard(const ComponentSpec& spec, const Json& cfg) {
  if (spec.property("values").is_null()) return false;
  return std::any_of(spec.sql.begin(), spec.sql.end(), [&](const auto& entry) {
    const bool is_mysql = entry.second == "mysql";
    const auto names =
        bound_names_in(cfg[entry.first].as_string(), is_mysql ? SqlDialect::kMysql : SqlDialect::kDuckdb);
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return (is_mysql ? name : ascii_lower(name)) == kShardValueName;
    });
  });
}

Result<Json> rule_of_step(const std::string& id, const Foreach* foreach, bool per_shard,
                          const std::vector<Json>& rules) {
  if (foreach) {
    // The parts of two tables begin at different values.
    Json rule = foreach->rule;
    if (rule.contains("split")) rule.set("step", id);
    return rule;
  }
  if (!per_shard) return Json();
  Json found;
  for (const Json& rule : rules) {
    if (rule.is_null() || rule == found) continue;
    if (!found.is_null())
      return Error(Code::kInvalidArgument,
                   "Step '" + id + "' needs steps of different shards: " + found.dump() + " and " + rule.dump(),
                   "give both the same foreach, or leave per_shard out: it then sees all rows of both");
    found = rule;
  }
  if (found.is_null())
    return Error(Code::kInvalidArgument, "Step '" + id + "' says per_shard, and no step it needs has shards",
                 "give the step that reads a foreach, and per_shard to the steps between");
  return found;
}

}  // namespace osiris

#include "host/compiler/params.h"

#include <algorithm>
#include <optional>
#include <set>

#include "host/compat/python_text.h"
#include "host/compiler/param_text.h"
#include "host/compiler/param_types.h"
#include "host/compiler/placeholder.h"
#include "host/compiler/sql_params.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr int kNestingMax = 32;  // parameters whose values name other parameters
constexpr size_t kExpansionBytesMax = 64u << 20;

struct Param {
  YamlNode value;  // effective so far
  bool has_value = false;
  const YamlNode* declaration = nullptr;  // a mapping with type, default, ...; null for plain defaults
  std::string type;                       // canonical: string, integer, number, boolean, list, object; empty: any
  Mark mark;
  enum class State { kNew, kVisiting, kDone } state = State::kNew;
};

class Resolver {
 public:
  Resolver(YamlNode& root, const ParamSources& sources, Diagnostics& diagnostics)
      : root_(root), sources_(sources), diagnostics_(diagnostics) {}

  Json run() {
    collect_placeholders(root_, used_);
    read_declarations();
    apply_environment();
    apply_profile();
    apply_flags();
    resolve_values();
    if (cyclic_) return Json::object();
    check_values();
    Json effective = Json::object();
    for (const auto& [name, param] : params_)
      if (param.has_value) effective.set(name, param.value.to_json());
    replace(root_);
    if (!unresolved_.empty()) report_unresolved();
    return effective;
  }

 private:
  void read_declarations() {
    const YamlNode* section = root_.find("params");
    if (!section || section->is_null()) return;
    if (!section->is_mapping())
      return diagnostics_.error("invalid_params",
                                "params must be a mapping, got " + std::string(section->python_type()), "params",
                                section->mark);
    for (const auto& member : section->members) {
      Param& param = params_[member.key];
      param.mark = member.key_mark;
      if (!member.value.is_mapping()) {
        param.value = member.value;
        param.has_value = true;
        continue;
      }
      param.declaration = &member.value;
      read_declaration(member.key, member.value, param);
    }
    declarations_ = *section;  // a copy: the document's own is rewritten by replace()
    for (auto& [name, param] : params_)
      if (param.declaration) param.declaration = declarations_.find(name);
  }

  void read_declaration(const std::string& name, const YamlNode& declaration, Param& param) {
    static const std::vector<std::string> kKnown = {"type", "default", "description", "enum",    "min",
                                                    "max",  "minimum", "maximum",     "required"};
    for (const auto& member : declaration.members) {
      if (std::find(kKnown.begin(), kKnown.end(), member.key) != kKnown.end()) continue;
      const auto near = nearest(member.key, kKnown);
      diagnostics_.warning("unknown_key", "Unknown key of parameter '" + name + "': '" + member.key + "'",
                           "params." + name + "." + member.key, member.key_mark,
                           near ? "did you mean '" + *near + "'?" : "");
    }
    if (const YamlNode* type = declaration.find("type")) {
      const auto known = canonical_param_type(type->text());
      if (known)
        param.type = *known;
      else
        diagnostics_.error("invalid_params", "Unknown type '" + type->text() + "' of parameter '" + name + "'",
                           "params." + name + ".type", type->mark,
                           "use string, integer, number, boolean, list or object");
    }
    if (const YamlNode* value = declaration.find("default")) {
      param.value = *value;
      param.has_value = true;
    }
  }

  bool is_wanted(const std::string& name) const { return params_.contains(name) || used_.contains(name); }

  // A value given as text takes the declared type, else the type of the default, where it can.
  void set_from_text(const std::string& name, const std::string& text) {
    Param& param = params_[name];
    std::string type = param.type;
    if (type.empty() && param.has_value)
      for (const char* candidate : {"boolean", "integer", "number", "list", "object"})
        if (type.empty() && fits_param_type(param.value, candidate)) type = candidate;
    param.value = read_param_text(text, type, param.mark);
    param.has_value = true;
  }

  void apply_environment() {
    constexpr std::string_view kPrefix = "OSIRIS_PARAM_";
    for (const auto& [variable, value] : sources_.environment.all()) {
      if (!variable.starts_with(kPrefix)) continue;
      const std::string name = ascii_lower(std::string_view(variable).substr(kPrefix.size()));
      if (is_wanted(name)) set_from_text(name, value);
    }
  }

  void apply_profile() {
    const YamlNode* profiles = root_.find("profiles");
    if (!profiles || profiles->is_null()) return;
    if (!profiles->is_mapping())
      return diagnostics_.error("invalid_profiles",
                                "profiles must be a mapping, got " + std::string(profiles->python_type()), "profiles",
                                profiles->mark);
    const YamlNode* profile = profiles->find(sources_.profile);
    const YamlNode* values = profile ? profile->find("params") : nullptr;
    if (!values || values->is_null()) return;
    const std::string location = "profiles." + sources_.profile + ".params";
    if (!values->is_mapping())
      return diagnostics_.error("invalid_profiles",
                                location + " must be a mapping, got " + std::string(values->python_type()), location,
                                values->mark);
    for (const auto& member : values->members) {
      if (!is_wanted(member.key)) {
        diagnostics_.warning("unknown_param", "Parameter '" + member.key + "' is neither declared nor used",
                             location + "." + member.key, member.key_mark, suggestion(member.key));
      }
      Param& param = params_[member.key];
      param.value = member.value;
      param.has_value = true;
      param.mark = member.key_mark;
    }
  }

  void apply_flags() {
    for (const auto& [name, value] : sources_.from_flags) {
      if (is_wanted(name))
        set_from_text(name, value);
      else
        diagnostics_.error("unknown_param", "Parameter '" + name + "' is neither declared nor used in this pipeline",
                           "params." + name, {}, suggestion(name));
    }
  }

  std::string suggestion(const std::string& name) const {
    std::vector<std::string> known(used_.begin(), used_.end());
    for (const auto& [declared, param] : params_) known.push_back(declared);
    const auto near = nearest(name, known);
    return near ? "did you mean '" + *near + "'?" : "";
  }

  // Values may name other parameters; each is filled in once, after those it names.
  void resolve_values() {
    for (auto& [name, param] : params_) resolve_value(name, param, 0);
  }

  void resolve_value(const std::string& name, Param& param, int depth) {
    if (param.state == Param::State::kDone || !param.has_value) return;
    if (param.state == Param::State::kVisiting || depth > kNestingMax) {
      if (!cyclic_)
        diagnostics_.error("invalid_param", "Parameter '" + name + "' is made of itself", "params." + name, param.mark);
      cyclic_ = true;
      return;
    }
    param.state = Param::State::kVisiting;
    std::set<std::string> named;
    collect_placeholders(param.value, named);
    for (const std::string& other : named)
      if (const auto found = params_.find(other); found != params_.end())
        resolve_value(other, found->second, depth + 1);
    if (!cyclic_) substitute(param.value, nullptr);
    param.state = Param::State::kDone;
  }

  void check_values() {
    for (auto& [name, param] : params_) {
      if (!param.has_value) continue;
      const Mark mark = param.value.mark.line > 0 ? param.value.mark : param.mark;
      const std::string location = "params." + name;
      if (!fits_param_type(param.value, param.type)) {
        diagnostics_.error("invalid_param",
                           "Parameter '" + name + "' must be of type " + param.type + ", got " + describe(param.value),
                           location, mark, "give it a value like " + std::string(example_of_param_type(param.type)));
        continue;
      }
      if (!param.declaration) continue;
      check_enum(name, param, mark);
      check_bound(name, param, mark, {"min", "minimum"}, "at least", [](double a, double b) { return a >= b; });
      check_bound(name, param, mark, {"max", "maximum"}, "at most", [](double a, double b) { return a <= b; });
    }
  }

  static std::string describe(const YamlNode& value) {
    return value.is_string() ? "'" + value.text() + "'" : value.to_json().dump_canonical();
  }

  void check_enum(const std::string& name, const Param& param, Mark mark) {
    const YamlNode* choices = param.declaration->find("enum");
    if (!choices || !choices->is_sequence()) return;
    std::vector<std::string> words;
    for (const YamlNode& choice : choices->items) {
      if (choice.to_json() == param.value.to_json()) return;
      words.push_back(python_text(choice.to_json()));
    }
    diagnostics_.error(
        "invalid_param",
        "Parameter '" + name + "' must be one of: " + join(words, ", ") + "; got " + describe(param.value),
        "params." + name, mark);
  }

  template <class Holds>
  void check_bound(const std::string& name, const Param& param, Mark mark, std::initializer_list<const char*> keys,
                   const char* words, Holds holds) {
    for (const char* key : keys) {
      const YamlNode* bound = param.declaration->find(key);
      if (!bound || !bound->scalar.is_number() || !param.value.scalar.is_number()) continue;
      if (!holds(param.value.scalar.as_double(), bound->scalar.as_double()))
        diagnostics_.error("invalid_param",
                           "Parameter '" + name + "' must be " + words + " " + bound->scalar.dump_canonical() +
                               ", got " + param.value.scalar.dump_canonical(),
                           "params." + name, mark);
    }
  }

  // What substitution may still add, so that parameters that double each other end as an error and not as gigabytes.
  bool spend(size_t bytes) {
    if (bytes <= budget_bytes_) {
      budget_bytes_ -= bytes;
      return true;
    }
    if (!overspent_)
      diagnostics_.error("invalid_param",
                         "Parameters expand to more than " + std::to_string(kExpansionBytesMax >> 20) + " MiB",
                         "params", {});
    overspent_ = true;
    return false;
  }

  static size_t cost(const YamlNode& node) {
    size_t bytes = sizeof(YamlNode) + node.text().size();
    for (const YamlNode& item : node.items) bytes += cost(item);
    for (const auto& member : node.members) bytes += member.key.size() + cost(member.value);
    return bytes;
  }

  const YamlNode* value_of(const std::string& name) const {
    const auto found = params_.find(name);
    return found != params_.end() && found->second.has_value ? &found->second.value : nullptr;
  }

  // Fills the placeholders of SQL. False, and nothing happens, for one without a value and where the whole text is a
  // placeholder for what is no text: the type check says so.
  bool fill_placeholders(YamlNode& node, const SqlText& sql) {
    const std::string text = node.text();
    std::vector<SqlPiece> pieces;
    size_t from = 0;
    for (auto found = find_placeholder(text, 0); found; found = find_placeholder(text, from)) {
      const YamlNode* value = value_of(found->name);
      const bool is_whole = found->start == 0 && found->end == text.size();
      if (!value || (is_whole && !value->is_string())) return false;
      std::string filled = python_text(value->to_json());
      if (!spend(filled.size())) return false;
      const Param& param = params_.at(found->name);
      const bool is_listed = param.declaration && param.declaration->find("enum");
      pieces.push_back({text.substr(from, found->start - from), found->name, filled,
                        value->scalar.is_number() || spells_number(filled),
                        is_listed || value->scalar.is_bool() || value->is_null()});
      from = found->end;
    }
    if (pieces.empty()) return false;
    pieces.push_back({text.substr(from), {}, {}});
    node.scalar = Json(fill_sql(pieces, sql, node.mark, diagnostics_));
    return true;
  }

  // Fills the placeholders of a value. Unknown ones stay and are noted in `unknown`.
  void substitute(YamlNode& node, std::vector<std::string>* unknown) {
    for (YamlNode& item : node.items) substitute(item, unknown);
    for (auto& member : node.members) substitute(member.value, unknown);
    if (!node.is_string()) return;
    const std::string text = node.text();
    auto placeholder = find_placeholder(text, 0);
    if (!placeholder) return;
    if (placeholder->start == 0 && placeholder->end == text.size()) {
      const YamlNode* value = value_of(placeholder->name);
      if (!value && unknown) unknown->push_back(placeholder->name);
      if (!value || !spend(cost(*value))) return;
      const Mark mark = node.mark;
      node = YamlNode(*value);
      node.mark = mark;
      return;
    }
    std::string out;
    size_t from = 0;
    for (; placeholder; placeholder = find_placeholder(text, from)) {
      out.append(text, from, placeholder->start - from);
      from = placeholder->end;
      const YamlNode* value = value_of(placeholder->name);
      const std::string filled = value ? python_text(value->to_json()) : "";
      if (value && spend(filled.size())) {
        out += filled;
      } else {
        out.append(text, placeholder->start, placeholder->end - placeholder->start);
        if (unknown && !value) unknown->push_back(placeholder->name);
      }
    }
    node.scalar = Json(out.append(text, from));
  }

  void replace(YamlNode& node) {
    for (YamlNode& item : node.items) replace(item);
    for (auto& member : node.members) replace(member.value);
    if (!node.is_string()) return;
    std::vector<std::string> unknown;
    const Mark mark = node.mark;
    const auto sql = sources_.sql.find(&node);
    if (sql == sources_.sql.end() || !fill_placeholders(node, sql->second)) substitute(node, &unknown);
    // A value that still names a parameter could not be filled in either.
    std::set<std::string> left;
    if (!overspent_) collect_placeholders(node, left);
    left.insert(unknown.begin(), unknown.end());
    for (const std::string& name : left) {
      unresolved_.insert(name);
      if (first_unresolved_.line == 0) first_unresolved_ = mark;
    }
  }

  void report_unresolved() {
    std::string list;
    for (const std::string& name : unresolved_) list += (list.empty() ? "'" : ", '") + name + "'";
    diagnostics_.error("unresolved_params", "Unresolved parameters: [" + list + "]", "root", first_unresolved_,
                       "declare them under params: or pass --param NAME=VALUE");
  }

  YamlNode& root_;
  const ParamSources& sources_;
  Diagnostics& diagnostics_;
  std::map<std::string, Param> params_;
  YamlNode declarations_;
  std::set<std::string> used_;
  std::set<std::string> unresolved_;
  Mark first_unresolved_;
  size_t budget_bytes_ = kExpansionBytesMax;
  bool overspent_ = false;
  bool cyclic_ = false;
};

}  // namespace

Json resolve_params(YamlNode& root, const ParamSources& sources, Diagnostics& diagnostics) {
  return Resolver(root, sources, diagnostics).run();
}

}  // namespace osiris

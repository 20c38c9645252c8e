#include "host/compiler/oml_document.h"

#include <algorithm>
#include <unordered_map>

#include "host/compiler/foreach.h"
#include "host/compiler/oml_keys.h"
#include "host/compiler/schedule.h"
#include "host/compiler/step_checks.h"
#include "host/compiler/step_options.h"
#include "protocol/base/text.h"
#include "protocol/model/step_naming.h"

namespace osiris {
namespace {

const std::vector<std::string> kTopLevelKeys = {"oml_version", "name",       "steps",       "description",
                                                "metadata",    "schedule",   "params",      "profiles",
                                                "on_success",  "on_failure", "keep_outputs"};
// A directory's name may have 255 bytes; the run's id and the manifest's hash come behind it.
constexpr size_t kNameBytesMax = 128;
const std::vector<std::string> kOmlModes = {"read", "transform", "write"};

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string did_you_mean(const std::optional<std::string>& near) { return near ? "did you mean '" + *near + "'?" : ""; }

std::string component_mode(const std::string& oml_mode) { return oml_mode == "read" ? "extract" : oml_mode; }
// "My Shop!" as "my-shop".
std::string conventional_name(const std::string& name) {
  std::string out;
  for (const char c : ascii_lower(name)) {
    const bool is_kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (is_kept)
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  while (out.ends_with('-')) out.pop_back();
  return out.empty() ? "pipeline" : out;
}

class OmlReader {
 public:
  OmlReader(const YamlNode& root, const ComponentRegistry& registry, const CompileOptions& options,
            Diagnostics& diagnostics)
      : root_(root), registry_(registry), options_(options), diagnostics_(diagnostics) {}

  OmlDocument run() {
    if (!root_.is_mapping()) {
      diagnostics_.error("invalid_type", "OML must be a dictionary/object", "", root_.mark,
                         root_.is_null() ? "the file is empty" : "start with oml_version, name and steps");
      return {};
    }
    read_top_level();
    if (const YamlNode* steps = root_.find("steps")) read_steps(*steps);
    return std::move(document_);
  }

 private:
  void error(std::string type, std::string message, std::string location, Mark mark, std::string hint = {}) {
    diagnostics_.error(std::move(type), std::move(message), std::move(location), mark, std::move(hint));
  }

  void read_top_level() {
    constexpr std::pair<const char*, const char*> kRequired[] = {{"oml_version", "add oml_version: \"0.1.0\""},
                                                                 {"name", "add name: <what the pipeline is called>"},
                                                                 {"steps", "add steps:, a list of what it does"}};
    for (const auto& [key, hint] : kRequired)
      if (!root_.find(key))
        error("missing_required_key", std::string("Missing required top-level key: '") + key + "'", "root", root_.mark,
              hint);
    for (const auto& member : root_.members) {
      const auto forbidden = forbidden_top_level_key(member.key);
      if (forbidden)
        error("forbidden_key", "Forbidden top-level key: '" + member.key + "' (use 'oml_version' instead of 'version')",
              "root", member.key_mark, *forbidden);
      else if (!contains(kTopLevelKeys, member.key))
        diagnostics_.warning("unknown_key", "Unknown top-level key: '" + member.key + "'", "root", member.key_mark,
                             did_you_mean(nearest(member.key, kTopLevelKeys)));
    }
    read_version();
    read_name();
    document_.metadata = root_.find("metadata");
    document_.hooks = read_hooks(root_, diagnostics_, kHookFinding);
    if (const auto* schedule = root_.find_member("schedule")) read_schedule_key(*schedule);
    if (const YamlNode* keep = root_.find("keep_outputs")) {
      document_.keep_outputs = keep->scalar.as_bool();
      if (keep->kind != YamlNode::Kind::kBool)
        error("invalid_cache", "keep_outputs must be true or false", "keep_outputs", keep->mark,
              "true keeps the rows of steps, for osiris run --resume; write true or false");
    }
  }

  // A schedule is for `osiris schedule render`; its reader must not believe that osiris starts something.
  void read_schedule_key(const YamlNode::Member& member) {
    const auto schedule = read_schedule(member.value);
    if (schedule.ok())
      diagnostics_.warning("unused_key", "osiris starts nothing on a schedule by itself", "schedule", member.key_mark,
                           "'osiris schedule render FILE' writes it for cron, systemd, GitHub Actions or Kubernetes");
    else
      diagnostics_.warning("invalid_schedule", schedule.error().message, "schedule", member.value.mark,
                           schedule.error().hint);
  }

  void read_version() {
    const YamlNode* version = root_.find("oml_version");
    if (!version) return;
    if (!version->is_string())
      return error("invalid_version_type", "oml_version must be a string, got " + std::string(version->python_type()),
                   "oml_version", version->mark, "write oml_version: \"0.1.0\"");
    document_.oml_version = version->text();
    if (!document_.oml_version.starts_with("0."))
      error("unsupported_version", "Unsupported OML version: " + document_.oml_version, "oml_version", version->mark,
            "this osiris reads 0.1.0");
    else if (document_.oml_version != "0.1.0")
      diagnostics_.warning("unsupported_version",
                           "OML version '" + document_.oml_version + "' may not be fully supported (expected '0.1.0')",
                           "oml_version", version->mark);
  }

  void read_name() {
    const YamlNode* name = root_.find("name");
    if (!name) return;
    if (!name->is_string())
      return error("invalid_name_type", "name must be a string, got " + std::string(name->python_type()), "name",
                   name->mark, "put it in quotes");
    document_.name = name->text();
    if (trim(document_.name).empty())
      return error("empty_name", "name cannot be empty", "name", name->mark, "say what the pipeline is called");
    if (document_.name.size() > kNameBytesMax)
      return error("name_too_long",
                   "name has " + std::to_string(document_.name.size()) + " bytes, and directories are named after it",
                   "name", name->mark, "use at most " + std::to_string(kNameBytesMax) + " bytes");
    auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    const bool conventional =
        is_plain(document_.name[0]) &&
        std::all_of(document_.name.begin(), document_.name.end(), [&](char c) { return is_plain(c) || c == '-'; });
    if (!conventional)
      diagnostics_.warning(
          "naming_convention",
          "Pipeline name '" + document_.name + "' doesn't follow naming convention (lowercase, hyphens)", "name",
          name->mark, "write name: " + conventional_name(document_.name));
  }

  void read_steps(const YamlNode& steps) {
    if (!steps.is_sequence())
      return error("invalid_steps_type", "steps must be a list, got " + std::string(steps.python_type()), "steps",
                   steps.mark);
    if (steps.items.empty()) return error("empty_steps", "Pipeline must have at least one step", "steps", steps.mark);
    document_.steps.reserve(steps.items.size());
    for (size_t i = 0; i < steps.items.size(); ++i) {
      const YamlNode& item = steps.items[i];
      const std::string location = "steps[" + std::to_string(i) + "]";
      if (!item.is_mapping()) {
        error("invalid_step_type", "Step must be a dictionary, got " + std::string(item.python_type()), location,
              item.mark, "write - id: <name>, with component, mode and config below it");
        continue;
      }
      OmlStep step;
      step.index = document_.steps.size();
      step.location = location;
      step.mark = item.mark;
      read_id(item, step);
      read_component(item, step);
      read_mode(item, step);
      read_config(item, step);
      read_needs(item, step);
      read_inputs(item, step);
      read_timeout(item, step, diagnostics_);
      read_retry(item, step, diagnostics_);
      read_materialize(item, step, diagnostics_);
      read_cache(item, step, diagnostics_);
      read_checks(item, step, diagnostics_);
      read_foreach(item, step, diagnostics_);
      check_keys(item, step);
      document_.steps.push_back(std::move(step));
    }
    resolve_inputs();
  }

  void missing_field(const OmlStep& step, const std::string& field, std::string hint = {}) {
    error("missing_step_field", "Step missing required field: '" + field + "'", step.location + "." + field, step.mark,
          std::move(hint));
  }

  void read_id(const YamlNode& item, OmlStep& step) {
    const YamlNode* id = item.find("id");
    if (!id) return missing_field(step, "id", "add id: <name>; other steps and the SQL name its rows by it");
    const std::string location = step.location + ".id";
    if (!id->is_string())
      return error("invalid_id_type", "Step ID must be a string, got " + std::string(id->python_type()), location,
                   id->mark, "put it in quotes");
    step.id = id->text();
    if (!is_safe_step_id(step.id) || step.id == "_system")
      return error("unsafe_id", "Step ID '" + step.id.substr(0, 140) + "' cannot be used: ids become file names",
                   location, id->mark,
                   "use letters, digits, '-', '_' and '.'; at most " + std::to_string(kStepIdBytesMax) + " bytes");
    const auto [first, is_new] = ids_.try_emplace(step.id, id->mark.line);
    if (!is_new)
      error("duplicate_id", "Duplicate step ID: '" + step.id + "'", location, id->mark,
            "the first one is in line " + std::to_string(first->second));
  }

  void read_component(const YamlNode& item, OmlStep& step) {
    const YamlNode* component = item.find("component");
    if (!component) component = item.find("uses");
    if (!component) return missing_field(step, "component", "'osiris components list' shows what there is");
    const std::string location = step.location + ".component";
    if (!component->is_string())
      return error("invalid_component_type", "Component must be a string, got " + std::string(component->python_type()),
                   location, component->mark);
    step.component = component->text();
    const ComponentSpec* spec = registry_.find(step.component);
    if (!spec || (spec->hidden && !options_.allow_hidden))
      return error("unknown_component", "Unknown component: '" + step.component + "'", location, component->mark,
                   registry_.hint_for_unknown(step.component));
    step.spec = spec;
    if (spec->driver.empty())
      check_runnable(step.id, step.component, location, component->mark, options_, diagnostics_);
  }

  void read_mode(const YamlNode& item, OmlStep& step) {
    const std::string location = step.location + ".mode";
    const YamlNode* mode = item.find("mode");
    if (!mode) {
      const auto modes = step.spec ? step.spec->oml_modes() : std::vector<std::string>();
      if (modes.size() != 1) return missing_field(step, "mode", modes.empty() ? "" : "'" + join(modes, "' or '") + "'");
      // Pipelines without it have always compiled; the component leaves no choice.
      diagnostics_.warning("missing_step_field", "Step missing required field: 'mode'", location, step.mark,
                           "'" + modes[0] + "' is assumed");
      step.mode = component_mode(modes[0]);
      return;
    }
    if (!mode->is_string())
      return error("invalid_mode_type", "Mode must be a string, got " + std::string(mode->python_type()), location,
                   mode->mark);
    if (!contains(kOmlModes, mode->text()))
      return error("invalid_mode",
                   "Invalid mode: '" + mode->text() + "' (must be one of: " + join(kOmlModes, ", ") + ")", location,
                   mode->mark,
                   mode->text() == "extract" ? "did you mean 'read'?" : did_you_mean(nearest(mode->text(), kOmlModes)));
    step.mode = component_mode(mode->text());
    if (step.spec && !step.spec->supports(step.mode))
      error("incompatible_mode",
            "Step '" + step.id + "': mode '" + mode->text() + "' not supported by component '" + step.component +
                "'. Allowed: " + join(step.spec->oml_modes(), ", "),
            location, mode->mark, "write mode: " + join(step.spec->oml_modes(), " or "));
  }

  void read_config(const YamlNode& item, OmlStep& step) {
    const YamlNode* config = item.find("config");
    if (!config) config = item.find("with");
    if (!config) return;
    if (!config->is_mapping())
      return error("invalid_config_type", "config must be a dictionary, got " + std::string(config->python_type()),
                   step.location + ".config", config->mark, "write config: {key: value}");
    step.config = config;
  }

  void read_needs(const YamlNode& item, OmlStep& step) {
    const YamlNode* needs = item.find("needs");
    if (!needs) return;
    step.has_needs = true;
    const std::string location = step.location + ".needs";
    if (!needs->is_sequence())
      return error("invalid_needs_type", "needs must be a list, got " + std::string(needs->python_type()), location,
                   needs->mark, needs->is_string() ? "write needs: [" + needs->text() + "]" : "");
    for (size_t i = 0; i < needs->items.size(); ++i) {
      const YamlNode& need = needs->items[i];
      const std::string here = location + "[" + std::to_string(i) + "]";
      if (need.is_string())
        step.needs.push_back({need.text(), here, need.mark});
      else
        error("invalid_dependency_type", "Dependency must be a string, got " + std::string(need.python_type()), here,
              need.mark);
    }
  }

  // inputs: {df: "${read_a.df}"}, {df: "@read_a"}, {df: read_a}; a list of them per name is fine too.
  void read_inputs(const YamlNode& item, OmlStep& step) {
    const YamlNode* inputs = item.find("inputs");
    if (!inputs || inputs->is_null()) return;
    const std::string location = step.location + ".inputs";
    if (!inputs->is_mapping())
      return error("invalid_inputs_type", "inputs must be a dictionary, got " + std::string(inputs->python_type()),
                   location, inputs->mark, "write inputs: {df: \"${step_id.df}\"}");
    for (const auto& member : inputs->members) {
      const std::string here = location + "." + member.key;
      auto add = [&](const YamlNode& reference) {
        if (reference.is_string())
          step.inputs.push_back({reference.text(), here, reference.mark});
        else
          error("invalid_inputs_type", "An input must name a step, got " + std::string(reference.python_type()), here,
                reference.mark);
      };
      if (!member.value.is_sequence()) add(member.value);
      for (const YamlNode& reference : member.value.items) add(reference);
    }
  }

  // Turns the text of each input into a step id, now that all ids are known. An id may itself hold dots.
  void resolve_inputs() {
    for (OmlStep& step : document_.steps) {
      for (StepRef& input : step.inputs) {
        std::string_view text = input.id;
        if (text.starts_with("${") && text.ends_with("}"))
          text = text.substr(2, text.size() - 3);
        else if (text.starts_with("@"))
          text.remove_prefix(1);
        std::string id(text);
        if (!ids_.contains(id))
          if (const size_t dot = id.rfind('.'); dot != std::string::npos && ids_.contains(id.substr(0, dot)))
            id.erase(dot);
        input.id = std::move(id);
      }
    }
  }

  void check_keys(const YamlNode& item, const OmlStep& step) {
    for (const auto& member : item.members) {
      if (is_step_key(member.key)) continue;
      const std::string location = step.location + "." + member.key;
      const bool is_config =
          step.spec && (member.key == "connection" || step.spec->config_schema["properties"].contains(member.key));
      if (is_config)
        error("misplaced_config_key",
              "Configuration key '" + member.key + "' of component '" + step.component + "' stands on the step",
              location, member.key_mark, "move it below config:");
      else if (const auto meant = key_that_was_meant(member.key))
        error("unknown_step_key", "Unknown step key: '" + member.key + "'", location, member.key_mark, *meant);
      else
        diagnostics_.warning("unknown_step_key", "Unknown step key: '" + member.key + "'; it changes nothing", location,
                             member.key_mark, "remove it, or make it a comment");
    }
  }

  const YamlNode& root_;
  const ComponentRegistry& registry_;
  const CompileOptions& options_;
  Diagnostics& diagnostics_;
  OmlDocument document_;
  std::unordered_map<std::string, int> ids_;  // id -> line
};

}  // namespace

void check_runnable(const std::string& step_id, const std::string& component, const std::string& location, Mark mark,
                    const CompileOptions& options, Diagnostics& diagnostics) {
  const std::string message = "Components missing runtime drivers: " + step_id + " (component: " + component + ")";
  const std::string hint = "this component compiles, but no driver runs it yet";
  if (options.require_drivers)
    diagnostics.error("component_without_driver", message, location, mark, hint);
  else if (options.connections == ConnectionCheck::kExists)
    diagnostics.warning("component_without_driver", message, location, mark, hint);
}

OmlDocument read_oml(const YamlNode& root, const ComponentRegistry& registry, const CompileOptions& options,
                     Diagnostics& diagnostics) {
  return OmlReader(root, registry, options, diagnostics).run();
}

}  // namespace osiris

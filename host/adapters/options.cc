#include "host/adapters/options.h"

#include <algorithm>

#include "host/adapters/abi_text.h"
#include "protocol/base/redact.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

// What the user gave for one option in one place, as texts, and how to speak of it.
struct GivenValue {
  std::vector<std::string> values;
  OptionSource source = OptionSource::kDefault;
  std::string label;     // "--e2b-timeout", "OSIRIS_E2B_TIMEOUT", "adapters.e2b.timeout in osiris.yaml"
  std::string file_key;  // as it is spelled in osiris.yaml; empty: not from there
};

std::string with_hyphens(std::string_view key) {
  std::string copy(key);
  std::replace(copy.begin(), copy.end(), '_', '-');
  return copy;
}

Error about_key(Error error, const std::string& key) {
  error.detail = Json::object({{kFileKey, key}});
  return error;
}

Error unknown_name(std::string_view what, std::string_view wanted, const std::vector<OptionSpec>& specs,
                   std::string OptionSpec::* spelling, std::string_view adapter) {
  std::vector<std::string> names;
  for (const OptionSpec& spec : specs)
    if (!spec.hidden) names.push_back(spec.*spelling);
  const auto near = nearest(wanted, names);
  std::string hint = near ? "did you mean " + *near + "?" : "";
  if (!near) {
    hint = names.empty() ? "it has no options" : "its options are " + join(names, ", ");
  }
  return Error(Code::kInvalidArgument,
               "adapter '" + std::string(adapter) + "' has no " + std::string(what) + " " + std::string(wanted), hint);
}

// One YAML value of the file as option text.
Result<std::string> text_of(const OptionSpec& spec, const Json& value, const std::string& label) {
  if (spec.type == OSIRIS_JSON) return value.dump();
  if (value.is_string()) return value.as_string();
  if (value.is_bool()) return std::string(value.as_bool() ? "true" : "false");
  if (value.is_number()) return value.dump();
  return Error(Code::kInvalidArgument, label + ": expected text or a number, found " + std::string(value.type_name()));
}

Result<std::vector<std::string>> texts_of(const OptionSpec& spec, const Json& value, const std::string& label) {
  std::vector<std::string> texts;
  if (spec.repeated && value.is_array()) {
    for (const Json& item : value.items()) {
      OSIRIS_ASSIGN(std::string text, text_of(spec, item, label));
      texts.push_back(std::move(text));
    }
  } else if (spec.type == OSIRIS_PAIR && value.is_object()) {
    for (const auto& [key, item] : value.members()) {
      OSIRIS_ASSIGN(const std::string text, text_of(spec, item, label + "." + key));
      texts.push_back(key + "=" + text);
    }
  } else {
    OSIRIS_ASSIGN(std::string text, text_of(spec, value, label));
    texts.push_back(std::move(text));
  }
  return texts;
}

std::vector<std::string> environment_values(const OptionSpec& spec, const std::string& text) {
  if (!spec.repeated) return {text};
  std::vector<std::string> values;
  for (const std::string& line : split(text, '\n'))
    if (!trim(line).empty()) values.push_back(line);
  return values;
}

// The file's value under its key in either spelling.
Result<const Json::Member*> file_value(const OptionSpec& spec, const Json& file) {
  const Json::Member* found = nullptr;
  for (const auto& member : file.members()) {
    if (with_hyphens(member.first) != spec.name || member.second.is_null()) continue;
    if (found)
      return about_key(Error(Code::kInvalidArgument, spec.key + " is given twice in osiris.yaml, as '-' and as '_'"),
                       member.first);
    found = &member;
  }
  return found;
}

Result<std::optional<GivenValue>> find_given(const OptionSpec& spec, const OptionInputs& inputs) {
  GivenValue given;
  for (const auto& [name, value] : inputs.flags)
    if (name == spec.name) given.values.push_back(value);
  if (!given.values.empty()) {
    given.source = OptionSource::kFlag;
    given.label = spec.flag;
    if (!spec.repeated) given.values.erase(given.values.begin(), given.values.end() - 1);  // the last one counts
    return std::optional(given);
  }
  for (const std::string& name : variables_of(spec)) {
    const auto variable = inputs.env ? inputs.env(name) : std::nullopt;
    if (!variable || variable->empty()) continue;
    given.source = OptionSource::kEnvironment;
    const std::string file = inputs.env_origin ? inputs.env_origin(name) : std::string();
    given.label = name + (file.empty() ? "" : " in " + file);
    given.values = environment_values(spec, *variable);
    return std::optional(given);
  }
  OSIRIS_ASSIGN(const auto* member, file_value(spec, inputs.file));
  if (member) {
    given.source = OptionSource::kFile;
    given.label = spec.key + " in osiris.yaml";
    given.file_key = member->first;
    auto texts = texts_of(spec, member->second, given.label);
    if (!texts.ok()) return about_key(texts.error(), given.file_key);
    given.values = *std::move(texts);
    return std::optional(given);
  }
  if (spec.default_value) {
    given.label = "the default of " + spec.flag;
    given.values = {*spec.default_value};
    return std::optional(given);
  }
  return std::optional<GivenValue>();
}

Status check_known(const OptionInputs& inputs, const std::vector<OptionSpec>& specs, std::string_view adapter) {
  const auto known = [&](std::string_view name) {
    return std::any_of(specs.begin(), specs.end(), [&](const OptionSpec& spec) { return spec.name == name; });
  };
  for (const auto& [name, value] : inputs.flags)
    if (!known(name))
      return unknown_name("flag", "--" + std::string(adapter) + "-" + name, specs, &OptionSpec::flag, adapter);
  if (!inputs.file.is_null() && !inputs.file.is_object()) {
    return Error(Code::kInvalidArgument, "adapters." + std::string(adapter) +
                                             " in osiris.yaml: expected a mapping, found " +
                                             std::string(inputs.file.type_name()));
  }
  for (const auto& [key, value] : inputs.file.members())
    if (!known(with_hyphens(key)))
      return about_key(
          unknown_name("option", "adapters." + std::string(adapter) + "." + key, specs, &OptionSpec::key, adapter),
          key);
  return {};
}

Result<std::optional<ResolvedOption>> resolve_one(const OptionSpec& spec, const OptionInputs& inputs) {
  OSIRIS_ASSIGN(const auto given, find_given(spec, inputs));
  if (!given || given->values.empty()) {
    if (!spec.required) return std::optional<ResolvedOption>();
    return Error(Code::kInvalidArgument, "adapter '" + spec.adapter + "' needs the option " + spec.flag,
                 "give " + spec.flag + " " + spec.value_name + ", set " + spec.env + ", or write " + spec.key +
                     " in osiris.yaml");
  }
  ResolvedOption option{
      spec, {}, given->source, given->source == OptionSource::kDefault ? std::string() : given->label};
  const auto& base = given->source == OptionSource::kFile ? inputs.project_directory : inputs.working_directory;
  // Canonical text has no unit; a default in "GiB" must not be multiplied again.
  OptionSpec reading = spec;
  if (given->source == OptionSource::kDefault) reading.bare_unit.clear();
  const auto at_place = [&](Error error) {
    return given->file_key.empty() ? std::move(error) : about_key(std::move(error), given->file_key);
  };
  for (const std::string& text : given->values) {
    auto value = canonical_value(reading, text, base);
    if (!value.ok()) {
      // A sensitive value must not be quoted in an error.
      if (spec.sensitive)
        return at_place(Error(value.error().code,
                              given->label + ": the value is not a valid " + std::string(option_type_name(spec.type))));
      return at_place(value.error().within(given->label));
    }
    if (spec.type == OSIRIS_ENV && !(inputs.env && inputs.env(*value)))
      return at_place(Error(Code::kInvalidArgument, given->label + ": the variable " + *value + " is not set",
                            "set it, or leave the option out"));
    option.values.push_back(*std::move(value));
  }
  return std::optional(std::move(option));
}

}  // namespace

std::string_view option_source_name(OptionSource source) {
  switch (source) {
    case OptionSource::kFlag:
      return "flag";
    case OptionSource::kEnvironment:
      return "environment";
    case OptionSource::kFile:
      return "file";
    case OptionSource::kDefault:
      break;
  }
  return "default";
}

Result<ResolvedOptions> resolve_options(const osiris_adapter_type& type, const OptionInputs& inputs) {
  const std::vector<OptionSpec> specs = option_specs(type);
  OSIRIS_TRY(check_known(inputs, specs, abi_view(type.id)));
  ResolvedOptions resolved;
  for (const OptionSpec& spec : specs) {
    OSIRIS_ASSIGN(auto option, resolve_one(spec, inputs));
    if (!option) continue;
    if (spec.deprecated && option->source != OptionSource::kDefault)
      resolved.warnings.push_back(spec.flag + " is deprecated: " + spec.help);
    if (!is_known_option_type(spec.type))
      resolved.warnings.push_back(spec.flag + " is of a type this osiris does not know (" + std::to_string(spec.type) +
                                  "); taken as text");
    resolved.options.push_back(*std::move(option));
  }
  return resolved;
}

const ResolvedOption* ResolvedOptions::find(std::string_view name) const {
  const auto it =
      std::find_if(options.begin(), options.end(), [&](const auto& option) { return option.spec.name == name; });
  return it == options.end() ? nullptr : &*it;
}

std::vector<std::pair<std::string, std::string>> ResolvedOptions::settings() const {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const ResolvedOption& option : options)
    for (const std::string& value : option.values) settings.emplace_back(option.spec.name, value);
  return settings;
}

std::vector<std::string> ResolvedOptions::env_names() const {
  std::vector<std::string> names;
  for (const ResolvedOption& option : options)
    if (option.spec.type == OSIRIS_ENV) names.insert(names.end(), option.values.begin(), option.values.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string source_text(const ResolvedOption& option) {
  const std::string name(option_source_name(option.source));
  if (option.source != OptionSource::kEnvironment) return name;
  return name + ": " + option.from;
}

std::vector<std::string> shown_values(const ResolvedOption& option) {
  std::vector<std::string> shown;
  for (const std::string& value : option.values) {
    const bool pair = option.spec.type == OSIRIS_PAIR;
    const std::string masked = pair ? value.substr(0, value.find('=') + 1).append(kMasked) : std::string(kMasked);
    shown.push_back(option.spec.sensitive ? masked : mask_authority_password(value));
  }
  return shown;
}

std::vector<std::string> ResolvedOptions::sensitive_values() const {
  std::vector<std::string> values;
  for (const ResolvedOption& option : options) {
    if (!option.spec.sensitive) {
      for (const std::string& value : option.values)
        if (const std::string_view password = authority_password(value); !password.empty())
          values.emplace_back(password);
      continue;
    }
    for (const std::string& value : option.values) {
      values.push_back(value);
      // Of KEY=VALUE the value alone must be hidden too.
      if (option.spec.type == OSIRIS_PAIR) values.push_back(value.substr(value.find('=') + 1));
    }
  }
  return values;
}

Json ResolvedOptions::to_json() const {
  Json json = Json::object();
  for (const ResolvedOption& option : options) {
    Json values = Json::array();
    for (const std::string& value : shown_values(option)) values.push_back(value);
    Json entry = Json::object({{"value", option.spec.repeated ? values : values.items().front()},
                               {"source", option_source_name(option.source)}});
    if (option.source == OptionSource::kEnvironment || option.source == OptionSource::kFile)
      entry.set("from", option.from);
    json.set(option.spec.name, std::move(entry));
  }
  return json;
}

}  // namespace osiris

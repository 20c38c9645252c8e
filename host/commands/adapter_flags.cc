#include "host/commands/adapter_flags.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "host/commands/interruptible.h"
#include "host/display/format.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

// The value of `--name value` or `--name=value` at argv[i].
std::optional<std::string> value_of(std::string_view name, int i, int argc, const char* const* argv) {
  const std::string_view text = argv[i];
  if (text == name && i + 1 < argc) return argv[i + 1];
  if (text.starts_with(name) && text.size() > name.size() && text[name.size()] == '=')
    return std::string(text.substr(name.size() + 1));
  return std::nullopt;
}

// "e2b" of "--e2b-lease" and "--no-e2b-keep"; empty: the flag is no adapter's.
std::string adapter_of(const std::string& flag) {
  if (!flag.starts_with("--")) return {};
  const std::string rest = flag.starts_with("--no-") ? flag.substr(5) : flag.substr(2);
  const std::string id = rest.substr(0, rest.find('-'));
  return id == rest ? std::string() : id;
}

void add_option_flag(CLI::App& command, const OptionSpec& spec, FlagValues& values, const std::string& group) {
  std::string help = printable(spec.help);  // a stranger's text, for the terminal
  if (spec.default_value) help += " [" + printable(*spec.default_value) + "]";
  help += "  (" + join(variables_of(spec), " or ") + ", " + spec.key + ")";
  CLI::Option* option;
  if (spec.type == OSIRIS_BOOL) {
    option = command.add_flag_function(
        spec.flag + ",!" + spec.negative_flag,
        [&values, name = spec.name](int64_t count) { values.emplace_back(name, count > 0 ? "true" : "false"); }, help);
  } else {
    option = command.add_option_function<std::vector<std::string>>(
        spec.flag,
        [&values, name = spec.name](const std::vector<std::string>& texts) {
          for (const std::string& text : texts) values.emplace_back(name, text);
        },
        help);
    option->type_name(printable(spec.value_name))
        ->allow_extra_args(false)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  option->group(spec.hidden ? "" : group);
}

}  // namespace

int fail_adapter(const CommandContext& context, const Error& error) {
  return fail(context, error, Json::object({{"phase", "adapter"}}), ErrorSource::kLoading);
}

AdapterFlags::AdapterFlags(int argc, const char* const* argv, const CommandContext& context)
    : argc_(argc), argv_(argv) {
  if (const auto target = context.environment.get_filled("OSIRIS_EXECUTION_TARGET")) {
    id_ = *target;
    is_named_ = true;
  }
  std::vector<std::filesystem::path> directories;
  for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i) {
    const std::string_view word = argv[i];
    asks_for_help_ = asks_for_help_ || word == "--help" || word == "-h";
    isolate_ = isolate_ || word == "--isolate";
    if (auto value = value_of("--adapter-dir", i, argc, argv))
      directories.push_back((context.cwd / *value).lexically_normal());
  }
  places_ = search_directories(process_search_inputs(std::move(directories)));
  for (FoundAdapter& found : list_adapters(places_, &trouble_))
    if (found.problem.empty() && !found.shadowed) manifests_.push_back(std::move(found.manifest));
  choose();
}

// Words of the command line say more than the environment; two of them that name different adapters are a mistake.
void AdapterFlags::choose() {
  std::string named_by;
  const auto choose = [&](std::string id, const std::string& words) {
    if (!named_by.empty() && id != id_ && !asks_for_help_)
      conflict_ =
          Error(Code::kInvalidArgument, named_by + " and " + words + " name two adapters, " + id_ + " and " + id,
                "leave one of them out");
    id_ = std::move(id);
    named_by = words;
    is_named_ = true;
  };
  const auto command =
      std::find_if(argv_ + std::min(1, argc_), argv_ + argc_, [](const char* word) { return word[0] != '-'; });
  for (const AdapterManifest& manifest : manifests_)
    if (command != argv_ + argc_ && !manifest.resources_noun.empty() && manifest.resources_noun == *command)
      choose(manifest.id, "osiris " + manifest.resources_noun);
  for (int i = 1; i < argc_ && std::string_view(argv_[i]) != "--"; ++i) {
    for (const AdapterManifest& manifest : manifests_)
      if (!manifest.flag.empty() && manifest.flag == argv_[i]) choose(manifest.id, manifest.flag);
    for (const char* flag : {"--adapter", "--target"})
      if (auto value = value_of(flag, i, argc_, argv_)) choose(*value, std::string(flag) + " " + *value);
  }
}

std::vector<std::string> AdapterFlags::resources_nouns() const {
  std::vector<std::string> nouns;
  for (const AdapterManifest& manifest : manifests_)
    if (!manifest.resources_noun.empty()) nouns.push_back(manifest.resources_noun);
  return nouns;
}

void AdapterFlags::load(const CommandContext& context) {
  if (is_named_ || !asks_for_help_) adapter_ = load_adapter_interruptibly(context, id_, places_, isolate_);
}

void AdapterFlags::add_to(CLI::App& command, FlagValues& values) const {
  // What these choose was decided by choose(): parsing only has to accept them.
  command.add_option("--adapter,--target", "adapter that runs the pipeline [local]  (OSIRIS_EXECUTION_TARGET)")
      ->type_name("NAME")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  for (const AdapterManifest& manifest : manifests_)
    if (!manifest.flag.empty() && !command.get_option_no_throw(manifest.flag))
      command.add_flag_function(manifest.flag, [](int64_t) {}, "the same as --adapter " + manifest.id);
  command.add_flag_function(
      "--isolate", [](int64_t) {}, "run the adapter in a process of its own, which osiris survives");
  command.add_option("--adapter-dir", "look for adapters there first, repeatable")
      ->type_name("DIR")
      ->allow_extra_args(false)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  if (!adapter_.ok()) return;
  const std::string group = "Options of adapter " + std::string(adapter_->id());
  for (const OptionSpec& spec : option_specs(*adapter_->type)) add_option_flag(command, spec, values, group);
}

bool AdapterFlags::is_of_unloaded(const std::string& flag) const {
  const bool tried = !adapter_.ok() && adapter_.error().code != Code::kInvalidState;
  return tried && adapter_.error().code != Code::kNotFound && adapter_of(flag) == id_;
}

std::string AdapterFlags::hint_for(const std::string& flag) const {
  const std::string id = adapter_of(flag);
  if (id.empty()) return {};
  if (id == id_)
    return adapter_.ok() ? "osiris run --adapter " + id + " --help lists the options of adapter " + id
                         : adapter_.error().message;
  for (const AdapterManifest& manifest : manifests_)
    if (manifest.id == id) return "it is an option of adapter " + id + ": add --adapter " + id;
  return {};
}

}  // namespace osiris

#include "host/project/hook.h"

#include "host/project/section.h"

namespace osiris {
namespace {

constexpr size_t kHooksMax = 16;
constexpr double kTimeoutMax_s = 300;

bool is_address(const std::string& text) {
  return text.starts_with("http://") || text.starts_with("https://") || text.starts_with("${");
}

// One without a command and a webhook is a wrong one, and said to be.
Hook read_hook(const YamlNode& node, const std::string& location, Diagnostics& diagnostics, const char* finding) {
  const auto wrong = [&](const YamlNode& at, const std::string& what, const std::string& hint) {
    diagnostics.error(finding, location + what, location, at.mark, hint);
    return Hook();
  };
  if (!node.is_mapping())
    return wrong(node, " must be a mapping, got " + std::string(node.python_type()),
                 "write {command: [program, argument]} or {webhook: https://...}");
  Section section(&node, location, diagnostics, finding);
  const size_t errors_before = diagnostics.errors().size();
  Hook hook;
  section.read("shell", hook.shell);
  section.read("command", hook.command);
  section.read("webhook", hook.webhook);
  section.read("headers", hook.headers);
  section.read_duration_s("timeout", hook.timeout_s, kTimeoutMax_s);
  section.warn_unknown();
  if (diagnostics.errors().size() > errors_before) return {};
  const YamlNode* command = node.find("command");
  if (hook.command.empty() == hook.webhook.empty())
    return wrong(node, " needs a command or a webhook, and one of them only",
                 "write {command: [program, argument]} or {webhook: https://...}");
  if (hook.is_command() && !hook.headers.empty())
    return wrong(node, ".headers are for a webhook", "a command gets the document on its standard input");
  if (hook.shell && hook.command.size() != 1)
    return wrong(node, ".command must be one text where shell is true", "write command: \"curl ... | tee log\"");
  if (hook.is_command() && !hook.shell && command->is_string() &&
      hook.command[0].find_first_of(" \t|&;<>()$`") != std::string::npos)
    return wrong(*command, ".command is one word, which no shell takes apart",
                 "write command: [program, argument], or add shell: true");
  if (hook.is_command() && hook.command[0].empty())
    return wrong(*command, ".command names no program", "write command: [program, argument]");
  if (!hook.webhook.empty() && !is_address(hook.webhook))
    return wrong(*node.find("webhook"), ".webhook must be an address",
                 "write https://..., or ${VARIABLE} for one that is a secret");
  return hook;
}

std::vector<Hook> read_list(const YamlNode& root, const std::string& key, Diagnostics& diagnostics,
                            const char* finding) {
  std::vector<Hook> hooks;
  const YamlNode* value = root.find(key);
  if (!value || value->is_null()) return hooks;
  const auto add = [&](const YamlNode& node, const std::string& location) {
    Hook hook = read_hook(node, location, diagnostics, finding);
    if (hook.is_command() || !hook.webhook.empty()) hooks.push_back(std::move(hook));
  };
  if (!value->is_sequence()) {
    add(*value, key);
    return hooks;
  }
  if (value->items.size() > kHooksMax)
    diagnostics.error(finding, key + " has more than " + std::to_string(kHooksMax) + " hooks", key, value->mark,
                      "let one command do more");
  else
    for (size_t i = 0; i < value->items.size(); ++i) add(value->items[i], key + "[" + std::to_string(i) + "]");
  return hooks;
}

Json to_json(const Hook& hook) {
  Json out = Json::object();
  if (hook.is_command()) {
    Json words = Json::array();
    for (const std::string& word : hook.command) words.push_back(word);
    out.set("command", std::move(words));
  } else {
    out.set("webhook", hook.webhook);
  }
  if (hook.shell) out.set("shell", true);
  if (!hook.headers.empty()) {
    Json headers = Json::object();
    for (const auto& [name, value] : hook.headers) headers.set(name, value);
    out.set("headers", std::move(headers));
  }
  if (hook.timeout_s != Hook().timeout_s) out.set("timeout", hook.timeout_s);
  return out;
}

}  // namespace

Hooks read_hooks(const YamlNode& root, Diagnostics& diagnostics, const char* finding) {
  return {read_list(root, "on_success", diagnostics, finding), read_list(root, "on_failure", diagnostics, finding)};
}

Json to_json(const Hooks& hooks) {
  if (hooks.empty()) return {};
  Json out = Json::object();
  for (const auto& [key, list] : {std::pair{"on_success", &hooks.on_success}, {"on_failure", &hooks.on_failure}}) {
    if (list->empty()) continue;
    Json array = Json::array();
    for (const Hook& hook : *list) array.push_back(to_json(hook));
    out.set(key, std::move(array));
  }
  return out;
}

}  // namespace osiris

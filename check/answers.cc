#include "check/answers.h"

#include <fnmatch.h>

#include <cstdlib>

#include "host/yaml/node.h"

namespace osiris::check {
namespace {

Error wrong(const std::filesystem::path& file, const Mark& mark, const std::string& what) {
  return Error(Code::kInvalidArgument, file.string() + ":" + std::to_string(mark.line) + ": " + what,
               "the keys are in docs/adapter-check.md");
}

std::map<std::string, std::string> texts_of(const Json& json) {
  std::map<std::string, std::string> texts;
  for (const auto& [key, value] : json.members()) texts[key] = value.is_string() ? value.as_string() : value.dump();
  return texts;
}

Json json_of(const std::map<std::string, std::string>& texts) {
  Json json = Json::object();
  for (const auto& [key, value] : texts) json.set(key, value);
  return json;
}

// A secret is written as its value or as {env: NAME}, so that the file can be kept with the sources.
Result<std::map<std::string, std::string>> secrets_of(const std::filesystem::path& file, const YamlNode& node) {
  std::map<std::string, std::string> secrets;
  for (const auto& member : node.members) {
    if (const YamlNode* name = member.value.find("env")) {
      const char* value = std::getenv(name->text().c_str());
      if (!value || !*value)
        return wrong(file, name->mark, "the variable " + name->text() + " of the secret " + member.key + " is not set");
      secrets[member.key] = value;
    } else if (const Json text = member.value.to_json(); text.is_string()) {
      secrets[member.key] = text.as_string();
    } else {
      return wrong(file, member.key_mark, "the secret " + member.key + " is neither a text nor {env: NAME}");
    }
  }
  return secrets;
}

Result<int64_t> seconds_of(const std::filesystem::path& file, const YamlNode& limits, const char* key,
                           int64_t otherwise) {
  const YamlNode* node = limits.find(key);
  if (!node) return otherwise;
  const int64_t seconds = node->to_json().as_int();
  if (seconds < 1 || seconds > 3600) return wrong(file, node->mark, std::string(key) + " is no number from 1 to 3600");
  return seconds;
}

}  // namespace

Result<Answers> read_answers(const std::filesystem::path& file) {
  Diagnostics diagnostics(file.string());
  const YamlNode root = parse_yaml_file(file.string(), diagnostics);
  for (const Diagnostic& found : diagnostics.errors())
    return Error(Code::kInvalidArgument, found.to_text(), found.hint);
  Answers answers;
  if (root.is_null()) return answers;
  if (!root.is_mapping()) return wrong(file, root.mark, "is no mapping of keys");
  for (const auto& member : root.members) {
    const YamlNode& value = member.value;
    const bool wants_mapping = member.key != "worker";
    if (wants_mapping != value.is_mapping())
      return wrong(file, member.key_mark, member.key + (wants_mapping ? " is no mapping" : " is no path"));
    if (member.key == "options") {
      answers.options = value.to_json();
    } else if (member.key == "secrets") {
      OSIRIS_ASSIGN(answers.secrets, secrets_of(file, value));
    } else if (member.key == "environment") {
      answers.environment = texts_of(value.to_json());
    } else if (member.key == "settings") {
      answers.settings = value.to_json();
    } else if (member.key == "skip") {
      answers.skip = texts_of(value.to_json());
    } else if (member.key == "worker") {
      answers.worker = std::filesystem::absolute(file).parent_path() / value.text();
    } else if (member.key == "limits") {
      OSIRIS_ASSIGN(answers.case_seconds, seconds_of(file, value, "case_seconds", answers.case_seconds));
      OSIRIS_ASSIGN(answers.call_seconds, seconds_of(file, value, "call_seconds", answers.call_seconds));
    } else {
      return wrong(file, member.key_mark, "there is no key '" + member.key + "'");
    }
  }
  return answers;
}

Json to_json(const Answers& answers) {
  return Json::object({{"options", answers.options},
                       {"secrets", json_of(answers.secrets)},
                       {"environment", json_of(answers.environment)},
                       {"worker", answers.worker.string()},
                       {"settings", answers.settings},
                       {"skip", json_of(answers.skip)},
                       {"case_seconds", answers.case_seconds},
                       {"call_seconds", answers.call_seconds}});
}

Answers answers_from_json(const Json& json) {
  Answers answers;
  answers.options = json["options"];
  answers.secrets = texts_of(json["secrets"]);
  answers.environment = texts_of(json["environment"]);
  answers.worker = json["worker"].as_string();
  answers.settings = json["settings"];
  answers.skip = texts_of(json["skip"]);
  answers.case_seconds = json["case_seconds"].as_int(answers.case_seconds);
  answers.call_seconds = json["call_seconds"].as_int(answers.call_seconds);
  return answers;
}

bool matches(std::string_view pattern, std::string_view id) {
  return ::fnmatch(std::string(pattern).c_str(), std::string(id).c_str(), 0) == 0;
}

}  // namespace osiris::check

// What an adapter must be told to be checked: a YAML file that its author writes once (docs/adapter-check.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::check {

struct Answers {
  Json options = Json::object();                   // as under adapters.<id> of osiris.yaml
  std::map<std::string, std::string> secrets;      // the adapter's own, by name
  std::map<std::string, std::string> environment;  // of the processes that the cases run in
  std::filesystem::path worker;                    // empty: the installed one
  Json settings = Json::object();                  // added to settings_json
  std::map<std::string, std::string> skip;         // pattern of case ids -> why
  int64_t case_seconds = 30;                       // what a case may take before it is ended, by a Patience
  int64_t call_seconds = 20;                       // what one call may take, by a Patience
};

// Relative paths start in the file's directory. kInvalidArgument names the file, the line and the key.
Result<Answers> read_answers(const std::filesystem::path& file);

Json to_json(const Answers& answers);  // for the process of a case; secrets included
Answers answers_from_json(const Json& json);

// "*" and "?" as a shell has them.
bool matches(std::string_view pattern, std::string_view id);

}  // namespace osiris::check

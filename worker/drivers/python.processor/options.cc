#include "worker/drivers/python.processor/options.h"

#include <algorithm>
#include <cctype>

namespace osiris::worker::python {

using program::bad_config;

Result<std::vector<std::string>> read_requirements(const Json& list) {
  std::vector<std::string> requirements;
  for (const Json& item : list.items()) {
    const std::string& text = item.as_string();
    if (text.empty() || !std::isalnum(static_cast<unsigned char>(text[0])) ||
        text.find_first_of(std::string("\r\n\0", 3)) != std::string::npos)
      return bad_config(
          "requirements", "holds '" + text.substr(0, 80) + "', which names no package",
          "Write what pip installs, one package an item: pandas==2.0.0. Options of pip go into PIP_* variables.");
    requirements.push_back(text);
  }
  std::sort(requirements.begin(), requirements.end());
  requirements.erase(std::unique(requirements.begin(), requirements.end()), requirements.end());
  return requirements;
}

Result<Options> read_options(const Json& config) {
  Options options;
  options.script = config["script"].as_string();
  options.code = config["code"].as_string();
  if (options.script.empty() == options.code.empty())
    return bad_config("script", options.script.empty() ? "is missing" : "and `code` exclude each other",
                      "Name the script's file under `script`, or write it under `code`.");
  OSIRIS_ASSIGN(options.requirements, read_requirements(config["requirements"]));
  options.python = config["python"].as_string_or("python3");
  OSIRIS_ASSIGN(options.args, program::read_texts(config, "args"));
  options.contract.name = options.script.empty() ? "the step's code" : options.script;
  options.contract.kind = "script";
  OSIRIS_TRY(program::read_contract(config, options.contract));
  return options;
}

}  // namespace osiris::worker::python

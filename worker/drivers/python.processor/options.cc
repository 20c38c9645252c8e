#include "worker/drivers/python.processor/options.h"

#include "worker/drivers/python/requirements.h"

namespace osiris::worker::python {

using program::bad_config;

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

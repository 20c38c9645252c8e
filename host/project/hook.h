// What is to be started or called when a run has ended: `on_success` and `on_failure` of osiris.yaml and of a pipeline.
// docs/hooks.md. Running them is host/hooks/'s business.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/yaml/diagnostic.h"
#include "host/yaml/node.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

// A command or a webhook: one of the two. Texts are as written, ${VAR} not filled in.
struct Hook {
  std::vector<std::string> command;  // program and arguments; with `shell` one text for sh -c
  bool shell = false;
  std::string webhook;                         // http:// or https://
  std::map<std::string, std::string> headers;  // of a webhook
  double timeout_s = 10;

  bool is_command() const { return !command.empty(); }
};

struct Hooks {
  std::vector<Hook> on_success, on_failure;
  bool empty() const { return on_success.empty() && on_failure.empty(); }
};

// Of the mapping `root`, at its keys `on_success` and `on_failure`: a hook or a list of them. Wrong ones are errors of
// the type `finding` and left out.
Hooks read_hooks(const YamlNode& root, Diagnostics& diagnostics, const char* finding);

// {"on_failure": [{"command": [...]}]}, without what has its default; null where there are none.
Json to_json(const Hooks& hooks);

}  // namespace osiris

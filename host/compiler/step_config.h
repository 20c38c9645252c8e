// A step's `config` against its component's spec, and the cfg document that comes out of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/compiler/compiler.h"
#include "host/compiler/oml_document.h"
#include "host/components/registry.h"
#include "host/project/connections.h"

namespace osiris {

struct StepConfig {
  Json cfg;                                 // what cfg/<id>.json will hold
  std::optional<ConnectionRef> connection;  // written, or chosen by the default rule
  std::vector<std::string> overrides;       // connection fields the config sets itself, sorted
};

struct ConfigChecks {
  const Connections& connections;
  ConnectionCheck connection_check = ConnectionCheck::kForm;
  // A cfg read back from a build directory has every default written in, so what stands in it says nothing about
  // overrides.
  bool from_cfg = false;
};

// `step.spec` is known. Every finding has the position of the value it is about.
StepConfig check_step_config(const OmlStep& step, const ConfigChecks& checks, Diagnostics& diagnostics);

// The connection of a step that names none: the family's default. Nothing where the component needs none.
Result<std::optional<ConnectionRef>> default_connection(const ComponentSpec& spec, const Connections& connections);

// Strings that look like secrets, anywhere in the document: they belong into the connections file.
void check_inline_secrets(const YamlNode& root, const ComponentRegistry& registry, Diagnostics& diagnostics);

}  // namespace osiris

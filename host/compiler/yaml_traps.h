// Where YAML 1.1 reads a file otherwise than it looks: NO is false, 010 is 8, 1:30 is 90, and folding puts the rest of
// a SQL text behind a "--". Old files depend on all of it, so each is a warning with a hint.
#pragma once

#include "host/compiler/sql_text.h"
#include "host/components/registry.h"
#include "host/yaml/diagnostic.h"
#include "host/yaml/node.h"

namespace osiris {

// Of a pipeline (type yaml_trap). A boolean is none where the component or a parameter's declaration wants one.
void check_yaml_traps(const YamlNode& root, const ComponentRegistry& registry, const SqlTexts& sql,
                      Diagnostics& diagnostics);

// What a scalar that was written in such a way is read as, and what to write instead; both empty for all others.
struct YamlTrap {
  std::string message;
  std::string hint;
};
YamlTrap trap_of(const YamlNode& node);

}  // namespace osiris

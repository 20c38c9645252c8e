// Parameters of a pipeline: declared default < OSIRIS_PARAM_<NAME> < profile < --param, typed, checked, and put into
// every ${params.name} of the document.
#pragma once

#include <map>
#include <string>

#include "host/compiler/sql_text.h"
#include "host/project/environment.h"
#include "host/yaml/node.h"
#include "protocol/base/json.h"

namespace osiris {

struct ParamSources {
  const Environment& environment;
  std::string profile;                                   // whose `profiles.<profile>.params` count
  const std::map<std::string, std::string>& from_flags;  // --param
  SqlTexts sql = {};                                     // the texts of the document that are SQL
};

// Replaces the placeholders in `root` and returns the effective parameters, sorted by name. A value that is nothing but
// one placeholder keeps the parameter's type; inside longer text the value is written as Python's str() does, and in
// SQL as sql_params.h says.
Json resolve_params(YamlNode& root, const ParamSources& sources, Diagnostics& diagnostics);

}  // namespace osiris

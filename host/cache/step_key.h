// By what the rows of a step are recognised: everything that they follow from, as a list of named parts, and the hash
// of all of them (docs/decisions/0222-kept-outputs.md). No part holds a value that may be secret.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/cache/file_hashes.h"
#include "host/compiler/adapter_inputs.h"
#include "host/components/registry.h"
#include "host/project/environment.h"

namespace osiris {

enum class StepNature {
  kFile,        // reads files of this machine: they are the copy
  kSql,         // SQL whose rows follow from its inputs
  kSource,      // reads what only its server knows the state of
  kProgram,     // a script, a program, SQL that asks for the time
  kStateful,    // goes on from where its last run ended: it always runs
  kFileWriter,  // writes files of this machine, and nothing else
  kWriter,      // changes what is elsewhere
};
// Whether equal keys mean equal rows.
constexpr bool is_determined(StepNature nature) { return nature == StepNature::kFile || nature == StepNature::kSql; }
constexpr bool is_writer(StepNature nature) {
  return nature == StepNature::kFileWriter || nature == StepNature::kWriter;
}

using KeyParts = std::vector<std::pair<std::string, std::string>>;  // {"file in/a.csv", "<sha256> <size>"}
// 64 hex digits.
std::string key_of(const KeyParts& parts);

// A step without what its inputs are.
struct StepFacts {
  StepNature nature = StepNature::kProgram;
  std::string why_not_kept;  // "its SQL calls now()"; empty: its rows may be kept
  std::string always_runs;   // why it runs whatever is kept; empty: it need not
  KeyParts parts;
  std::map<std::string, FileIdentity> files;  // that were hashed, by path
  std::string unknown;                        // why there is no key: a file cannot be read; empty: there is one
};

// What all steps of a run share.
struct KeyContext {
  const ComponentRegistry& registry;
  const Environment& environment;
  const AdapterInputs& inputs;
  std::string worker;  // its version and hash
  std::string secret;  // of the project: values of variables are hashed with it
  FileHashes& hashes;
};
StepFacts facts_of(const PlanStep& step, const KeyContext& context);

}  // namespace osiris

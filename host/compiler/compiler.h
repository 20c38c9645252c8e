// OML in, compiled pipeline out. Everything that can be known to be wrong before a run is found here, in one place, all
// of it at once; `compile`, `validate` and `run` are the same call. Nothing is written by compile_oml: write_build does
// that.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/components/registry.h"
#include "host/project/connections.h"
#include "host/project/environment.h"
#include "host/project/project.h"
#include "host/yaml/diagnostic.h"
#include "host/yaml/node.h"
#include "protocol/base/clock.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/model/data_check.h"

namespace osiris {

// How far a pipeline is held against this machine. References to connections are always checked for form and family.
enum class ConnectionCheck {
  kForm,    // compile: connections may live elsewhere; an unknown alias is a warning if there is a connections file
  kExists,  // validate: an unknown alias is an error; an unset variable, a missing input file and a component without a
            // driver are warnings
  kResolves,  // run: so is an unset variable
};

struct CompileOptions {
  std::filesystem::path file;                 // the OML file, as the user named it
  std::string profile;                        // empty: the project's default
  std::map<std::string, std::string> params;  // --param K=V
  ConnectionCheck connections = ConnectionCheck::kForm;
  bool allow_hidden = false;       // components marked hidden (mock)
  bool require_drivers = false;    // run: a component without a driver is an error; validate warns of it
  bool strict = false;             // warnings are errors
  std::filesystem::path work_dir;  // absolute: where relative paths of the pipeline start; empty: current directory
  std::string worker_sha256;       // of the worker that will run it, for execution_fp; may be empty
};

// What compiling reads beside the OML file. Borrowed until the call returns.
struct CompileInputs {
  const Project& project;
  const ComponentRegistry& registry;
  const Connections& connections;
  const Environment& environment;
  const Clock& clock;
};

struct RetryPolicy {
  int max_attempts = 1;  // 1: no retry
  double delay_s = 1;
};

// `foreach` of a step: what its shards are of.
struct Foreach {
  Json rule;  // {"files": ...}, {"values": ...}, {"range": ...} or {"split": ...}, as the pipeline has it
  uint64_t parallel_max = 0;  // 0: not said
  bool goes_on = false;       // on_failure: continue
  bool allow_empty = false;
};

// A file of a step: as the pipeline wrote it, and the absolute place it means on this machine.
struct StepFile {
  std::string key;  // config key, "path"
  std::string path;
  std::filesystem::path absolute;
  bool is_pattern = false;    // of names, for files that may or may not be there
  std::string pattern;        // of a file that one found: the pattern, as written
  bool is_directory = false;  // an output of many files
};

// `cache`: what the pipeline says of keeping the step's rows for later runs.
struct StepCache {
  enum Mode { kDefault, kNever, kKept };
  Mode mode = kDefault;
  std::optional<double> max_age_s;  // of kKept: rows that are older are made again
};

// A check of the step's rows, and where the pipeline says it (unknown when loaded from a manifest).
struct CompiledCheck {
  DataCheck check;
  Mark mark;
};

struct CompiledStep {
  std::string id;
  std::string component;
  std::string driver;  // the worker's driver; equal to component
  std::string mode;    // extract, write, transform
  std::vector<std::string> needs;
  std::string cfg_path;  // "cfg/<id>.json"
  Json cfg;              // exactly what cfg_path holds
  bool materialize = false;
  std::optional<double> timeout_s;
  std::optional<RetryPolicy> retry;
  StepCache cache;
  std::vector<CompiledCheck> checks;
  std::optional<Foreach> foreach;
  bool per_shard = false;
  std::vector<std::string> overrides;        // connection fields this step sets itself
  Mark mark;                                 // in the OML; unknown when loaded from a manifest
  std::map<std::string, Mark> config_marks;  // where the values of `config` begin; empty when loaded from a manifest
  std::string sql_key;                       // the config key that holds SQL; empty: none
  bool is_engine_sql = false;                // that SQL is run by the worker's engine, and not by a database
};

struct CompiledPipeline {
  std::string name;
  std::string id;         // pipeline.id: name in lower case, blanks as '_'
  std::string file_slug;  // of the file's name; names the build directory
  std::string profile;    // empty when profiles are off
  std::string oml_version;
  bool keep_outputs = false;  // as --keep-outputs
  std::string manifest_hash, manifest_short;
  Json manifest;                       // the document of manifest.yaml
  Json fingerprints;                   // the document of fingerprints.json
  Json plan;                           // the document of plan.json
  Json run_summary;                    // the document of run_summary.json, execution_fp included
  Hooks hooks;                         // the pipeline's own; in the manifest too
  std::vector<CompiledStep> steps;     // in execution order
  std::filesystem::path source;        // OML file or manifest
  std::filesystem::path compiled_dir;  // where manifest.yaml and cfg/ are; empty until written
};

struct CompileResult {
  std::optional<CompiledPipeline> pipeline;  // only without errors
  Diagnostics diagnostics;
  bool ok() const { return pipeline.has_value(); }
};

// A pipeline file, parsed. Read once: what a pipe holds (`osiris run <(generate)`) cannot be read again.
struct PipelineFile {
  YamlNode root;
  Diagnostics diagnostics;
  // `pipeline`, `steps` and `meta` at top level and no `oml_version`.
  bool is_manifest() const;
};
PipelineFile read_pipeline_file(const std::filesystem::path& file);

// [any thread] Checks everything, compiles. Writes nothing. `file` is what options.file holds.
CompileResult compile_oml(PipelineFile file, const CompileOptions& options, const CompileInputs& inputs);
CompileResult compile_oml(const CompileOptions& options, const CompileInputs& inputs);

// Writes manifest.yaml, plan.json, fingerprints.json, run_summary.json and cfg/*.json into the pipeline's build
// directory, LATEST beside it, last_compile.txt and latest/<slug>.txt into the index; sets compiled_dir. Each file
// atomically.
Status write_build(CompiledPipeline& pipeline, const Project& project);

// Reads a compiled manifest back (`osiris run build/.../manifest.yaml`). `options.file` is the manifest; cfg files are
// beside it. Checks what a hand could have broken: ids, order, components, configs against their schema; an edited one
// gets a new hash and a warning.
CompileResult load_manifest(PipelineFile file, const CompileOptions& options, const CompileInputs& inputs);

// compile_oml or load_manifest, by the file's content.
CompileResult compile_or_load(PipelineFile file, const CompileOptions& options, const CompileInputs& inputs);
CompileResult compile_or_load(const CompileOptions& options, const CompileInputs& inputs);

}  // namespace osiris

// The stages of compiling, in order. Each collects all it finds; the next ones run as long as their input makes sense.
#include <algorithm>

#include "host/compiler/compiler.h"
#include "host/compiler/connection_check.h"
#include "host/compiler/incremental_checks.h"
#include "host/compiler/manifest.h"
#include "host/compiler/oml_document.h"
#include "host/compiler/params.h"
#include "host/compiler/path_checks.h"
#include "host/compiler/sharded_steps.h"
#include "host/compiler/step_checks.h"
#include "host/compiler/step_config.h"
#include "host/compiler/step_files.h"
#include "host/compiler/step_graph.h"
#include "host/compiler/yaml_traps.h"
#include "host/yaml/node.h"
#include "protocol/base/text.h"
#include "protocol/model/shards.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

// A profile must be known to the pipeline or to the project: a typo would silently run with the defaults.
// The default of osiris.yaml is one of its values; that of OSIRIS_PROFILE may be anything.
void check_profile(const std::string& requested, const YamlNode& root, const Project& project,
                   Diagnostics& diagnostics) {
  if (requested.empty()) return;
  std::vector<std::string> known;
  const YamlNode* profiles = root.find("profiles");
  if (profiles)
    for (const auto& member : profiles->members) known.push_back(member.key);
  known.insert(known.end(), project.config().profile_values.begin(), project.config().profile_values.end());
  if (std::find(known.begin(), known.end(), requested) != known.end()) return;
  const auto near = nearest(requested, known);
  diagnostics.error("unknown_profile", "Unknown profile: '" + requested + "'", "profiles",
                    profiles ? profiles->mark : Mark{},
                    near ? "did you mean '" + *near + "'?"
                         : "declare it under profiles: or in osiris.yaml (filesystem.profiles.values)");
}

// Fields of a step's connection for its file paths; null when there is none or it is not known here.
Json fields_for_paths(const StepConfig& config, const ComponentSpec& spec, const Connections& connections,
                      bool& known) {
  known = true;
  if (!config.connection) return {};
  const auto resolved = connections.resolve(*config.connection, spec.secret_fields);
  known = resolved.ok();
  return resolved.ok() ? resolved->fields : Json();
}

// Relations a step gets: those of needed steps that are no writers.
void check_inputs(const OmlStep& step, const std::vector<std::string>& needs,
                  const std::map<std::string, const OmlStep*>& by_id, Diagnostics& diagnostics) {
  if (step.mode != "write" || !step.spec || step.spec->hidden) return;
  std::vector<std::string> sources;
  for (const std::string& need : needs)
    if (by_id.at(need)->mode != "write") sources.push_back(need);
  if (sources.empty())
    diagnostics.error("missing_input", "Step '" + step.id + "' writes rows, but no step it needs produces any",
                      step.location, step.mark, "name the step with the rows: needs: [<step id>]");
  if (sources.size() > 1)
    diagnostics.warning("extra_inputs",
                        "Step '" + step.id + "' writes the rows of '" + sources[0] +
                            "' only; the other steps it needs just run before it",
                        step.location, step.mark, "join them in a transform step");
}

class Compilation {
 public:
  Compilation(PipelineFile file, const CompileOptions& options, const CompileInputs& inputs)
      : options_(options), inputs_(inputs), root_(std::move(file.root)), diagnostics_(std::move(file.diagnostics)) {}

  CompileResult run() {
    auto pipeline = compile();
    diagnostics_.absorb_warnings("yaml_trap");
    diagnostics_.sort_by_place();
    if (options_.strict) diagnostics_.make_warnings_errors();
    if (!diagnostics_.ok()) pipeline.reset();
    return {std::move(pipeline), std::move(diagnostics_)};
  }

 private:
  // Nothing when there were errors.
  std::optional<CompiledPipeline> compile() {
    if (!diagnostics_.ok()) return std::nullopt;
    check_inline_secrets(root_, inputs_.registry, diagnostics_);
    const std::string profile = inputs_.project.profile_or_default(options_.profile);
    check_profile(profile, root_, inputs_.project, diagnostics_);
    const size_t errors_before_params = diagnostics_.errors().size();
    const SqlTexts sql = find_sql(root_, inputs_.registry);
    check_yaml_traps(root_, inputs_.registry, sql, diagnostics_);
    const Json params = resolve_params(root_, {inputs_.environment, profile, options_.params, sql}, diagnostics_);
    const bool params_ok = diagnostics_.errors().size() == errors_before_params;

    const OmlDocument document = read_oml(root_, inputs_.registry, options_, diagnostics_);
    const StepGraph graph = build_graph(document.steps, diagnostics_);
    look_at_checked_steps(document, diagnostics_);
    // With placeholders left in them, configs would only repeat one error many times.
    if (params_ok) check_configs(document, sql);
    if (graph.order.size() == document.steps.size())
      for (const OmlStep& step : document.steps) by_id_[step.id] = &step;
    if (diagnostics_.ok())
      for (const OmlStep& step : document.steps) check_inputs(step, graph.needs[step.index], by_id_, diagnostics_);
    if (diagnostics_.ok()) check_incremental_steps(document, configs_, graph, diagnostics_);
    if (diagnostics_.ok()) check_sharded_steps(document, graph, configs_, sql, diagnostics_);
    if (!diagnostics_.ok()) return std::nullopt;

    CompiledPipeline pipeline = assemble(document, graph, profile);
    const Json metadata = document.metadata ? document.metadata->to_json() : Json();
    build_documents(pipeline,
                    {root_.to_json(), params, metadata, document.metadata != nullptr, inputs_.registry,
                     options_.worker_sha256, inputs_.project.config().manifest_short_len, inputs_.clock.unix_ns()});
    return pipeline;
  }

  void check_configs(const OmlDocument& document, const SqlTexts& sql) {
    std::error_code ignored;
    const fs::path work_dir = options_.work_dir.empty() ? fs::current_path(ignored) : options_.work_dir;
    FileConflicts conflicts(work_dir, diagnostics_);
    configs_.resize(document.steps.size());
    for (const OmlStep& step : document.steps) {
      if (!step.spec) continue;
      StepConfig& config = configs_[step.index];
      if (step.config) warn_of_placeholders(step, *step.config, step.location + ".config");
      config = check_step_config(step, {inputs_.connections, options_.connections, false}, diagnostics_);
      for (const auto& [key, dialect] : step.spec->sql)
        if (const auto text = step.config ? sql.find(step.config->find(key)) : sql.end(); text != sql.end())
          check_bound_names(*text->first, text->second, step.config->find("values"), step.is_sharded(), diagnostics_);
      if (step.spec->reads.empty() && step.spec->writes.empty()) continue;
      bool known = false;
      const Json fields = fields_for_paths(config, *step.spec, inputs_.connections, known);
      if (!known) continue;
      FileConflicts::Step files{step.id, step.location + ".config", step.config,
                                find_step_files(*step.spec, config.cfg, fields, work_dir)};
      if (step.is_sharded()) leave_out_files_of_shards(files.files);
      check_paths(files, options_.connections == ConnectionCheck::kExists, diagnostics_);
      conflicts.add(std::move(files));
    }
    conflicts.check();
    std::vector<ConnectionRef> used;
    for (const StepConfig& config : configs_)
      if (config.connection) used.push_back(*config.connection);
    if (options_.connections != ConnectionCheck::kForm)
      diagnostics_.append(check_used_connections(used, inputs_.connections, inputs_.registry));
  }

  // "${HOME}" and "${limit}" stay as they are: only ${params.name} is filled in.
  void warn_of_placeholders(const OmlStep& step, const YamlNode& node, const std::string& location) {
    for (const YamlNode& item : node.items) warn_of_placeholders(step, item, location);
    for (const auto& member : node.members) warn_of_placeholders(step, member.value, location + "." + member.key);
    if (!node.is_string() || (step.is_sharded() && names_shard(node.text()))) return;
    const size_t at = node.text().find("${");
    if (at == std::string::npos) return;
    const size_t end = node.text().find('}', at);
    if (end == std::string::npos)
      return diagnostics_.warning("unknown_placeholder", "'${' is never closed, so it stays as it is", location,
                                  node.mark, "close it with '}': a parameter is written ${params.name}");
    const std::string word = node.text().substr(at, end + 1 - at);
    diagnostics_.warning("unknown_placeholder", "'" + word + "' names no parameter, so it stays as it is", location,
                         node.mark,
                         "a parameter is written ${params.name}; OSIRIS_PARAM_NAME in the environment sets it");
  }

  CompiledPipeline assemble(const OmlDocument& document, const StepGraph& graph, const std::string& profile) {
    CompiledPipeline pipeline;
    pipeline.name = document.name;
    pipeline.oml_version = document.oml_version;
    pipeline.profile = profile;
    pipeline.keep_outputs = document.keep_outputs;
    pipeline.hooks = document.hooks;
    pipeline.source = options_.file;
    pipeline.file_slug = slugify(options_.file.stem().string());
    if (pipeline.file_slug.empty()) pipeline.file_slug = "pipeline";
    pipeline.steps.reserve(graph.order.size());
    for (const size_t index : graph.order) {
      const OmlStep& source = document.steps[index];
      StepConfig& config = configs_[index];
      CompiledStep step;
      step.id = source.id;
      step.component = source.component;
      step.driver = source.component;
      step.mode = source.mode;
      step.needs = graph.needs[index];
      step.cfg_path = "cfg/" + source.id + ".json";
      step.cfg = std::move(config.cfg);
      step.timeout_s = source.timeout_s;
      step.retry = source.retry;
      step.materialize = source.materialize;
      step.cache = source.cache;
      for (const OmlCheck& each : source.checks) step.checks.push_back({each.check, each.mark});
      step.foreach = source.foreach;
      step.per_shard = source.per_shard;
      step.overrides = std::move(config.overrides);
      step.mark = source.mark;
      if (source.config)
        for (const auto& member : source.config->members) step.config_marks[member.key] = member.value.mark;
      if (!source.spec->sql.empty()) {
        const auto& [key, dialect] = *source.spec->sql.begin();
        step.sql_key = key;
        step.is_engine_sql = dialect == "duckdb";
      }
      pipeline.steps.push_back(std::move(step));
    }
    return pipeline;
  }

  const CompileOptions& options_;
  const CompileInputs& inputs_;
  YamlNode root_;
  Diagnostics diagnostics_;
  std::vector<StepConfig> configs_;  // by index in the file
  std::map<std::string, const OmlStep*> by_id_;
};

}  // namespace

bool PipelineFile::is_manifest() const {
  return root.find("pipeline") && root.find("steps") && root.find("meta") && !root.find("oml_version");
}

PipelineFile read_pipeline_file(const fs::path& file) {
  PipelineFile read{{}, Diagnostics(file.string())};
  read.root = parse_yaml_file(file.string(), read.diagnostics);
  return read;
}

CompileResult compile_oml(PipelineFile file, const CompileOptions& options, const CompileInputs& inputs) {
  return Compilation(std::move(file), options, inputs).run();
}

CompileResult compile_oml(const CompileOptions& options, const CompileInputs& inputs) {
  return compile_oml(read_pipeline_file(options.file), options, inputs);
}

CompileResult compile_or_load(PipelineFile file, const CompileOptions& options, const CompileInputs& inputs) {
  return file.is_manifest() ? load_manifest(std::move(file), options, inputs)
                            : compile_oml(std::move(file), options, inputs);
}

CompileResult compile_or_load(const CompileOptions& options, const CompileInputs& inputs) {
  return compile_or_load(read_pipeline_file(options.file), options, inputs);
}

}  // namespace osiris

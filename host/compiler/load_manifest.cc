// A build directory read back. The manifest was valid when it was written; what is checked here is what could have
// changed since: by hand, by a copy that lost files, by another version's components.
#include <algorithm>
#include <map>

#include "host/compiler/compiler.h"
#include "host/compiler/connection_check.h"
#include "host/compiler/foreach.h"
#include "host/compiler/manifest.h"
#include "host/compiler/oml_document.h"
#include "host/compiler/step_config.h"
#include "host/compiler/step_files.h"
#include "host/compiler/step_options.h"
#include "host/components/schema.h"
#include "host/yaml/node.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "protocol/model/step_naming.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

class Loader {
 public:
  Loader(PipelineFile file, const CompileOptions& options, const CompileInputs& inputs)
      : options_(options), inputs_(inputs), root_(std::move(file.root)), diagnostics_(std::move(file.diagnostics)) {}

  CompileResult run() {
    if (diagnostics_.ok()) read_header(root_);
    if (diagnostics_.ok()) read_steps(*root_.find("steps"));
    if (diagnostics_.ok()) check_order();
    if (!diagnostics_.ok()) return {std::nullopt, std::move(diagnostics_)};
    check_hash(root_);
    finish();
    return {std::move(pipeline_), std::move(diagnostics_)};
  }

 private:
  void broken(const std::string& what, const std::string& location, Mark mark,
              std::string hint = "compile the pipeline again") {
    diagnostics_.error("invalid_manifest", what, location, mark, std::move(hint));
  }

  void read_header(const YamlNode& root) {
    const YamlNode *meta = root.find("meta"), *pipeline = root.find("pipeline"), *steps = root.find("steps");
    if (!meta || !pipeline || !steps || !steps->is_sequence() || !meta->is_mapping() || !pipeline->is_mapping())
      return broken("The manifest needs meta, pipeline and a list of steps", "root", root.mark);
    auto text = [](const YamlNode* parent, const char* key) {
      const YamlNode* value = parent->find(key);
      return value ? value->text() : std::string();
    };
    pipeline_.manifest = root.to_json();
    pipeline_.id = text(pipeline, "id");
    pipeline_.name = root.find("name") ? text(&root, "name") : pipeline_.id;
    pipeline_.profile = text(meta, "profile");
    pipeline_.oml_version = text(meta, "oml_version");
    pipeline_.manifest_hash = text(meta, "manifest_hash");
    pipeline_.manifest_short = text(meta, "manifest_short");
    if (const YamlNode* keep = root.find("keep_outputs")) pipeline_.keep_outputs = keep->scalar.as_bool();
    if (const YamlNode* hooks = root.find("hooks"))
      pipeline_.hooks = read_hooks(*hooks, diagnostics_, "invalid_manifest");
    pipeline_.source = options_.file;
    pipeline_.compiled_dir = fs::absolute(options_.file).parent_path();
    pipeline_.file_slug = slugify(pipeline_.compiled_dir.parent_path().filename().string());
    const bool is_hash = pipeline_.manifest_hash.size() == 64 && is_hex(pipeline_.manifest_hash);
    if (!is_hash) broken("meta.manifest_hash is not a SHA-256 in hex", "meta.manifest_hash", meta->mark);
    if (pipeline_.id.empty()) broken("pipeline.id is missing", "pipeline.id", pipeline->mark);
    if (!options_.profile.empty() && options_.profile != pipeline_.profile)
      diagnostics_.error(
          "profile_mismatch",
          "The manifest was compiled for profile '" + pipeline_.profile + "', not '" + options_.profile + "'",
          "meta.profile", meta->mark, "compile the OML file with --profile " + options_.profile);
    if (!options_.params.empty())
      diagnostics_.error("params_of_manifest", "Parameters are already in the manifest; --param needs the OML file",
                         "root", {});
  }

  void read_steps(const YamlNode& steps) {
    std::error_code ignored;
    const fs::path work_dir = options_.work_dir.empty() ? fs::current_path(ignored) : options_.work_dir;
    FileConflicts conflicts(work_dir, diagnostics_);
    for (size_t i = 0; i < steps.items.size(); ++i)
      read_step(steps.items[i], "steps[" + std::to_string(i) + "]", work_dir, conflicts);
    if (steps.items.empty()) broken("The manifest has no steps", "steps", steps.mark);
    conflicts.check();
    if (options_.connections != ConnectionCheck::kForm)
      diagnostics_.append(check_used_connections(used_connections_, inputs_.connections, inputs_.registry));
  }

  void read_step(const YamlNode& node, const std::string& location, const fs::path& work_dir,
                 FileConflicts& conflicts) {
    auto text = [&node](const char* key) { return node.find(key) ? node.find(key)->text() : std::string(); };
    CompiledStep step;
    step.id = text("id");
    step.component = text("component");
    step.driver = step.component;
    step.cfg_path = text("cfg_path");
    step.mark = node.mark;
    if (!is_safe_step_id(step.id))
      return broken("Step ID '" + step.id + "' cannot be used: ids become file names", location + ".id", node.mark);
    if (!ids_.try_emplace(step.id, pipeline_.steps.size()).second)
      return broken("Duplicate step ID: '" + step.id + "'", location + ".id", node.mark);
    if (step.cfg_path != "cfg/" + step.id + ".json")
      return broken("cfg_path must be cfg/" + step.id + ".json", location + ".cfg_path", node.mark);
    if (const YamlNode* needs = node.find("needs"))
      for (const YamlNode& need : needs->items) step.needs.push_back(need.text());
    read_options(node, step);
    read_checks(node, location, step);
    read_foreach(node, location, step);

    const ComponentSpec* spec = inputs_.registry.find(step.component);
    if (!spec || (spec->hidden && !options_.allow_hidden))
      return diagnostics_.error("unknown_component", "Unknown component: '" + step.component + "'",
                                location + ".component", node.mark, inputs_.registry.hint_for_unknown(step.component));
    if (spec->driver.empty())
      check_runnable(step.id, step.component, location + ".component", node.mark, options_, diagnostics_);
    read_cfg(step, *spec, location, work_dir, conflicts);
    pipeline_.steps.push_back(std::move(step));
  }

  static void read_options(const YamlNode& node, CompiledStep& step) {
    if (const YamlNode* timeout = node.find("timeout_s"); timeout && timeout->scalar.is_number())
      step.timeout_s = timeout->scalar.as_double();
    if (const YamlNode* materialize = node.find("materialize")) step.materialize = materialize->scalar.as_bool();
    if (const YamlNode* cache = node.find("cache")) step.cache = step_cache_of(*cache).value_or(StepCache());
    if (const YamlNode* retry = node.find("retry")) {
      const Json policy = retry->to_json();
      step.retry = RetryPolicy{static_cast<int>(policy["max_attempts"].as_int(1)), policy["delay_s"].as_double(1)};
    }
    if (const YamlNode* overrides = node.find("overrides"))
      for (const YamlNode& field : overrides->items) step.overrides.push_back(field.text());
  }

  void read_checks(const YamlNode& node, const std::string& location, CompiledStep& step) {
    const YamlNode* checks = node.find("checks");
    if (!checks) return;
    for (const YamlNode& item : checks->items) {
      auto check = data_check_from_json(item.to_json());
      if (!check.ok()) return broken(check.error().message, location + ".checks", item.mark);
      step.checks.push_back({*std::move(check), item.mark});
    }
  }

  void read_foreach(const YamlNode& node, const std::string& location, CompiledStep& step) {
    if (const YamlNode* per_shard = node.find("per_shard")) step.per_shard = per_shard->scalar.as_bool();
    const YamlNode* written = node.find("foreach");
    if (!written) return;
    auto foreach = foreach_from_json(written->to_json());
    if (!foreach.ok()) return broken(foreach.error().message, location + ".foreach", written->mark);
    step.foreach = *std::move(foreach);
  }

  void read_cfg(CompiledStep& step, const ComponentSpec& spec, const std::string& location, const fs::path& work_dir,
                FileConflicts& conflicts) {
    const fs::path file = pipeline_.compiled_dir / step.cfg_path;
    const auto text = read_file(file, 64u << 20);
    if (!text.ok() && is_machine_trouble(text.error())) return diagnostics_.unreadable("read_error", text.error());
    if (!text.ok())
      return broken("Missing required cfg files: " + text.error().message, location + ".cfg_path", step.mark);
    auto cfg = parse_json(*text);
    if (!cfg.ok() || !cfg->is_object())
      return broken(file.string() + " is not a JSON object" + (cfg.ok() ? "" : ": " + cfg.error().message),
                    location + ".cfg_path", step.mark);
    step.cfg = std::move(*cfg);
    step.mode = step.cfg["mode"].as_string();
    if (!spec.supports(step.mode) || step.cfg["component"].as_string() != step.component)
      return broken(file.string() + " belongs to another component or mode", location + ".cfg_path", step.mark);
    Json config = step.cfg;
    config.erase("component");
    config.erase("mode");
    const YamlNode config_node = node_from_json(config);
    OmlStep as_written;
    as_written.location = location;
    as_written.mark = step.mark;
    as_written.id = step.id;
    as_written.component = step.component;
    as_written.mode = step.mode;
    as_written.spec = &spec;
    as_written.config = &config_node;
    const StepConfig checked =
        check_step_config(as_written, {inputs_.connections, options_.connections, true}, diagnostics_);
    // A connection field without a default, or with another value, can only come from the pipeline's author.
    for (const ConnectionField& field : spec.connection_fields) {
      const Json* value = config.find(field.name);
      const Json* fallback = spec.property(field.name).find("default");
      if (value && !(fallback && *fallback == *value) && checked.connection) step.overrides.push_back(field.name);
    }
    std::sort(step.overrides.begin(), step.overrides.end());
    step.overrides.erase(std::unique(step.overrides.begin(), step.overrides.end()), step.overrides.end());
    if (checked.connection) used_connections_.push_back(*checked.connection);
    Json fields;
    if (checked.connection)
      if (const auto resolved = inputs_.connections.resolve(*checked.connection, spec.secret_fields); resolved.ok())
        fields = resolved->fields;
    StepFiles files = find_step_files(spec, step.cfg, fields, work_dir);
    if (step.foreach || step.per_shard) leave_out_files_of_shards(files);
    conflicts.add({step.id, location + ".config", nullptr, std::move(files)});
  }

  // Steps must be known and stand after what they need: adapters run them as listed.
  void check_order() {
    for (size_t i = 0; i < pipeline_.steps.size(); ++i) {
      std::vector<std::string> needs = pipeline_.steps[i].needs;
      for (const CompiledCheck& each : pipeline_.steps[i].checks)
        if (!each.check.to_step.empty() && each.check.to_step != pipeline_.steps[i].id)
          needs.push_back(each.check.to_step);
      for (const std::string& need : needs) {
        const auto found = ids_.find(need);
        if (found == ids_.end())
          broken("Unknown dependency: '" + need + "'", "steps[" + std::to_string(i) + "].needs",
                 pipeline_.steps[i].mark);
        else if (found->second >= i)
          broken("Step '" + pipeline_.steps[i].id + "' stands before '" + need + "', which it needs",
                 "steps[" + std::to_string(i) + "].needs", pipeline_.steps[i].mark);
      }
    }
  }

  void check_hash(const YamlNode& root) {
    const std::string hash = manifest_hash_of(pipeline_.manifest, pipeline_.profile);
    if (hash == pipeline_.manifest_hash) return;
    diagnostics_.warning("manifest_changed", "The manifest was changed after it was compiled", "meta.manifest_hash",
                         root.find("meta")->mark, "this run is recorded under its new hash, " + hash.substr(0, 7));
    pipeline_.manifest_hash = hash;
    pipeline_.manifest_short = hash.substr(0, std::max<size_t>(pipeline_.manifest_short.size(), 3));
    Json& meta = *pipeline_.manifest.find("meta");
    meta.set("manifest_hash", pipeline_.manifest_hash);
    meta.set("manifest_short", pipeline_.manifest_short);
  }

  void finish() {
    Json plan_steps = Json::array();
    for (const CompiledStep& step : pipeline_.steps)
      plan_steps.push_back(Json::object({{"driver", step.driver}, {"id", step.id}}));
    pipeline_.plan = Json::object({{"steps", std::move(plan_steps)}});
    pipeline_.fingerprints = Json::object({{"fingerprints", pipeline_.manifest["pipeline"]["fingerprints"]}});
    pipeline_.run_summary =
        Json::object({{"compiled_at", pipeline_.manifest["meta"]["generated_at"]},
                      {"manifest_hash", pipeline_.manifest_hash},
                      {"manifest_short", pipeline_.manifest_short},
                      {"oml_version", pipeline_.oml_version},
                      {"pipeline_slug", pipeline_.file_slug},
                      {"profile", pipeline_.profile.empty() ? Json() : Json(pipeline_.profile)},
                      {"execution_fp", execution_fingerprint(pipeline_, inputs_.registry, options_.worker_sha256)}});
  }

  const CompileOptions& options_;
  const CompileInputs& inputs_;
  const YamlNode root_;
  Diagnostics diagnostics_;
  CompiledPipeline pipeline_;
  std::map<std::string, size_t> ids_;
  std::vector<ConnectionRef> used_connections_;
};

}  // namespace

CompileResult load_manifest(PipelineFile file, const CompileOptions& options, const CompileInputs& inputs) {
  CompileResult result = Loader(std::move(file), options, inputs).run();
  if (options.strict) result.diagnostics.make_warnings_errors();
  if (!result.diagnostics.ok()) result.pipeline.reset();
  return result;
}

}  // namespace osiris

#include "host/compiler/manifest.h"

#include <algorithm>
#include <map>

#include "host/compiler/foreach.h"
#include "protocol/base/sha256.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

std::string fingerprint_text(std::string_view text) { return "sha256:" + sha256_hex(text); }

// Lower case of the two-byte letters of UTF-8 that European names are made of: Latin-1, Latin Extended-A, Greek,
// Cyrillic.
unsigned lower_of(unsigned c) {
  if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3ab && c != 0x3a2) || (c >= 0x410 && c <= 0x42f))
    return c + 32;
  if (c >= 0x400 && c <= 0x40f) return c + 80;
  const bool even_is_upper = (c >= 0x100 && c <= 0x137 && c != 0x130) || (c >= 0x14a && c <= 0x177);
  const bool odd_is_upper = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e);
  if ((even_is_upper && c % 2 == 0) || (odd_is_upper && c % 2 == 1)) return c + 1;
  return c == 0x178 ? 0xff : c;
}

}  // namespace

std::string pipeline_id_of(std::string_view name) {
  std::string id;
  while (!name.empty()) {
    const Utf8Character character = first_utf8(name);
    if (character.size_bytes == 1)
      id += name.front() == ' ' ? "_" : ascii_lower(name.substr(0, 1));
    else if (character.size_bytes == 2)
      append_utf8(id, lower_of(static_cast<unsigned>(character.point)));
    else
      id += name.substr(0, character.size_bytes);
    name.remove_prefix(character.size_bytes);
  }
  return id;
}

namespace {

Json step_entry(const CompiledStep& step, const ComponentSpec* spec) {
  Json entry = Json::object(
      {{"id", step.id}, {"component", step.component}, {"driver", step.driver}, {"cfg_path", step.cfg_path}});
  Json needs = Json::array();
  for (const std::string& need : step.needs) needs.push_back(need);
  entry.set("needs", std::move(needs));
  // Only where the pipeline says so: manifests without these keys keep the bytes of Python Osiris.
  if (step.timeout_s) entry.set("timeout_s", *step.timeout_s);
  if (step.retry)
    entry.set("retry", Json::object({{"max_attempts", step.retry->max_attempts}, {"delay_s", step.retry->delay_s}}));
  if (step.materialize) entry.set("materialize", true);
  if (step.cache.max_age_s)
    entry.set("cache", Json::object({{"for", *step.cache.max_age_s}}));
  else if (step.cache.mode != StepCache::kDefault)
    entry.set("cache", Json(step.cache.mode == StepCache::kKept));
  Json checks = Json::array();
  for (const CompiledCheck& each : step.checks) checks.push_back(to_json(each.check));
  if (checks.size() > 0) entry.set("checks", std::move(checks));
  if (step.foreach) entry.set("foreach", to_json(*step.foreach));
  if (step.per_shard) entry.set("per_shard", true);
  Json overrides = Json::array();
  if (spec)
    for (const std::string& field : hidden_overrides(*spec, step.cfg, step.overrides)) overrides.push_back(field);
  if (overrides.size() > 0) entry.set("overrides", std::move(overrides));
  return entry;
}

}  // namespace

std::string fingerprint_of(const Json& document) { return fingerprint_text(document.dump_canonical()); }

std::vector<std::string> hidden_overrides(const ComponentSpec& spec, const Json& cfg,
                                          const std::vector<std::string>& overrides) {
  std::vector<std::string> hidden;
  for (const std::string& field : overrides) {
    const Json* value = spec.property(field).find("default");
    if (value && *value == cfg[field]) hidden.push_back(field);
  }
  return hidden;
}

std::string manifest_hash_of(const Json& manifest, std::string_view profile) {
  Json reduced = manifest;
  if (Json* meta = reduced.find("meta"))
    for (const char* key : {"generated_at", "manifest_hash", "manifest_short"}) meta->erase(key);
  if (Json* pipeline = reduced.find("pipeline"))
    if (Json* fingerprints = pipeline->find("fingerprints")) fingerprints->erase("manifest_fp");
  return sha256_hex(Json::object({{"manifest", std::move(reduced)}, {"profile", profile}}).dump_canonical(true));
}

std::string execution_fingerprint(const CompiledPipeline& pipeline, const ComponentRegistry& registry,
                                  std::string_view worker_sha256) {
  std::map<std::string, std::string> specs;
  for (const CompiledStep& step : pipeline.steps)
    if (const ComponentSpec* spec = registry.find(step.component)) specs[step.component] = spec->sha256;
  Json spec_hashes = Json::object();
  for (const auto& [name, sha256] : specs) spec_hashes.set(name, sha256);
  return fingerprint_of(Json::object(
      {{"manifest_hash", pipeline.manifest_hash}, {"specs", std::move(spec_hashes)}, {"worker", worker_sha256}}));
}

void build_documents(CompiledPipeline& pipeline, const ManifestSources& sources) {
  pipeline.id = pipeline_id_of(pipeline.name);
  const Json profile = pipeline.profile.empty() ? Json() : Json(pipeline.profile);
  Json steps = Json::array(), plan_steps = Json::array();
  for (const CompiledStep& step : pipeline.steps) {
    steps.push_back(step_entry(step, sources.registry.find(step.component)));
    plan_steps.push_back(Json::object({{"driver", step.driver}, {"id", step.id}}));
  }
  Json fingerprints = Json::object({{"oml_fp", fingerprint_of(sources.resolved_oml)},
                                    {"registry_fp", fingerprint_text(kRegistryFingerprintText)},
                                    {"compiler_fp", fingerprint_text(kCompilerName)},
                                    {"params_fp", fingerprint_of(sources.params)},
                                    {"profile", profile}});
  Json manifest = Json::object(
      {{"meta",
        Json::object({{"oml_version", pipeline.oml_version},
                      {"profile", profile},
                      {"run_id", "${run_id}"},
                      {"toolchain", Json::object({{"compiler", kCompilerName}, {"registry", kRegistryName}})}})},
       {"name", pipeline.name},
       {"pipeline", Json::object({{"id", pipeline.id}, {"version", kPipelineVersion}, {"fingerprints", fingerprints}})},
       {"steps", std::move(steps)}});
  if (pipeline.keep_outputs) manifest.set("keep_outputs", true);
  if (sources.has_metadata) manifest.set("metadata", sources.metadata);
  if (Json hooks = to_json(pipeline.hooks); !hooks.is_null()) manifest.set("hooks", std::move(hooks));

  const std::string manifest_fp = fingerprint_of(manifest);
  pipeline.manifest_hash = manifest_hash_of(manifest, pipeline.profile);
  pipeline.manifest_short = pipeline.manifest_hash.substr(0, static_cast<size_t>(sources.manifest_short_len));
  fingerprints.set("manifest_fp", manifest_fp);
  manifest.find("pipeline")->set("fingerprints", fingerprints);
  Json& meta = *manifest.find("meta");
  meta.set("generated_at", format_iso8601_micros(sources.now_unix_ns, true));
  meta.set("manifest_hash", pipeline.manifest_hash);
  meta.set("manifest_short", pipeline.manifest_short);

  pipeline.manifest = std::move(manifest);
  pipeline.plan = Json::object({{"steps", std::move(plan_steps)}});
  pipeline.fingerprints = Json::object({{"fingerprints", std::move(fingerprints)}});
  pipeline.run_summary =
      Json::object({{"compiled_at", format_iso8601_micros(sources.now_unix_ns, true)},
                    {"manifest_hash", pipeline.manifest_hash},
                    {"manifest_short", pipeline.manifest_short},
                    {"oml_version", pipeline.oml_version},
                    {"pipeline_slug", pipeline.file_slug},
                    {"profile", profile},
                    {"execution_fp", execution_fingerprint(pipeline, sources.registry, sources.worker_sha256)}});
}

}  // namespace osiris

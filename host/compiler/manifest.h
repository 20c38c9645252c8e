// The documents of a build directory and the hashes that name it (docs/oml.md, "Fingerprints").
#pragma once

#include <string>

#include "host/compiler/compiler.h"

namespace osiris {

inline constexpr std::string_view kCompilerName = "osiris-compiler/0.1";
inline constexpr std::string_view kRegistryName = "osiris-registry/0.1";
inline constexpr std::string_view kRegistryFingerprintText = "registry-v0.1";
inline constexpr std::string_view kPipelineVersion = "0.1.0";

struct ManifestSources {
  const Json& resolved_oml;  // the whole document, parameters filled in
  const Json& params;        // effective parameters
  const Json& metadata;      // null when the OML has none
  bool has_metadata = false;
  const ComponentRegistry& registry;
  std::string worker_sha256;
  int manifest_short_len = 7;
  int64_t now_unix_ns = 0;
};

// "My Pipe" -> "my_pipe"; nothing else changes.
std::string pipeline_id_of(std::string_view name);

// Fills manifest, plan, fingerprints, run_summary and the hashes from what the pipeline says of itself and its steps.
void build_documents(CompiledPipeline& pipeline, const ManifestSources& sources);

// SHA-256 over the manifest without what changes from compile to compile, and the profile.
std::string manifest_hash_of(const Json& manifest, std::string_view profile);
// "sha256:<hex>" of a document in canonical form.
std::string fingerprint_of(const Json& document);
// SHA-256 over the manifest's fingerprint, the specs of its components and the worker: what decides how it runs.
std::string execution_fingerprint(const CompiledPipeline& pipeline, const ComponentRegistry& registry,
                                  std::string_view worker_sha256);

// The overrides of a step that cannot be seen in its cfg, because they equal the component's default.
std::vector<std::string> hidden_overrides(const ComponentSpec& spec, const Json& cfg,
                                          const std::vector<std::string>& overrides);

}  // namespace osiris
